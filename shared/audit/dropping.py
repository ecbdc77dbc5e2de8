"""Months that retention drops: which days lose rows, so that their roots are checked by signature only from then on."""

from datetime import date

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.acts import SERVICE

ACT = "retention"
"""The act whose detail names the days, under "days"; it is chained and under a root itself."""

_DAYS = text("""
    SELECT DISTINCT CAST(received_at AS date) FROM inbox WHERE month < :before ORDER BY 1
""")
_DROPPED = text("SELECT detail::text FROM acts WHERE subject = :subject AND act = :act")


async def days_losing(tx: AsyncConnection, before: date) -> list[str]:
    """Answer the UTC days on which rows were received that lie in months before *before*, for the detail of the act."""
    return [day.isoformat() for day in await tx.scalars(_DAYS, {"before": before})]


async def days_dropped(connection: AsyncConnection) -> frozenset[date]:
    """Answer the days whose rows were dropped, at least in part."""
    found: set[date] = set()
    for (detail,) in await connection.execute(_DROPPED, {"subject": SERVICE, "act": ACT}):
        days = msgspec.json.decode(detail).get("days", ())
        found.update(date.fromisoformat(day) for day in days)
    return frozenset(found)
