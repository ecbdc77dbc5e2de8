"""How far the scheduler has settled core banking's partitions: no effect leaves ahead of it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NOTE = text("""
    INSERT INTO progress (partition, offset_, moved_at)
    SELECT *, CAST(:at AS timestamptz) FROM unnest(CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
    ON CONFLICT (partition) DO UPDATE
        SET offset_ = excluded.offset_, moved_at = coalesce(excluded.moved_at, progress.moved_at)
        WHERE progress.offset_ < excluded.offset_
    RETURNING partition
""")


async def note(
    tx: AsyncConnection, offsets: Mapping[int, int], at: datetime | None = None
) -> list[int]:
    """
    Note that every core-banking record below these offsets is settled; answer the partitions that advanced.

    `at` is the clock's instant, kept as when core banking was last heard (shared/messaging/silence.py).
    """
    if not offsets:
        return []
    partitions = sorted(offsets)
    return list(
        await tx.scalars(
            _NOTE, {"partitions": partitions, "offsets": [offsets[p] for p in partitions], "at": at}
        )
    )


async def settled(connection: AsyncConnection) -> dict[int, int]:
    """Answer the core-banking offset up to which each partition is settled; one without a row has none yet."""
    return {
        row[0]: row[1]
        for row in await connection.execute(text("SELECT partition, offset_ FROM progress"))
    }
