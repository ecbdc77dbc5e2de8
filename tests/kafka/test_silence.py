"""No contact leaves on stale facts: the effect worker claims nothing while core banking is silent."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.messaging.silence import Silence
from tests.database.support import missed
from tests.kafka.rig import SERVICE, Rig, rig


@pytest.fixture
async def world(database, kafka, tmp_path) -> AsyncIterator[Rig]:
    async with rig(database, kafka, tmp_path) as found:
        found.values = {f"C{n}": "+8613800000000" for n in range(4)}
        yield found


async def heard(world, at):
    await world.rows("UPDATE progress SET moved_at = :at", at=at)


async def test_nothing_leaves_while_core_banking_is_silent_and_all_goes_on_when_it_speaks(world):
    silence = Silence(world.engine, SERVICE, hours=24, zone="Asia/Shanghai", country="CN")
    worker = world.worker(silent=silence.silent)
    now = world.clock.now()
    await world.happened(missed("C1"), missed("C2"))
    await heard(world, now - timedelta(days=7))
    assert await worker.run_due_step() == 0
    assert await world.effects() == {"C1": "pending", "C2": "pending"}
    await heard(world, now)
    assert await worker.run_due_step() == 2
    assert sorted(world.handed_over()) == ["C1", "C2"]
    assert set((await world.effects()).values()) == {"done"}


async def test_what_waits_through_the_silence_expires_with_its_window(world):
    silence = Silence(world.engine, SERVICE, hours=24, zone="Asia/Shanghai", country="CN")
    worker = world.worker(silent=silence.silent)
    await world.happened(missed("C1"))
    await heard(world, world.clock.now() - timedelta(days=7))
    assert await worker.run_due_step() == 0
    ((not_after,),) = await world.rows("SELECT not_after FROM effects")
    world.clock.set(not_after)
    assert await worker.run_due_step() == 1
    assert await world.effects() == {"C1": "refused"}
    assert world.handed_over() == []
