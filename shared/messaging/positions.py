"""Up to where each partition is saved, noted in the batch's own transaction: the database's word, not Kafka's.

Offsets committed to Kafka run ahead of a database that was restored from a backup, or that lost its last seconds in a
failover. Read from there, what lies between would be lost without a sign; read from here, it comes again.
"""

from collections.abc import Iterable, Mapping

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
