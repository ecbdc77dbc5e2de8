"""Mergers on a real database: both rows or none, no deadlock, wherever the two customers lie; live equals the replay."""

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from services.scheduler.domain.merging import awaited, survivor_of
from services.scheduler.domain.state import CollectionCase
from services.scheduler.service import SCHEDULER
from shared.decision import Decision, Publish
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.scheduler import CaseMerged
from shared.messaging import onward_rows
from shared.messaging.deciding import RuleBroken, decide_tick, tick_event
from shared.messaging.onward import Onward
from shared.messaging.partitions import partition_of
from shared.portfolio import generate
from shared.testing import START, fact
from tests.database.ledger import ledger
from tests.database.support import PARTITIONS, always, missed, received, record, records
from tests.database.test_order import cut
from tests.database.test_services import equal_to_the_replay

OTHERS = [f"C{n}" for n in range(2, 40)]
SAME = next(c for c in OTHERS if partition_of(c, PARTITIONS) == partition_of("C1", PARTITIONS))
OTHER = next(c for c in OTHERS if partition_of(c, PARTITIONS) != partition_of("C1", PARTITIONS))
REFUSING = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.customer_id = 'C1' THEN RAISE 'the power went'; END IF; RETURN NEW; END $$
"""


def merger(ended: str, survivor: str = "C1", number: int = 0) -> Event:
    data = CustomerMerged(customer_id=survivor, from_customer_id=ended)
    return fact(data, START, event_id=f"{ended} into {survivor} {number}")


def telling(shell, db) -> Onward:
    return Onward(shell, db.engine, fresh=always, told=lambda: None, too_new=lambda _: None)


async def told(*tellers: Onward) -> None:
    while any(await asyncio.gather(*(teller.once() for teller in tellers))):
        pass


async def state(db, customer) -> CollectionCase:
    stored = await db.one("SELECT state::text FROM cases WHERE customer_id = :c", c=customer)
    return msgspec.json.decode(stored, type=CollectionCase)


async def test_both_rows_are_written_or_none(make_shell, db):
    shell = make_shell(SCHEDULER)
    await shell.handle(records(missed("C0")), fresh=always)
    await db.run(REFUSING)
    await db.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        with pytest.raises(DBAPIError, match="the power went"):
            await shell.handle([record(merger("C0"), 1)], fresh=always)
    finally:
        await db.run("DROP TRIGGER refuse ON inbox")
        await db.run("DROP FUNCTION refuse")
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'customer.merged'") == 0
    assert await db.one("SELECT count(*) FROM onward") == 0
    await shell.handle([record(merger("C0"), 1)], fresh=always)
    assert await db.rows(
        "SELECT customer_id FROM inbox WHERE type = 'customer.merged' ORDER BY 1"
    ) == [("C0",), ("C1",)]
    assert await db.one("SELECT count(*) FROM onward") == 1


@pytest.mark.parametrize("ended", ["C0", SAME, OTHER])
async def test_the_survivor_takes_the_facts_over_wherever_it_lies(make_shell, db, ended):
    shell, other = make_shell(SCHEDULER), make_shell(SCHEDULER)
    await shell.handle(records(missed(ended), missed("C1", "I2", 300)), fresh=always)
    await other.handle([record(merger(ended), 2)], fresh=always)
    await told(telling(shell, db), telling(other, db))
    survivor = await state(db, "C1")
    assert set(survivor.accounts["A1"].instalments) == {"I1", "I2"}
    assert survivor.heard_of == (ended,)
    await shell.handle(records(received(ended), start=3), fresh=always)
    await told(telling(other, db))
    assert set((await state(db, "C1")).accounts["A1"].payments) == {"P1"}
    assert (
        await db.rows("SELECT aggregateid FROM outbox WHERE type = 'case.merged'") == [("C1",)] * 2
    )
    assert (await state(db, ended)).stage == "idle"


async def test_the_payload_on_kafka_is_what_the_survivor_was_told(make_shell, db):
    shell = make_shell(SCHEDULER)
    await shell.handle([*records(missed("C0")), record(merger("C0"), 1)], fresh=always)
    ((sent, id_, key),) = await db.rows(
        "SELECT payload, event_id, aggregateid FROM outbox WHERE type = 'case.merged'"
    )
    await told(telling(shell, db))
    row = await db.rows(
        "SELECT payload::text, id, customer_id, source FROM inbox WHERE type = 'case.merged'"
    )
    assert row == [(sent, id_, key, "/services/scheduler")]


async def test_told_again_after_a_crash_nothing_changes(make_shell, db):
    shell = make_shell(SCHEDULER)
    await shell.handle([*records(missed("C0")), record(merger("C0"), 1)], fresh=always)
    async with db.engine.begin() as tx:
        waiting = [event for _, event in await onward_rows.oldest(tx, 10)]
    await shell.handle_facts(
        waiting, fresh=always
    )  # and here the process died, before the row was gone
    before = await db.contents()
    await told(telling(shell, db))
    after = await db.contents()
    assert before.pop("onward")
    assert after.pop("onward") == []
    assert after == before


async def test_what_the_shell_does_not_take_stays_with_the_reason_and_holds_nobody_up(
    make_shell, db
):
    shell = make_shell(SCHEDULER)
    strange = fact(CaseMerged(customer_id="C1", from_customer_id="C0"), START.replace(year=2001))
    async with db.engine.begin() as tx:
        await onward_rows.append(tx, [strange])
    await shell.handle([*records(missed("C0")), record(merger("C0"), 1)], fresh=always)
    await told(telling(shell, db))
    ((type_, error),) = await db.rows("SELECT event->>'type', error FROM onward")
    assert (type_, error[:4]) == ("case.merged", "time")
    assert (await state(db, "C1")).heard_of == ("C0",)


async def test_members_that_meet_in_circles_of_mergers_do_not_deadlock(make_shell, db):
    """Unsorted, the two locks of a merger and of its opposite wait for each other."""
    one, two = make_shell(SCHEDULER), make_shell(SCHEDULER)
    dice = random.Random(5)
    names = [f"C{n}" for n in range(12)]
    events = [merger(*dice.sample(names, 2), number) for number in range(120)]
    rounds = []
    for shell in (one, two, one, two):
        found = [record(event, n) for n, event in enumerate(events)]
        dice.shuffle(found)
        rounds.append([shell.handle(batch, fresh=always) for batch in cut(found, [3, 7, 1])])
    async with asyncio.timeout(60):
        for batches in zip(*rounds, strict=False):
            await asyncio.gather(*batches)
    for rest in rounds:
        for batch in rest:
            batch.close()
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'customer.merged'") == 240
    await told(telling(one, db), telling(two, db))
    cases = {name: await state(db, name) for name in names}
    (survivor,) = [n for n, case in cases.items() if not survivor_of(case, n)]
    assert awaited(cases[survivor], survivor) == ()


async def test_a_service_may_only_publish_under_another_key_when_it_says_so():
    data = CaseMerged(customer_id="C9", from_customer_id="C1")

    def tick(key: str):
        odd = ledger(
            decide=lambda state, *_: Decision(state, (Publish("x", data, key),)),
            publishes=frozenset({"case.merged"}),
        )
        return decide_tick(
            odd, odd.state(), tick_event("scheduler", "C1", 1, START, fresh=True), START
        )

    assert tick("C9").publish[0].key == "C9"
    for key in ("", "C8"):
        with pytest.raises(RuleBroken, match="another customer"):
            tick(key)


@pytest.mark.parametrize("seed", [3, 6])
async def test_a_life_with_a_chain_of_mergers_equals_its_replay(shell_database, seed):
    events = list(generate(6, 100, seed))
    begin = min(event.time for event in events)
    pairs = [("C-000002", "C-000004"), ("C-000004", "C-000001"), ("C-000001", "C-000002")]
    for number, (ended, survivor) in enumerate(pairs):
        told_at = begin + timedelta(days=30 + 10 * number)
        data = CustomerMerged(customer_id=survivor, from_customer_id=ended)
        events.append(fact(data, told_at, event_id=f"merger {number}"))
    events.sort(key=lambda event: event.time)
    published, _ = await equal_to_the_replay(shell_database, events, seed)
    merged = [entry for entry in published if entry[3] == "case.merged"]
    assert {entry[1] for entry in merged} >= {"C-000004", "C-000001"}
    assert len(merged) > 3
