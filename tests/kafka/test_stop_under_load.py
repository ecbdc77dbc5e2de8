"""Workers hand over as fast as they can to the real sandbox; its log is the judge of what left after a stop."""

import asyncio
from time import monotonic

from shared.clock import SystemClock
from shared.messaging import controls
from shared.messaging.controls import Filter
from tests.database.support import missed
from tests.kafka.rig import rig

EFFECTS = 1000
ROUNDS = 5


async def test_after_a_stop_returned_the_provider_is_handed_nothing_that_was_claimed_later(
    database, kafka, tmp_path, monkeypatch
):
    """Five stops in the middle of 1,000 effects, by four workers of a partition each that claim small lots."""
    monkeypatch.setattr("shared.messaging.effects.CLAIMS", 8)
    clock = SystemClock()
    async with rig(database, kafka, tmp_path, clock=clock) as world:
        customers = [f"C{n}" for n in range(EFFECTS)]
        world.values = dict.fromkeys(customers, "+8613800000000")
        await world.happened(*(missed(customer) for customer in customers))
        stopping = asyncio.Event()
        workers = [world.worker(owned=lambda p=p: [p]) for p in range(4)]
        running = [asyncio.create_task(worker.run(stopping)) for worker in workers]
        seen = 0
        for nth in range(ROUNDS):
            await left(world, at_least=seen + 40)
            async with world.engine.begin() as tx:
                stopped = await controls.stop(
                    tx, Filter(channel="sms"), reason="test", by="op-1", at=clock.now()
                )
                allowed = {
                    row[0]
                    for row in await tx.exec_driver_sql(
                        "SELECT effect_id FROM effects WHERE status <> 'pending'"
                    )
                }
            await quiet(world, workers)
            seen = len(world.requests())
            assert {line["effect_id"] for line in world.requests()} <= allowed, f"stop {nth}"
            assert seen < EFFECTS, "it came in the middle"
            async with world.engine.begin() as tx:
                await controls.resume(tx, stopped.stop_id, reason="test", by="op-1", at=clock.now())
            for worker in workers:
                worker.wake()
        await left(world, at_least=EFFECTS)
        stopping.set()
        for worker in workers:
            worker.wake()
        await asyncio.gather(*running)
        assert sorted(world.handed_over()) == sorted(customers), "each left once"
        assert set((await world.effects()).values()) == {"done"}


async def left(world, *, at_least: int) -> None:
    """Wait until the provider has been handed so many."""
    deadline = monotonic() + 60
    while len(world.requests()) < at_least:
        assert monotonic() < deadline
        await asyncio.sleep(0.01)


async def quiet(world, workers) -> None:
    """Wait until nothing that was claimed is under way, and each worker has looked for more."""
    deadline = monotonic() + 60
    while await world.rows("SELECT FROM effects WHERE status = 'sending'") or any(
        worker.in_hand for worker in workers
    ):
        assert monotonic() < deadline
        await asyncio.sleep(0.01)
    rounds = [worker.rounds for worker in workers]
    while any(worker.rounds < before + 2 for worker, before in zip(workers, rounds, strict=True)):
        assert monotonic() < deadline
        for worker in workers:
            worker.wake()
        await asyncio.sleep(0.01)
