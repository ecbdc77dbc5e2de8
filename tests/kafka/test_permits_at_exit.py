"""The single exit: without a live permit no effect reaches the provider, whatever wrote its row."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from shared.clock import SteppedClock
from shared.testing import START
from tests.database.ledger import WAIT
from tests.database.support import missed
from tests.kafka.rig import Rig, rig

UNTIL = START + WAIT
LATE = START + timedelta(minutes=1)


@pytest.fixture
async def world(database, kafka, tmp_path) -> AsyncIterator[Rig]:
    async with rig(database, kafka, tmp_path) as found:
        found.values = {"C1": "+8613800000000", "C2": "+8613800000001"}
        yield found


async def change(world: Rig, name: str, value: str) -> None:
    """Change one field of C1's permit; *value* is JSON."""
    await world.rows(
        "UPDATE effects SET request = jsonb_set(request, CAST(:path AS text[]), CAST(:value AS jsonb))"
        " WHERE customer_id = 'C1'",
        path=["permit", name],
        value=value,
    )


async def outcome(world: Rig) -> tuple[str, list[tuple]]:
    """Let what is due leave; answer the status of C1's effect and what was told of it."""
    with capture_logs() as logs:
        await world.worker().run_due_step()
    world_reports = [line for line in logs if line["event"] == "effect_not_permitted"]
    told = [row[1:] for row in await world.receipts() if row[0] == "C1"]
    assert bool(world_reports) == (told[0][2] not in {None, "expired"}), logs
    return (await world.effects())["C1"], told


async def test_what_leaves_tells_the_provider_its_permit_and_its_validity(world):
    await world.happened(missed())
    assert await outcome(world) == ("done", [("/providers/sandbox", "sent", None)])
    (line,) = world.requests()
    assert line["permit_id"]
    assert line["validity_until"] == "2026-03-03T01:30:00Z", "a carrier's 24 hours end sooner"


@pytest.mark.parametrize("kind", ["contact.sms", "contact.letter", "visit.order", "legal.letter"])
async def test_a_planted_effect_without_a_permit_reaches_nobody_and_is_reported(world, kind):
    await world.happened(missed("C1"), missed("C2"))
    await world.rows(
        "UPDATE effects SET request = request - 'permit', kind = :kind WHERE customer_id = 'C1'",
        kind=kind,
    )
    assert await outcome(world) == ("refused", [("/effects/notifier", "refused", "no_permit")])
    assert world.handed_over() == ["C2"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("channel", '"call"', "permit_mismatch"),
        ("point_id", '"P2"', "permit_mismatch"),
        ("packs", '["firm@2:fff"]', "packs_changed"),
        ("not_after", '"2026-03-02T01:30:00Z"', "expired"),
    ],
)
async def test_a_permit_for_something_else_or_under_other_rules_or_over_is_refused(
    world, name, value, reason
):
    await world.happened(missed())
    await change(world, name, value)
    assert await outcome(world) == ("refused", [("/effects/notifier", "refused", reason)])
    assert world.handed_over() == []
    assert await world.rows("SELECT count(*) FROM departures WHERE count > 0") == [(0,)]


async def test_before_the_permit_begins_the_effect_waits(world):
    await world.happened(missed())
    await change(world, "not_before", '"2026-03-02T01:31:00Z"')
    assert await world.worker().run_due_step() == 0
    assert (world.handed_over(), await world.effects()) == ([], {"C1": "pending"})
    world.clock.set(LATE)
    assert await world.worker().run_due_step() == 1
    assert world.handed_over() == ["C1"]


async def test_a_token_used_after_its_expiry_is_refused_at_the_instant_of_sending(world):
    """Authorised and claimed in time, but rendering took until after the end: the number is not dialled."""
    await world.happened(missed())
    clock: SteppedClock = world.clock
    clock.set(UNTIL - timedelta(seconds=1))
    prepare = world.prepare

    async def slowly(*about):
        clock.set(UNTIL + timedelta(seconds=30))
        return await prepare(*about)

    world.prepare = slowly
    await world.settle_all()
    status, told = await outcome(world)
    assert (status, told) == ("refused", [("/effects/notifier", "refused", "expired")])
    assert world.handed_over() == []
    assert await world.rows("SELECT sum(count) FROM departures") == [(0,)]


async def test_packs_that_change_between_decision_and_dial_stop_it_once_and_no_loop_follows(world):
    world.packs = frozenset({"firm@2:new"})
    await world.happened(missed())
    worker = world.worker()
    assert await worker.run_due_step() == 1
    assert await worker.run_due_step() == 0
    assert world.handed_over() == []
    assert [row[3] for row in await world.receipts()] == ["packs_changed"]


async def test_the_running_worker_refuses_too(world):
    await world.happened(missed())
    await change(world, "point_id", '"elsewhere"')
    stopping = asyncio.Event()
    worker = world.worker()
    running = asyncio.create_task(worker.run(stopping))
    async with asyncio.timeout(10):
        while await world.effects() != {"C1": "refused"}:  # noqa: ASYNC110  a database cannot call us
            await asyncio.sleep(0.02)
    stopping.set()
    worker.wake()
    await asyncio.wait_for(running, 5)
    assert world.handed_over() == []
