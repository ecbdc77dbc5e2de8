"""One membership in a consumer group, from joining to leaving: aiokafka's client, and what we know of its quirks."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from shared.messaging.broker import Reach
from shared.messaging.kafka import (
    REQUEST_SECONDS,
    Offsets,
    close_client,
    group_consumer,
    open_client,
    seed_offsets,
)
from shared.messaging.positions import rewound
from shared.messaging.records import Record

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
POSITION_SECONDS = 0.1
Positions = dict[TopicPartition, int]
Places = Callable[[], Awaitable[Mapping[TopicPartition, int]]]


class Member(ConsumerRebalanceListener):
    """
    A client that has joined, or is about to.

    *revoked* is awaited before partitions are handed over, *assigned* with the positions at which the new
    ones begin, *places* answers what is saved: offsets that run ahead of it are not believed. All run in
    aiokafka's own task; the fetches of before a hand-over must be dropped then.
    """

    def __init__(
        self,
        client: AIOKafkaConsumer,
        *,
        revoked: Callable[[], Awaitable[None]],
        assigned: Callable[[Positions], None],
        places: Places | None = None,
    ) -> None:
        self._client = client
        self._revoked = revoked
        self._assigned = assigned
        self._places = places

    @classmethod
    async def open(
        cls,
        bootstrap: Reach,
        group: str,
        tps: Sequence[TopicPartition],
        *,
        client_id: str,
        revoked: Callable[[], Awaitable[None]],
        assigned: Callable[[Positions], None],
        places: Places | None = None,
    ) -> Self:
        """Connect, and begin to join the group for the topics of *tps*; raises one of kafka.FAILURES."""
        await seed_offsets(bootstrap, group, tps)
        client = group_consumer(bootstrap, group, client_id=client_id)
        await open_client(client)
        member = cls(client, revoked=revoked, assigned=assigned, places=places)
        client.subscribe(sorted({tp.topic for tp in tps}), listener=member)
        return member

    async def fetch(self, most: int) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
        """
        Answer up to *most* records that are there, or none after half a second; longer while a rebalance runs.

        Raises OffsetOutOfRangeError, and one of kafka.FAILURES when the membership is broken.
        """
        fetched = await self._client.getmany(timeout_ms=int(POLL_SECONDS * 1000), max_records=most)
        return {tp: batch for tp, batch in fetched.items() if batch}

    async def beyond(self, saved: Mapping[TopicPartition, int]) -> Positions:
        """Answer the positions that lie behind what is *saved*: a log may end in what is no record."""
        found = {}
        for tp, offset in saved.items():
            with contextlib.suppress(IllegalStateError, TimeoutError):
                async with asyncio.timeout(POSITION_SECONDS):
                    position = await self._client.position(tp)
                if position > offset:
                    found[tp] = position
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """
        Commit; when the partitions have moved in the meantime nobody needs it.

        Raises one of kafka.FAILURES: then it is not known whether it was committed.
        """
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._client.commit(dict(offsets))
        except (CommitFailedError, IllegalStateError):
            log.info(
                "offsets_not_committed", reason="the partitions moved; the inbox drops repeats"
            )

    def pause(self, partitions: Collection[int]) -> None:
        """Read nothing more from these partition numbers, in any topic."""
        standing = [tp for tp in self._client.assignment() if tp.partition in partitions]
        self._client.pause(*standing)

    async def close(self) -> None:
        """Leave the group and close; never raises."""
        await close_client(self._client)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Called by aiokafka before a rebalance."""
        await self._revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """
        Called by aiokafka after a rebalance, perhaps with nothing.

        Nothing is fetched before *assigned* has been told: what was fetched earlier would be taken for a remainder of
        before the rebalance and dropped, and the position would already stand behind it.
        """
        self._client.pause(*assigned)
        positions = {}
        for tp in assigned:
            async with asyncio.timeout(REQUEST_SECONDS):
                positions[tp] = await self._client.position(tp)
        self._assigned(positions | await self._go_back(positions))
        self._client.resume(*(assigned & self._client.assignment()))

    async def _go_back(self, committed: Positions) -> Positions:
        """Begin where the database stands, in partitions whose committed offsets are ahead of it."""
        if self._places is None or not committed:
            return {}
        async with asyncio.timeout(2 * REQUEST_SECONDS):
            begins = await self._client.beginning_offsets(list(committed))
            back = rewound(committed, await self._places(), begins)
        for tp, offset in back.items():
            self._client.seek(tp, offset)
        if back:
            log.warning(
                "offsets_ahead_of_the_database",
                partitions={f"{tp.topic}-{tp.partition}": at for tp, at in sorted(back.items())},
                records=sum(committed[tp] - at for tp, at in back.items()),
            )
        return back


async def kept_ranges(
    bootstrap: Reach, tps: Collection[TopicPartition]
) -> dict[TopicPartition, range]:
    """Answer which offsets these partitions hold; raises one of kafka.FAILURES."""
    offsets = Offsets(bootstrap, client_id="ranges")
    try:
        return {tp: await offsets.kept(tp) for tp in tps}
    finally:
        await offsets.close()


def record_of(record: ConsumerRecord) -> Record:
    """Answer aiokafka's record as the shell's."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        timestamp=record.timestamp,
    )
