"""Run one story in several cuts on one database; hypothesis calls it from outside an event loop."""

import asyncio
from collections.abc import Sequence

from shared.clock import SteppedClock
from shared.db import engine_for
from shared.messaging.records import Record
from shared.messaging.shell import Shell
from shared.testing import START
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, Database, always, cut


def compare_cuts(url: str, story: Sequence[Record], sizes: Sequence[int]) -> None:
    """Raise AssertionError where the cuts give another outcome than one batch."""
    asyncio.run(_compare(url, story, sizes))


async def _compare(url: str, story: Sequence[Record], sizes: Sequence[int]) -> None:
    engine = engine_for(url, "scheduler")
    try:
        whole = await _run(Database(engine), [list(story)])
        repeated = [half for batch in cut(story, sizes) for half in (batch, batch)]
        assert await _run(Database(engine), repeated) == whole
    finally:
        await engine.dispose()


async def _run(db: Database, batches: list[list[Record]]) -> dict:
    from tests.database.test_order import settle  # noqa: PLC0415

    await db.clear()
    shell = Shell(
        ledger(),
        db.engine,
        SteppedClock(START),
        keys=KEYS,
        partitions=PARTITIONS,
        fused_ticks=False,
    )
    for batch in batches:
        await shell.handle(batch, fresh=always)
    return await settle(shell, db)
