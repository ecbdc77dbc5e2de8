"""The effect rows: what is to leave the system, saved with the decision; the worker claims and settles them.

Deciders lock case, then effect; the worker locks effects only and reads the case without a lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.decision import Effect

Status = Literal["pending", "sending", "done", "withdrawn", "refused", "unknown", "observed"]
"""pending -> sending -> done or unknown; pending -> withdrawn, refused (its window was over), observed (no contact)."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect; `claimed_at` is None while it is pending."""

    effect_id: str
    customer_id: str
    partition: int
    kind: str
    request: dict[str, Any]
    not_before: datetime
    not_after: datetime
    status: str
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StartedEffect:
    """An effect that a decision started; `request` is its request as JSON, `now` the decision's instant."""

    customer_id: str
    partition: int
    now: datetime
    effect: Effect
    request: str


_COLUMNS = "effect_id, customer_id, effects.partition, kind, request::text, not_before, not_after, status, claimed_at"
_UNPARKED = """EXISTS (
    SELECT FROM cases WHERE cases.customer_id = effects.customer_id AND cases.parked_by = '{}')"""

_APPEND = text("""
    INSERT INTO effects (effect_id, customer_id, partition, kind, request, not_before, not_after, created_at, updated_at)
    SELECT effect_id, customer_id, partition, kind, CAST(request AS jsonb), not_before, not_after, now, now
    FROM unnest(CAST(:ids AS text[]), CAST(:customers AS text[]), CAST(:partitions AS int[]), CAST(:kinds AS text[]),
        CAST(:requests AS text[]), CAST(:earliest AS timestamptz[]), CAST(:latest AS timestamptz[]),
        CAST(:nows AS timestamptz[])) WITH ORDINALITY
        AS v (effect_id, customer_id, partition, kind, request, not_before, not_after, now, place)
    ORDER BY place
    ON CONFLICT (effect_id) DO NOTHING
""")
_WITHDRAW = text("""
    WITH locked AS (
        SELECT effect_id FROM effects WHERE effect_id = ANY(CAST(:ids AS text[])) ORDER BY effect_id FOR UPDATE)
    UPDATE effects SET status = CASE status WHEN 'pending' THEN 'withdrawn' ELSE status END, withdrawn = true,
        updated_at = :now
    FROM locked WHERE effects.effect_id = locked.effect_id AND effects.status IN ('pending', 'sending')
""")
_DUE = text(f"""
    SELECT {_COLUMNS} FROM unnest(CAST(:partitions AS int[])) AS p (partition), LATERAL (
        SELECT * FROM effects
        WHERE effects.partition = p.partition AND status = 'pending' AND not_before <= :now AND {_UNPARKED}
        ORDER BY not_before LIMIT :limit) AS effects
    ORDER BY not_before, seq LIMIT :limit
""")  # noqa: S608  a constant
_CLAIM = text(f"""
    SELECT {_COLUMNS} FROM effects
    WHERE effect_id = ANY(CAST(:ids AS text[])) AND status = 'pending' AND not_before <= :now AND {_UNPARKED}
    ORDER BY effect_id FOR UPDATE SKIP LOCKED
""")  # noqa: S608  a constant
_SET = text("""
    UPDATE effects SET
        status = CASE WHEN withdrawn AND v.status = 'pending' THEN 'withdrawn' ELSE v.status END,
        claimed_at = coalesce(CAST(:claimed_at AS timestamptz), claimed_at),
        updated_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[])) AS v (effect_id, status)
    WHERE effects.effect_id = v.effect_id
""")
_SENDING = text(f"""
    SELECT {_COLUMNS} FROM effects
    WHERE status = 'sending' AND partition = ANY(CAST(:partitions AS int[])) ORDER BY seq
""")  # noqa: S608  a constant


async def append(tx: AsyncConnection, started: Sequence[StartedEffect]) -> None:
    """Save effects; one that is there already, by its id, stays as it is."""
    if not started:
        return
    effects = [row.effect for row in started]
    await tx.execute(
        _APPEND,
        {
            "ids": [effect.effect_id for effect in effects],
            "customers": [row.customer_id for row in started],
            "partitions": [row.partition for row in started],
            "kinds": [effect.kind for effect in effects],
            "requests": [row.request for row in started],
            "earliest": [effect.not_before for effect in effects],
            "latest": [effect.not_after for effect in effects],
            "nows": [row.now for row in started],
        },
    )


async def withdraw(tx: AsyncConnection, effect_ids: Iterable[str], now: datetime) -> None:
    """Withdraw those that are still pending; what is `sending` is withdrawn if it turns out that it did not leave."""
    if ids := sorted(set(effect_ids)):
        await tx.execute(_WITHDRAW, {"ids": ids, "now": now})


async def due(
    connection: AsyncConnection, now: datetime, partitions: Sequence[int], limit: int
) -> list[EffectRow]:
    """Answer pending effects that may leave at *now*, oldest first, without locking them; parked cases' not."""
    found = await connection.execute(
        _DUE, {"now": now, "partitions": list(partitions), "limit": limit}
    )
    return [_row(row) for row in found]


async def claim(
    tx: AsyncConnection, effect_ids: Iterable[str], now: datetime
) -> tuple[list[EffectRow], list[EffectRow]]:
    """
    Claim those that are still pending and due, of cases that nobody parks: the first list is now `sending`.

    The second list was too late: its window is over, and it is now `refused`.
    """
    rows = [
        _row(row) for row in await tx.execute(_CLAIM, {"ids": sorted(set(effect_ids)), "now": now})
    ]
    taken = [replace(row, claimed_at=now) for row in rows if now < row.not_after]
    late = [row for row in rows if now >= row.not_after]
    statuses = {row.effect_id: "sending" for row in taken} | {
        row.effect_id: "refused" for row in late
    }
    await settle(tx, statuses, now, claimed_at=now)
    return taken, late


async def settle(
    tx: AsyncConnection,
    statuses: Mapping[str, str],
    now: datetime,
    *,
    claimed_at: datetime | None = None,
) -> None:
    """Set the status of effects: what became of those that were `sending`; back to `pending` if they must wait."""
    if statuses:
        ids = sorted(statuses)
        await tx.execute(
            _SET,
            {
                "ids": ids,
                "statuses": [statuses[i] for i in ids],
                "now": now,
                "claimed_at": claimed_at,
            },
        )


async def sending(connection: AsyncConnection, partitions: Sequence[int]) -> list[EffectRow]:
    """Answer what stands as `sending`: after a crash it is to be looked up at the provider."""
    found = await connection.execute(_SENDING, {"partitions": list(partitions)})
    return [_row(row) for row in found]


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """Answer how many effects there are of each status."""
    found = await connection.execute(text("SELECT status, count(*) FROM effects GROUP BY status"))
    return {row[0]: row[1] for row in found}


def _row(row: Any) -> EffectRow:
    effect_id, customer_id, partition, kind, request, *rest = row
    return EffectRow(effect_id, customer_id, partition, kind, msgspec.json.decode(request), *rest)
