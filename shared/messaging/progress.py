"""How far the scheduler has settled core banking's partitions: no effect leaves ahead of it."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NOTE = text("""
    INSERT INTO progress (partition, offset_)
    SELECT * FROM unnest(CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
    ON CONFLICT (partition) DO UPDATE SET offset_ = excluded.offset_ WHERE progress.offset_ < excluded.offset_
    RETURNING partition
""")


async def note(tx: AsyncConnection, offsets: Mapping[int, int]) -> list[int]:
    """Note that every core-banking record below these offsets is settled; answer the partitions that advanced."""
    if not offsets:
        return []
    partitions = sorted(offsets)
    return list(
        await tx.scalars(
            _NOTE, {"partitions": partitions, "offsets": [offsets[p] for p in partitions]}
        )
    )


async def settled(connection: AsyncConnection) -> dict[int, int]:
    """Answer the core-banking offset up to which each partition is settled; one without a row has none yet."""
    return {
        row[0]: row[1]
        for row in await connection.execute(text("SELECT partition, offset_ FROM progress"))
    }
