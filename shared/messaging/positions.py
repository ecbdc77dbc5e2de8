"""Up to where each partition is saved, noted in the batch's own transaction: the database's word, not Kafka's.

Offsets committed to Kafka run ahead of a database that was restored from a backup, or that lost its last seconds in a
failover. Read from there, what lies between would be lost without a sign; read from here, it comes again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from aiokafka import TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.records import Record

_NOTE = text("""
    INSERT INTO positions (topic, partition, offset_)
    SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
    ON CONFLICT (topic, partition) DO UPDATE SET offset_ = excluded.offset_
""")


async def note(tx: AsyncConnection, records: Iterable[Record]) -> None:
    """Note that these records, and all before them in their partitions, are saved with this transaction."""
    ends: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    if ends:
        places = sorted(ends)
        await tx.execute(
            _NOTE,
            {
                "topics": [topic for topic, _ in places],
                "partitions": [partition for _, partition in places],
                "offsets": [ends[place] for place in places],
            },
        )


async def note_published(tx: AsyncConnection, produced: Mapping[TopicPartition, int]) -> None:
    """Note up to where our own topic is written, before the rows leave the outbox: what is beyond, we do not remember."""
    places = sorted(produced)
    await tx.execute(
        _NOTE,
        {
            "topics": [tp.topic for tp in places],
            "partitions": [tp.partition for tp in places],
            "offsets": [produced[tp] for tp in places],
        },
    )


class Voids:
    """Ranges of records that count for nothing: what the scheduler published and, restored, decides anew."""

    def __init__(self, ranges: Mapping[TopicPartition, Sequence[range]]) -> None:
        self._ranges = ranges

    @classmethod
    async def read(cls, connection: AsyncConnection) -> Self:
        """Read those of this service's schema."""
        ranges: dict[TopicPartition, list[range]] = defaultdict(list)
        for row in await connection.execute(text("SELECT topic, partition, from_, to_ FROM voids")):
            ranges[TopicPartition(row[0], row[1])].append(range(row[2], row[3]))
        return cls(ranges)

    def without(self, records: Sequence[Record]) -> Sequence[Record]:
        """Answer the records that count."""
        if not self._ranges:
            return records
        return [
            record
            for record in records
            if not any(
                record.offset in void
                for void in self._ranges.get(TopicPartition(record.topic, record.partition), ())
            )
        ]


async def saved(connection: AsyncConnection) -> dict[TopicPartition, int]:
    """Answer the offset below which everything is saved, of each partition of which anything ever was."""
    rows = await connection.execute(text("SELECT topic, partition, offset_ FROM positions"))
    return {TopicPartition(row[0], row[1]): row[2] for row in rows}


def rewound(
    committed: Mapping[TopicPartition, int],
    saved: Mapping[TopicPartition, int],
    begins: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """
    Answer where to begin instead, for those partitions of *committed* that are ahead of what is *saved*.

    A partition of which nothing was ever saved begins where its log *begins*. Behind what is saved is fine:
    the inbox drops what comes again.
    """
    places = {tp: saved.get(tp, begins.get(tp, at)) for tp, at in committed.items()}
    return {tp: place for tp, place in places.items() if place < committed[tp]}
