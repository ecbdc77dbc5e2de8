"""What the worker does not let leave: why, how that is told, and that an operator hears of what should never happen."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.envelope import Event
from shared.messaging import fuses
from shared.messaging.effect_rows import EffectRow
from shared.outgoing import refused_event
from shared.permits import permitted

log = structlog.get_logger(__name__)


def of(
    rows: Sequence[EffectRow], now: datetime, packs: Collection[str] | None
) -> Mapping[str, str]:
    """Answer, by effect_id, why effects must not leave at *now*; *packs* as in permitted.refusal."""
    reasons = {row.effect_id: at_exit(row, now, packs) for row in rows}
    return {effect_id: reason for effect_id, reason in reasons.items() if reason}


def at_exit(row: EffectRow, now: datetime, packs: Collection[str] | None) -> str:
    """Answer why one effect must not leave at *now*, "" if it may: its window is over, or it has no leave."""
    if now >= row.not_after:
        return permitted.EXPIRED
    return permitted.refusal(row.kind, row.request, now, packs)


def told(service: str, row: EffectRow, now: datetime, reason: str) -> Event:
    """Make the fact that tells it; what can only be a defect, a plant or a changed rule pack is an error of the log."""
    if reason != permitted.EXPIRED:
        log.error(
            "effect_not_permitted", service=service, id=row.effect_id, kind=row.kind, reason=reason
        )
    return refused_event(service, row.customer_id, row.effect_id, now, reason)


async def uncount(engine: AsyncEngine, rows: Sequence[EffectRow]) -> None:
    """Take what was refused after its claim off the hour's count: it has not left."""
    claims = [(row.channel, row.claimed_at) for row in rows if row.claimed_at is not None]
    if claims:
        async with engine.begin() as tx:
            await fuses.put_back(tx, claims)
