"""Records on a topic, what a consumer saved of them, and waiting for conditions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.consumer import Consumer
from shared.messaging.kafka import close_client, new_producer, open_client
from shared.messaging.records import Record
from shared.messaging.topics import ensure_topics

PARTITIONS = 4
Place = tuple[str, int, int]


async def until(condition: Callable[[], Any], *, seconds: float = 30.0) -> None:
    """Return as soon as *condition* holds; fail when it does not within the bound."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


class Log:
    """Stands for the database: what was saved, in order, by place."""

    def __init__(self) -> None:
        self.saved: list[Place] = []
        self.values: list[bytes | None] = []

    def save(self, records: Sequence[Record]) -> None:
        self.saved += [(r.topic, r.partition, r.offset) for r in records]
        self.values += [r.value for r in records]

    async def handle(self, records: Sequence[Record]) -> None:
        self.save(records)

    def first_times(self) -> dict[tuple[str, int], list[int]]:
        """The offsets of each partition in the order in which they were first saved."""
        found: dict[tuple[str, int], list[int]] = {}
        for topic, partition, offset in dict.fromkeys(self.saved):
            found.setdefault((topic, partition), []).append(offset)
        return found

    def has_all(self, count: int) -> bool:
        return len(set(self.saved)) >= count

    def is_in_order(self) -> bool:
        return all(
            offsets == list(range(offsets[0], offsets[0] + len(offsets)))
            for offsets in self.first_times().values()
        )


async def topic_with(bootstrap: str, name: str, count: int) -> str:
    """Make a topic with so many records, spread over its partitions."""
    await ensure_topics(bootstrap, PARTITIONS, topics=[name])
    await produce(bootstrap, name, count)
    return name


async def produce(bootstrap: str, topic: str, count: int, *, partition: int | None = None) -> None:
    producer = new_producer(bootstrap, client_id="test")
    await open_client(producer)
    try:
        sent = [
            await producer.send(
                topic, b"%d" % n, partition=n % PARTITIONS if partition is None else partition
            )
            for n in range(count)
        ]
        await asyncio.gather(*sent)
    finally:
        await close_client(producer)


@asynccontextmanager
async def consuming(
    bootstrap: str, group: str, topics: Sequence[str], handle: Any, **options: Any
) -> AsyncIterator[Consumer]:
    """A started consumer, stopped at the end."""
    consumer = Consumer(bootstrap, group, topics, handle, partitions=PARTITIONS, **options)
    consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def everything(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> list[Any]:
    """All records of a topic, in order per partition."""
    # not seek_to_beginning: the answer to the first look-up of the end may overwrite it
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await open_client(client)
    try:
        tps = [TopicPartition(topic, p) for p in range(partitions)]
        client.assign(tps)
        ends = await client.end_offsets(tps)
        found: list[Any] = []
        while any([await client.position(tp) < ends[tp] for tp in tps]):
            for batch in (await client.getmany(timeout_ms=500)).values():
                found += batch
        return found
    finally:
        await close_client(client)


async def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """What the group committed on each partition."""
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    tps = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    client.assign(tps)
    await open_client(client)
    try:
        return {tp.partition: await client.committed(tp) or 0 for tp in tps}
    finally:
        await close_client(client)
