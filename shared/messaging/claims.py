"""The transaction in which effects are claimed: while nobody can stop anything, and no more than the hour allows.

The order of its locks keeps it from deadlock: switch, counts of the hour, effects (which it never waits for).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import controls, effect_rows
from shared.messaging.effect_rows import EffectRow
from shared.messaging.fuses import OFF, Allowance, Limits, Tripped

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims for one service in one process. *observe*: what is claimed is `observed`, and does not leave."""

    engine: AsyncEngine
    service: str
    provider: str
    limits: Limits = OFF
    observe: bool = False

    async def take(self, rows: Sequence[EffectRow], now: datetime) -> list[EffectRow]:
        """Claim those of *rows* that may still leave, in their order; answers them as claimed."""
        if not rows:
            return []
        ids = [row.effect_id for row in rows]
        async with self.engine.begin() as tx:
            await controls.hold(tx)
            if self.observe:
                taken, _ = await effect_rows.claim(tx, ids, now, provider=self.provider)
                await effect_rows.settle(tx, {row.effect_id: "observed" for row in taken}, now)
                return taken
            allowance = Allowance(self.limits, now)
            await allowance.begin(tx, {row.channel for row in rows})
            taken, _ = await effect_rows.claim(
                tx, ids, now, provider=self.provider, take=allowance.take
            )
            tripped = await allowance.end(tx)
        self._alert(tripped)
        return taken

    def _alert(self, tripped: Sequence[Tripped]) -> None:
        for fuse in tripped:
            log.error("fuse_tripped", service=self.service, **asdict(fuse))
