"""Real time, fused ticks, two members of each service that acts: no contact after a payment that the broker had."""

import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from shared.clock import SystemClock
from tests.faults import load
from tests.faults.world import World, note

MEMBERS = {"scheduler-2": "scheduler", "notifier-2": "notifier"}
CUSTOMERS = 800
SECONDS = 100
STOPPED_SECONDS = 60
LAME_SECONDS = 20
"""Longer than a session in the group: the others go on without the member, and it comes back with old claims."""
SECOND_STEP_IN = 60


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_no_contact_follows_a_payment_while_members_stop_and_die(faults_folder: Path):
    world = World(faults_folder / "unstepped", members=MEMBERS, second_step_in=SECOND_STEP_IN)
    with world.running():
        plan = load.plan(world.bank("U"), seed=3, customers=CUSTOMERS, seconds=SECONDS)
        world.play(plan)
        began = time.monotonic()
        assert world.second_step_at is not None
        left = (world.second_step_at - SystemClock().now()).total_seconds()
        note(f"{left:.1f} s until everybody's next step")
        assert left > 5, "this machine is too slow for the run's timetable"
        time.sleep(left - 1)

        # everybody's next step falls due while nobody can decide it, and many pay in the meantime
        stop(world, "scheduler", "scheduler-2")
        stopped = time.monotonic()
        stop(world, "notifier-2")
        pay_while_stopped(
            world, debtors(plan, stopped - began - 3), until=stopped + STOPPED_SECONDS
        )
        goes_on = SystemClock().now()
        resume(world, "scheduler", "scheduler-2")
        note(f"the schedulers stood still for {time.monotonic() - stopped:.1f} s")
        time.sleep(3)
        world.cluster.processes["scheduler-2"].kill()
        time.sleep(1)
        world.cluster.start_process("scheduler-2")
        world.drain(seconds=150)

        assert not world.ended()
        world.judge()
        assert world.differences() == []
    claims = [
        datetime.fromisoformat(line["claimed_at"]).astimezone(UTC)
        for line in world.log()
        if line["entry"] == "request" and line["first"]
    ]
    after = sum(claim > goes_on for claim in claims)
    note(f"{len(claims)} contacts, {after} of them after the schedulers went on")
    assert after > 100, "contacts must go on"


def pay_while_stopped(world: World, debtors: list[int], *, until: float) -> None:
    """Let half of the *debtors* pay, a few at a time with random pauses; on the way a lame notifier gets up again."""
    random = Random(4)
    random.shuffle(debtors)
    debtors = debtors[len(debtors) // 2 :]
    lame_until = time.monotonic() + LAME_SECONDS
    lame = True
    bank = world.bank("U")
    while time.monotonic() < until:
        payers, debtors = debtors[:4], debtors[4:]
        world.publish([bank.paid(number) for number in payers])
        time.sleep(random.uniform(0, 2))
        if lame and time.monotonic() > lame_until:
            resume(world, "notifier-2")
            lame = False


def debtors(plan: load.Plan, elapsed: float) -> list[int]:
    """Number the customers who have missed a payment by then, and of whom the plan has no payment."""
    pays = {event.subject for _, event in plan if event.type == "payment.received"}
    owe = {
        event.subject
        for at, event in plan
        if at < elapsed and event.type == "payment.missed" and event.subject not in pays
    }
    return sorted(int(customer.rpartition("-")[2]) for customer in owe)


def stop(world: World, *names: str) -> None:
    for name in names:
        world.cluster.processes[name].send_signal(signal.SIGSTOP)
    note(f"{names} stand still")


def resume(world: World, *names: str) -> None:
    for name in names:
        world.cluster.processes[name].send_signal(signal.SIGCONT)
    note(f"{names} go on")
