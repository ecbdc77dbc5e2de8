"""The broker does what it is asked, and the answer is lost: nothing may be missing, doubled in the log or out of order."""

import asyncio
from collections import Counter

from shared.messaging.kafka import close_client, new_producer, open_client
from shared.messaging.topics import ensure_topics
from tests.kafka.support import PARTITIONS, Log, consuming, everything, until

COUNT = 3000
SHARE = 0.03


async def test_producing_and_consuming_survive_lost_answers(kafka_server, proxy, fresh_name):
    bootstrap, topic = kafka_server.bootstrap, fresh_name("t")
    await ensure_topics(bootstrap, PARTITIONS, topics=[topic])
    producer = new_producer(kafka_server.extra_bootstrap, client_id="lossy")
    await open_client(producer)
    log = Log()
    async with consuming(
        kafka_server.extra_bootstrap, fresh_name("g"), [topic], log.handle, max_records=50
    ) as member:
        await until(member.owned)
        proxy.share = SHARE
        for start in range(0, COUNT, 100):
            sent = [
                await producer.send(topic, b"%d" % n, partition=n % PARTITIONS)
                for n in range(start, start + 100)
            ]
            await asyncio.gather(*sent)
        await until(lambda: log.has_all(COUNT), seconds=60)
        proxy.share = 0.0
    await close_client(producer)
    assert proxy.cut > 5
    stored = await everything(bootstrap, topic)
    assert len(stored) == COUNT
    assert max(Counter(record.value for record in stored).values()) == 1
    for partition in range(PARTITIONS):
        values = [int(record.value) for record in stored if record.partition == partition]
        assert values == sorted(values)
    assert log.is_in_order()
    assert set(log.values) == {b"%d" % n for n in range(COUNT)}
