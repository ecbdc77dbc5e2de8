"""What tests before us published on the shared broker can be taken away: nothing is left to read."""

from aiokafka import TopicPartition

from shared.messaging.kafka import close_client, open_client, reader
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics
from shared.testing import START, fact
from tests.database.support import PARTITIONS, missed
from tests.kafka.emptying import emptied


async def unread(kafka: str) -> int:
    consumer = reader(kafka)
    await open_client(consumer)
    try:
        places = [TopicPartition("core-banking", number) for number in range(PARTITIONS)]
        first = await consumer.beginning_offsets(places)
        end = await consumer.end_offsets(places)
        return sum(end[place] - first[place] for place in places)
    finally:
        await close_client(consumer)


async def test_nothing_is_left_to_read(kafka):
    await ensure_topics(kafka, PARTITIONS)
    async with Publisher(kafka) as publisher:
        await publisher.publish([fact(missed(f"C{number}"), START) for number in range(9)])
    assert await unread(kafka) >= 9
    await emptied(kafka)
    assert await unread(kafka) == 0
