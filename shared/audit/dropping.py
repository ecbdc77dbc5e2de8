"""Months that retention drops: which days lose rows, so that their roots are checked by signature only from then on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.acts import SERVICE, record_act

ACT = "months_dropped"

_DAYS = text("""
    SELECT DISTINCT CAST(received_at AS date) FROM inbox WHERE month = ANY(CAST(:months AS date[])) ORDER BY 1
""")
_DROPPED = text("SELECT detail::text FROM acts WHERE subject = :subject AND act = :act")


async def record_drop(
    tx: AsyncConnection,
    months: Sequence[date],
    *,
    actor: str,
    reason: str,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """
    Write down, before they are dropped and in the same transaction, which *months* go and which days lose rows.

    The months are named by their first day. case_starts must hold, for each customer with rows in them, case_seq
    and link of the last of these rows.
    """
    days = await tx.scalars(_DAYS, {"months": list(months)})
    return await record_act(
        tx,
        subject=SERVICE,
        actor=actor,
        act=ACT,
        reason=reason,
        detail={
            **(detail or {}),
            "months": [month.isoformat() for month in months],
            "days": [day.isoformat() for day in days],
        },
        at=at,
    )


async def days_dropped(connection: AsyncConnection) -> frozenset[date]:
    """Answer the days whose rows were dropped, at least in part."""
    found: set[date] = set()
    for (detail,) in await connection.execute(_DROPPED, {"subject": SERVICE, "act": ACT}):
        found.update(date.fromisoformat(day) for day in msgspec.json.decode(detail)["days"])
    return frozenset(found)
