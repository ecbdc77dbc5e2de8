"""Facts that come by HTTP: accepted once, told when repeated, refused with a reason when they contradict."""

import asyncio
from datetime import timedelta

from shared.events.notifier import ProviderReceipt
from shared.testing import START, fact
from tests.database.ledger import FAILING
from tests.database.support import BY, always, missed, received, records


def receipt(effect_id: str = "E1", outcome: str = "sent", customer: str = "C1") -> ProviderReceipt:
    return ProviderReceipt(customer_id=customer, effect_id=effect_id, outcome=outcome)


def told(data=None, key: str = "R1", *, after: timedelta = timedelta(0)):
    return fact(data or receipt(), START + after, event_id=key, source="/providers/sandbox")


async def statuses(shell, *facts) -> list[str]:
    return [answer.status for answer in await shell.handle_facts(facts, fresh=always)]


async def test_a_fact_is_new_once_and_repeated_after(shell, db):
    assert await statuses(shell, told()) == ["new"]
    assert await statuses(shell, told(), told(after=timedelta(seconds=-9))) == ["repeated"] * 2
    assert await db.one("SELECT state->>'receipts' FROM cases") == "1"
    assert await db.rows("SELECT topic, partition, kafka_offset FROM inbox") == [("", -1, -1)]


async def test_another_body_under_the_same_key_is_a_conflict_and_parks_nobody(shell, db):
    assert await statuses(shell, told(), told(receipt(outcome="failed"))) == ["new", "conflict"]
    assert await statuses(shell, told(receipt(customer="C2"))) == ["conflict"]
    assert await db.one("SELECT count(*) FROM quarantine") == 0


async def test_a_repeat_in_the_next_month_meets_the_first_copy(shell, clock):
    assert await statuses(shell, told()) == ["new"]
    clock.set(START + timedelta(days=30))
    assert await statuses(shell, told(after=timedelta(days=30))) == ["repeated"]
    assert await statuses(shell, told(receipt(outcome="failed"), after=timedelta(days=30))) == [
        "conflict"
    ]


async def test_what_cannot_be_taken_is_refused_with_the_field(shell):
    answers = await shell.handle_facts(
        [
            told(receipt(customer="13800138000")),
            told(after=timedelta(hours=1)),
            fact(received(), event_id="x\x00"),
            fact(ProviderReceipt(customer_id="C1", effect_id="E1", outcome="sent", reason="\x00")),
        ]
    )
    assert [answer.status for answer in answers] == ["refused"] * 4
    assert answers[0].reason.startswith("subject:")
    assert answers[1].reason.startswith("time:")


async def test_a_fact_for_a_parked_customer_is_accepted_and_waits(shell, db):
    await shell.handle(records(missed(instalment=FAILING)), fresh=always)
    assert await statuses(shell, told(), told(), told(receipt("E2"))) == [
        "new",
        "repeated",
        "conflict",
    ]
    assert await statuses(shell, told(), told(receipt("E2"))) == ["repeated", "conflict"]
    assert await db.one("SELECT count(*) FROM parked") == 2
    released = await shell.releases.customer("C1", BY, discard=True)
    assert (released.decided, released.left) == (1, 0)
    assert await statuses(shell, told()) == ["repeated"]


async def test_fifty_callers_with_one_key_act_once(shell, make_shell, db):
    shells = [shell, make_shell()]
    answers = await asyncio.gather(*(statuses(shells[n % 2], told()) for n in range(50)))
    assert sorted(status for (status,) in answers) == ["new"] + ["repeated"] * 49
    assert await db.one("SELECT state->>'receipts' FROM cases") == "1"


async def test_the_workers_row_is_settled_with_its_outcome(shell, db):
    await shell.handle(records(missed()), fresh=always)
    effect_id = await db.one("SELECT effect_id FROM effects")
    await shell.handle_facts([told(receipt(effect_id))], settle_effects={effect_id: "done"})
    assert await db.rows("SELECT status FROM effects") == [("done",)]
