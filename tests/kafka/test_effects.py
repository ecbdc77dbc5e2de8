import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.providers import LookupImpossible
from shared.testing import START, days
from tests.database.ledger import WAIT
from tests.database.support import missed, received
from tests.kafka.rig import Rig, rig

SENT = ("C1", "/providers/sandbox", "sent", None)


@pytest.fixture
async def world(database, kafka, tmp_path) -> AsyncIterator[Rig]:
    async with rig(database, kafka, tmp_path) as found:
        found.values = {f"C{n}": "+8613800000000" for n in range(40)}
        yield found


async def test_an_effect_that_is_due_leaves_once_and_its_outcome_is_a_fact(world):
    await world.happened(missed())
    worker = world.worker()
    assert await worker.run_due_step() == 1
    assert await worker.run_due_step() == 0
    assert world.handed_over() == ["C1"]
    assert [line["claimed_at"] for line in world.requests()] == ["2026-03-02T01:30:00Z"]
    assert await world.effects() == {"C1": "done"}
    assert await world.receipts() == [SENT]


async def test_many_effects_leave_in_one_step(world):
    await world.happened(*(missed(f"C{n}") for n in range(40)))
    assert await world.worker().run_due_step() == 40
    assert sorted(world.handed_over()) == sorted(world.values)
    assert set((await world.effects()).values()) == {"done"}


async def test_a_payment_in_kafka_before_the_claim_stops_the_effect(world):
    await world.happened(missed("C1"), missed("C2"))
    await world.send_to_core_banking(received("C1"))
    worker = world.worker()
    step = asyncio.create_task(worker.run_due_step())
    await asyncio.sleep(0.3)
    assert "C1" not in world.handed_over(), "the claim must wait for the scheduler"
    await world.happened(received("C1"))
    await world.settle_all()
    await step
    assert world.handed_over() == ["C2"]
    assert await world.effects() == {"C1": "withdrawn", "C2": "done"}


async def test_while_the_scheduler_lags_nothing_leaves_there_and_the_rest_goes_on(
    world, monkeypatch
):
    monkeypatch.setattr("shared.messaging.freshness.BARRIER_SECONDS", 0.1)
    await world.happened(*(missed(f"C{n}") for n in range(20)))
    await world.send_to_core_banking(received("C1"))
    await world.worker().run_due_step()
    statuses = await world.effects()
    partitions = dict(await world.rows("SELECT customer_id, partition FROM effects"))
    for customer, status in statuses.items():
        same = partitions[customer] == partitions["C1"]
        assert status == ("pending" if same else "done"), customer


async def test_observing_records_and_lets_nothing_leave(world):
    await world.happened(missed())
    await world.worker(observe=True).run_due_step()
    assert world.handed_over() == []
    assert await world.effects() == {"C1": "observed"}
    assert await world.receipts() == []


async def test_what_is_not_due_yet_waits_and_what_is_too_late_is_refused(world):
    await world.happened(missed("C1"), missed("C2"))
    later = START + days(1)
    await world.rows("UPDATE effects SET not_before = :at WHERE customer_id = 'C2'", at=later)
    await world.rows("UPDATE effects SET not_after = :at WHERE customer_id = 'C1'", at=START)
    assert await world.worker().run_due_step() == 1
    assert world.handed_over() == []
    assert await world.effects() == {"C1": "refused", "C2": "pending"}
    assert await world.receipts() == [("C1", "/effects/notifier", "refused", "expired")]


async def test_a_value_that_is_missing_keeps_the_effect_waiting_until_its_window_is_over(world):
    world.values.clear()
    await world.happened(missed())
    worker = world.worker()
    assert await worker.run_due_step() == 0
    assert await world.effects() == {"C1": "pending"}
    world.clock.set(START + WAIT)
    await worker.run_due_step()
    assert await world.effects() == {"C1": "refused"}
    assert world.handed_over() == []


async def test_a_parked_customers_effects_are_not_taken(world):
    await world.happened(missed("C1"), missed("C2"))
    await world.rows("UPDATE cases SET parked_by = '{visits}' WHERE customer_id = 'C1'")
    await world.worker().run_due_step()
    assert await world.effects() == {"C1": "pending", "C2": "done"}


async def test_after_a_crash_what_the_provider_knows_is_not_handed_over_again(world):
    await world.happened(missed())
    await world.worker().run_due_step()
    await world.rows("DELETE FROM inbox WHERE type = 'provider.receipt'")
    await world.rows("UPDATE effects SET status = 'sending'")
    await world.worker().run_due_step()
    assert world.handed_over() == ["C1"]
    assert await world.effects() == {"C1": "done"}
    assert await world.receipts() == [SENT]


async def test_after_a_crash_what_the_provider_never_saw_is_claimed_anew(world):
    await world.happened(missed("C1"), missed("C2"))
    await world.rows("UPDATE effects SET status = 'sending', claimed_at = :at", at=START)
    await world.rows("UPDATE effects SET not_after = :at WHERE customer_id = 'C2'", at=START)
    worker = world.worker()
    await worker.run_due_step()
    await worker.run_due_step()
    assert world.handed_over() == ["C1"]
    assert await world.effects() == {"C1": "done", "C2": "refused"}


async def test_what_was_withdrawn_while_it_stood_as_sending_does_not_leave_after_a_crash(world):
    await world.happened(missed())
    await world.rows("UPDATE effects SET status = 'sending', claimed_at = :at", at=START)
    await world.happened(received())
    worker = world.worker()
    await worker.run_due_step()
    await worker.run_due_step()
    assert world.handed_over() == []
    assert await world.effects() == {"C1": "withdrawn"}


async def test_after_a_crash_what_the_provider_cannot_tell_is_unknown(world):
    class Forgetful:
        name = "forgetful"

        async def hand_over(self, *_):
            raise AssertionError("it may have left already")

        async def look_up(self, _):
            raise LookupImpossible

    await world.happened(missed())
    await world.rows("UPDATE effects SET status = 'sending', claimed_at = :at", at=START)
    await world.worker(provider=Forgetful()).run_due_step()
    assert await world.effects() == {"C1": "unknown"}
    assert await world.receipts() == [("C1", "/effects/notifier", "unknown", None)]


async def test_answers_that_break_after_the_sandbox_accepted_are_looked_up(
    database, kafka, tmp_path
):
    async with rig(database, kafka, tmp_path, fail_share=0.4, lose_share=0.1) as world:
        world.values = {f"C{n}": "+8613800000000" for n in range(30)}
        await world.happened(*(missed(f"C{n}") for n in range(30)))
        assert await world.worker().run_due_step() == 30
        handed_over = world.handed_over()
        assert len(set(handed_over)) == 30
        assert len(handed_over) == 30, "under one claim nothing is handed over twice"
        assert len(await world.receipts()) == 30
        assert set((await world.effects()).values()) == {"done"}


async def test_the_running_worker_takes_effects_as_they_fall_due_and_stops(world):
    stopping = asyncio.Event()
    worker = world.worker()
    running = asyncio.create_task(worker.run(stopping))
    await world.happened(missed("C1"))
    worker.wake()
    async with asyncio.timeout(10):
        while await world.effects() != {"C1": "done"}:  # noqa: ASYNC110  a database cannot call us
            await asyncio.sleep(0.02)
    stopping.set()
    worker.wake()
    await asyncio.wait_for(running, 5)
