"""The table of facts that a service tells its own cases (onward.py tells them), written with what they follow from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.canonical import canonical
from shared.events.envelope import Event
from shared.messaging.parking import event_of

_APPEND = text("""
    INSERT INTO onward (customer_id, event)
    SELECT customer_id, CAST(event AS json)
    FROM unnest(CAST(:customers AS text[]), CAST(:events AS text[])) WITH ORDINALITY AS v (customer_id, event, place)
    ORDER BY place
""")
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('onward ' || current_schema(), 0))")
_READ = text("SELECT seq, event::text FROM onward WHERE error = '' ORDER BY seq LIMIT :limit")
_DELETE = text("DELETE FROM onward WHERE seq = ANY(CAST(:seqs AS bigint[]))")
_REFUSED = text("UPDATE onward SET error = :error WHERE seq = :seq")


async def append(tx: AsyncConnection, events: Sequence[Event]) -> None:
    """Write facts down, in order, in the transaction of what they follow from."""
    if events:
        values: dict[str, Any] = {
            "customers": [event.subject for event in events],
            "events": [canonical(event).decode() for event in events],
        }
        await tx.execute(_APPEND, values)


async def oldest(tx: AsyncConnection, limit: int) -> list[tuple[int, Event]]:
    """Answer the oldest facts that wait, numbered; none while another transaction has them in hand."""
    if not await tx.scalar(_LOCK):
        return []
    rows = await tx.execute(_READ, {"limit": limit})
    return [(seq, event_of(stored)[0]) for seq, stored in rows]


async def told(tx: AsyncConnection, seqs: Sequence[int]) -> None:
    """Take what was told off the table."""
    await tx.execute(_DELETE, {"seqs": list(seqs)})


async def refused(tx: AsyncConnection, seq: int, error: str) -> None:
    """Leave a fact that the shell does not take in the table, with the reason: it is passed over from now on."""
    await tx.execute(_REFUSED, {"seq": seq, "error": error or "refused"})
