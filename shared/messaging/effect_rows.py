"""The effect rows: what is to leave the system, saved with the decision; the worker claims and settles them.

Deciders lock case, then effect; the worker locks effects only and reads the case without a lock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.decision import Effect
from shared.messaging import fuses
from shared.messaging.controls import MATCHES

Status = Literal["pending", "sending", "done", "withdrawn", "refused", "unknown", "observed"]
"""pending -> sending -> done or unknown; pending -> withdrawn, refused (its window was over), observed (no contact)."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect; `claimed_at` is None while it is pending; `cause` as causes.py stores it."""

    effect_id: str
    customer_id: str
    partition: int
    kind: str
    request: dict[str, Any]
    not_before: datetime
    not_after: datetime
    status: str
    claimed_at: datetime | None
    channel: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class StartedEffect:
    """An effect that a decision started; `request` is its request as JSON, `now` the decision's instant."""

    customer_id: str
    partition: int
    now: datetime
    effect: Effect
    request: str
    cause: str = ""


_COLUMNS = "effect_id, customer_id, effects.partition, kind, request::text, not_before, not_after, status, claimed_at, channel, effects.cause"
_UNPARKED = """EXISTS (
    SELECT FROM cases WHERE cases.customer_id = effects.customer_id AND cases.parked_by = '{}')"""
_UNSTOPPED = f"NOT EXISTS (SELECT FROM stops WHERE resumed_at IS NULL AND {MATCHES})"

_APPEND = text("""
    INSERT INTO effects (effect_id, customer_id, partition, kind, request, not_before, not_after, created_at, updated_at, cause)
    SELECT effect_id, customer_id, partition, kind, CAST(request AS jsonb), not_before, not_after, now, now, cause
    FROM unnest(CAST(:ids AS text[]), CAST(:customers AS text[]), CAST(:partitions AS int[]), CAST(:kinds AS text[]),
        CAST(:requests AS text[]), CAST(:earliest AS timestamptz[]), CAST(:latest AS timestamptz[]),
        CAST(:nows AS timestamptz[]), CAST(:causes AS text[])) WITH ORDINALITY
        AS v (effect_id, customer_id, partition, kind, request, not_before, not_after, now, cause, place)
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
            AND (not_after <= :now OR {_UNSTOPPED})
        ORDER BY not_before LIMIT :limit) AS effects
    ORDER BY not_before, seq LIMIT :limit
""")  # noqa: S608  a constant
_CLAIM = text(f"""
    SELECT {_COLUMNS} FROM effects
    WHERE effect_id = ANY(CAST(:ids AS text[])) AND status = 'pending' AND not_before <= :now AND {_UNPARKED}
        AND {_UNSTOPPED}
    ORDER BY effect_id FOR UPDATE SKIP LOCKED
""")  # noqa: S608  a constant
_SET = text("""
    UPDATE effects SET
        status = CASE WHEN withdrawn AND v.status = 'pending' THEN 'withdrawn' ELSE v.status END,
        claimed_at = coalesce(CAST(:claimed_at AS timestamptz), claimed_at),
        provider = coalesce(CAST(:provider AS text), provider),
        updated_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[])) AS v (effect_id, status)
    WHERE effects.effect_id = v.effect_id
""")
# the claim's instant tells our claim from one that another process made after it took the row over
_PUT_BACK = text("""
    UPDATE effects SET status = CASE WHEN withdrawn THEN 'withdrawn' ELSE 'pending' END, updated_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:claims AS timestamptz[])) AS v (effect_id, claimed_at)
    WHERE effects.effect_id = v.effect_id AND effects.status = 'sending'
        AND effects.claimed_at IS NOT DISTINCT FROM v.claimed_at
    RETURNING channel, v.claimed_at
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
            "causes": [row.cause for row in started],
        },
    )


async def withdraw(tx: AsyncConnection, effect_ids: Iterable[str], now: datetime) -> None:
    """Withdraw those that are still pending; what is `sending` is withdrawn if it turns out that it did not leave."""
    if ids := sorted(set(effect_ids)):
        await tx.execute(_WITHDRAW, {"ids": ids, "now": now})


async def due(
    connection: AsyncConnection,
    now: datetime,
    partitions: Sequence[int],
    limit: int,
    *,
    provider: str = "",
) -> list[EffectRow]:
    """
    Answer pending effects that may leave at *now*, oldest first, without locking them.

    Parked cases' are left out, and what a stop holds, unless its window is over.
    """
    values = {"now": now, "partitions": list(partitions), "limit": limit, "provider": provider}
    found = await connection.execute(_DUE, values)
    return [_row(row) for row in found]


async def claim(
    tx: AsyncConnection,
    effect_ids: Sequence[str],
    now: datetime,
    *,
    provider: str = "",
    take: Callable[[str], bool] = lambda _: True,
) -> tuple[list[EffectRow], list[EffectRow]]:
    """
    Claim, in the order given, those still pending and due, that nobody parks and no stop holds.

    The first list is now `sending`; *take* was asked for each one's channel whether it may leave. The
    second list was too late: its window is over, and it is now `refused`. The caller holds the switch
    (controls.py).
    """
    values = {"ids": sorted(set(effect_ids)), "now": now, "provider": provider}
    rows = {row[0]: _row(row) for row in await tx.execute(_CLAIM, values)}
    chosen = [rows[i] for i in dict.fromkeys(effect_ids) if i in rows]
    taken = [replace(r, claimed_at=now) for r in chosen if now < r.not_after and take(r.channel)]
    late = [row for row in chosen if now >= row.not_after]
    statuses = {row.effect_id: "sending" for row in taken} | {
        row.effect_id: "refused" for row in late
    }
    await settle(tx, statuses, now, claimed_at=now, provider=provider)
    return taken, late


async def settle(
    tx: AsyncConnection,
    statuses: Mapping[str, str],
    now: datetime,
    *,
    claimed_at: datetime | None = None,
    provider: str | None = None,
) -> None:
    """Set the status of effects: what became of those that were `sending`."""
    if statuses:
        ids = sorted(statuses)
        values = {"ids": ids, "statuses": [statuses[i] for i in ids], "now": now}
        await tx.execute(_SET, {**values, "claimed_at": claimed_at, "provider": provider})


async def put_back(tx: AsyncConnection, rows: Sequence[EffectRow], now: datetime) -> None:
    """
    Undo claims of effects that surely did not leave: pending again, and off the hour's count.

    A row that was withdrawn meanwhile is `withdrawn`; one that is no longer claimed as in *rows* stays.
    """
    if rows:
        ordered = sorted(rows, key=lambda row: row.effect_id)
        values = {"ids": [r.effect_id for r in ordered], "claims": [r.claimed_at for r in ordered]}
        found = await tx.execute(_PUT_BACK, {**values, "now": now})
        await fuses.put_back(tx, [(channel, at) for channel, at in found if at is not None])


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
