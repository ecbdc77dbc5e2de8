"""A provider that answers badly gets nothing twice and loses no outcome; a parked debtor who pays gets nothing at all."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.messaging.decode import rfc3339
from shared.sandbox.app import SandboxSettings
from shared.sandbox.outcomes import fact_id, outcomes
from tests.faults import broker, load
from tests.faults.world import SEED, World, note, valid_for
from tests.waiting import eventually

FAULTS = {
    "ARREARS_SANDBOX_FAIL_SHARE": "0.1",
    "ARREARS_SANDBOX_LOSE_SHARE": "0.1",
    "ARREARS_SANDBOX_REPEAT_SHARE": "0.2",
}
EACH = 10
PARKED_BEFORE_A_STEP = range(EACH)
NOT_PARKED = range(EACH, 2 * EACH)
PARKED_WITH_AN_EFFECT = range(2 * EACH, 3 * EACH)
WAITING_FOR_A_VALUE = range(3 * EACH, 4 * EACH)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_bad_provider_and_parked_debtors(faults_folder: Path):
    world = World(faults_folder / "provider", sandbox=FAULTS, second_step_in=65)
    with world.running():
        world.play(load.plan(world.bank("F"), seed=5, customers=560, seconds=35))
        debtors = Debtors(world)
        debtors.miss_a_payment()
        debtors.are_contacted_or_wait()
        before = debtors.contacts()
        debtors.some_are_parked()
        debtors.pay()
        debtors.values_come()
        assert world.second_step_at is not None
        assert world.second_step_at > SystemClock().now(), "too slow for the run's timetable"
        world.expected_open = EACH
        eventually(
            lambda: debtors.contacts().keys() >= set(debtors.ids(WAITING_FOR_A_VALUE)), seconds=60
        )
        time.sleep(max(0.0, (world.second_step_at - SystemClock().now()).total_seconds()))
        world.drain(seconds=120)
        after = debtors.contacts()

        for customer in debtors.ids(PARKED_BEFORE_A_STEP):
            assert after[customer] == before[customer] > 0
        for customer in debtors.ids(NOT_PARKED):
            assert after[customer] > before[customer] > 0
        for customer in debtors.ids(PARKED_WITH_AN_EFFECT):
            assert after[customer] == 0
        verdict = world.judge()
        assert broken_answers(world) > 20, "the provider must have answered badly"
        assert verdict["repeated_requests"] == 0, "what the provider has is looked up"
        assert world.differences() == []
        all_outcomes_arrived(world)


def broken_answers(world: World) -> int:
    """Count the hand-overs that the provider took and answered with an error, or not at all; they follow from the seed."""
    settings = SandboxSettings(seed=SEED, fail_share=0.1, lose_share=0.1)
    first = [line for line in world.log() if line["entry"] == "request" and line["first"]]
    return sum(
        settings.hits("fail", line["effect_id"], 1) or settings.hits("lose", line["effect_id"], 1)
        for line in first
    )


def all_outcomes_arrived(world: World) -> None:
    requests = [line for line in world.log() if line["entry"] == "request" and line["first"]]
    told = Counter(
        row["id"]
        for row in world.rows("SELECT id FROM notifier.inbox WHERE type = 'provider.receipt'")
    )
    expected = {
        fact_id(line["effect_id"], outcome.fields["outcome"])
        for line in requests
        for outcome in outcomes(SEED, line["effect_id"], line["kind"], valid_for(line))
    }
    assert told == Counter(expected)
    note(f"{len(expected)} outcomes of {len(requests)} effects arrived once each")


class Debtors:
    """Four groups of debtors beside the load: two of them will be parked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bank = world.bank("D")

    def ids(self, *groups: range) -> list[str]:
        return [self._bank.customer(number) for group in groups for number in group]

    def contacts(self) -> Counter[str]:
        """Count what left for whom."""
        return Counter(
            line["customer_id"]
            for line in self._world.log()
            if line["entry"] == "request" and line["first"]
        )

    def miss_a_payment(self) -> None:
        bank, groups = self._bank, (PARKED_BEFORE_A_STEP, NOT_PARKED)
        for number in range(4 * EACH):
            known = any(number in group for group in groups)
            record = bank.record(number, values=known)
            self._world.publish([record, bank.account(number), bank.missed(number)])

    def are_contacted_or_wait(self) -> None:
        contacted = set(self.ids(PARKED_BEFORE_A_STEP, NOT_PARKED))
        waiting = set(self.ids(PARKED_WITH_AN_EFFECT, WAITING_FOR_A_VALUE))

        def so() -> bool:
            rows = self._world.rows(
                "SELECT customer_id FROM notifier.effects "
                "WHERE status IN ('pending', 'sending') AND customer_id LIKE 'D-%'"
            )
            open_ = {row["customer_id"] for row in rows}
            untold = {effect for effect, _ in self._world.untold()}
            theirs = {
                line["customer_id"]
                for line in self._world.log()
                if line["entry"] == "request" and line["effect_id"] in untold
            }
            return (
                open_ == waiting and contacted <= self.contacts().keys() and not theirs & contacted
            )

        eventually(so, seconds=60)
        time.sleep(1)
        assert so()

    def some_are_parked(self) -> None:
        """A record that nobody can decode parks them at the scheduler, and so everywhere."""
        now = rfc3339(SystemClock().now())
        parked = self.ids(PARKED_BEFORE_A_STEP, PARKED_WITH_AN_EFFECT)
        for customer in parked:
            headers = {
                "ce_specversion": "1.0",
                "ce_id": f"{customer}/poison",
                "ce_source": "/core-banking",
                "ce_type": "payment.missed",
                "ce_subject": customer,
                "ce_time": now,
                "content-type": "application/json",
            }
            raw = [(name, value.encode()) for name, value in headers.items()]
            asyncio.run(
                broker.send_raw(
                    self._world.cluster.kafka, "core-banking", customer.encode(), b'{"broken', raw
                )
            )
        for service in ("scheduler", "notifier", "visits", "legal"):
            eventually(
                lambda service=service: (
                    [  # type: ignore[misc]
                        row["customer_id"]
                        for row in self._world.rows(
                            f"SELECT customer_id FROM {service}.cases "
                            "WHERE 'scheduler' = ANY(parked_by) ORDER BY customer_id"
                        )
                    ]
                    == parked
                ),
                seconds=60,
            )
        note(f"{len(parked)} debtors are parked everywhere")

    def pay(self) -> None:
        self._world.publish(
            [self._bank.paid(n) for n in (*PARKED_BEFORE_A_STEP, *PARKED_WITH_AN_EFFECT)]
        )

    def values_come(self) -> None:
        """Now it is known where the messages go; nothing but the parking holds them up."""
        self._world.publish(
            [
                self._bank.record(n, version=2)
                for n in (*PARKED_WITH_AN_EFFECT, *WAITING_FOR_A_VALUE)
            ]
        )
