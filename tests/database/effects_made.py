"""Effects as decisions would have started them, and claims of them."""

import itertools
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text

from shared.decision import Effect
from shared.messaging import effect_rows
from shared.messaging.claims import Claims
from shared.messaging.effect_rows import EffectRow, StartedEffect
from shared.testing import START, days
from tests.database.support import PARTITIONS, Database

CONTROLS = ("stops", "departures", "mass_failure")
numbers = itertools.count(1)


async def clear_controls(db: Database) -> None:
    """Forget what tests of controls left behind; the switch itself stays."""
    for table in CONTROLS:
        await db.run(f"DELETE FROM {table}")


async def start(
    db: Database,
    count: int = 1,
    *,
    kind: str = "contact.sms",
    at: datetime = START,
    **request: Any,
) -> list[str]:
    """Save so many effects that are due at *at*, of a customer each; answers their ids."""
    ids = [f"E{next(numbers):06d}" for _ in range(count)]
    effects = [Effect(i, kind, request, at, at + days(3)) for i in ids]
    started = [
        StartedEffect(
            f"C-{e.effect_id}", n % PARTITIONS, at, e, msgspec.json.encode(request).decode()
        )
        for n, e in enumerate(effects)
    ]
    async with db.engine.begin() as tx:
        await tx.execute(
            text("""
                INSERT INTO cases (customer_id, partition, stage, state, state_version)
                SELECT c, p, 'idle', '{}', 1 FROM unnest(CAST(:c AS text[]), CAST(:p AS int[])) AS v (c, p)
            """),
            {"c": [s.customer_id for s in started], "p": [s.partition for s in started]},
        )
        await effect_rows.append(tx, started)
    return ids


async def due(
    db: Database, now: datetime, *, limit: int = 10_000, provider: str = "sandbox"
) -> list[EffectRow]:
    async with db.engine.connect() as connection:
        return await effect_rows.due(connection, now, range(PARTITIONS), limit, provider=provider)


async def claim(
    db: Database, now: datetime = START, *, limit: int = 10_000, **about: Any
) -> list[str]:
    """Claim what is due as a worker does; answers the ids."""
    provider = about.pop("provider", "sandbox")
    rows = await due(db, now, limit=limit, provider=provider)
    taken = await Claims(db.engine, "scheduler", provider, **about).take(rows, now)
    return [row.effect_id for row in taken]
