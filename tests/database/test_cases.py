"""The case rows: mergers, state versions, ticks of the alarm, and what the planner makes of the queries."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.events.core_banking import CustomerMerged
from shared.messaging import cases, effect_rows
from shared.messaging.cases import CaseMissing, StateTooNew
from shared.messaging.partitions import partition_of
from shared.testing import START, fact
from tests.database.ledger import WAIT, Ledger, ledger
from tests.database.support import PARTITIONS, always, missed, received, record, records

MERGED = CustomerMerged(customer_id="C1", from_customer_id="C0")


async def test_a_merger_reaches_both_customers_in_one_transaction(shell, db):
    result = await shell.handle(records(MERGED), fresh=always)
    assert result.decided == 2
    assert await db.rows("SELECT customer_id, state->>'ended' FROM cases ORDER BY 1") == [
        ("C0", "true"),
        ("C1", None),
    ]
    keys = await db.rows("SELECT customer_id, event_key, id FROM inbox ORDER BY 1")
    assert len({key for _, key, _ in keys}) == 2
    assert len({id_ for *_, id_ in keys}) == 1
    again = await shell.handle(records(MERGED), fresh=always)
    assert (again.decided, again.repeated) == (0, 2)


async def test_a_customer_merged_with_itself_is_decided_once(shell):
    itself = replace_customer(MERGED, "C1")
    assert (await shell.handle(records(itself), fresh=always)).decided == 1


def replace_customer(merged: CustomerMerged, ended: str) -> CustomerMerged:
    return CustomerMerged(customer_id=merged.customer_id, from_customer_id=ended)


async def test_a_merger_that_names_a_personal_number_is_quarantined(shell, db):
    await shell.handle(records(replace_customer(MERGED, "13800138000")), fresh=always)
    assert await db.rows("SELECT reason, customer_id FROM quarantine") == [("personal_id", "C1")]
    assert "13800138000" not in str(await db.contents())


async def test_a_state_of_newer_code_is_never_decided(make_shell, db):
    await make_shell(ledger(state_version=2, upcasters={1: dict})).handle(
        records(missed()), fresh=always
    )
    before = await db.contents()
    old = make_shell()
    with pytest.raises(StateTooNew, match="version 2, and this code knows 1"):
        await old.handle(records(received(), start=1), fresh=always)
    with pytest.raises(StateTooNew):
        await old.tick_step(START + WAIT)
    assert await db.contents() == before


async def test_an_older_state_passes_the_upcasters(make_shell, db):
    await make_shell().handle(records(missed()), fresh=always)

    def upcast(plain):
        return plain | {"padding": "from version 1"}

    newer = ledger(state_version=3, upcasters={1: upcast, 2: dict})
    await make_shell(newer).handle(records(missed(instalment="I2"), start=1), fresh=always)
    assert await db.rows("SELECT state_version, state->>'padding', state->'owed' FROM cases") == [
        (3, "from version 1", {"I1": 5000, "I2": 5000})
    ]


async def test_a_state_that_cannot_be_read_parks_its_customer_only(shell, db):
    await shell.handle(records(missed(), missed("C2")), fresh=always)
    await db.run("""UPDATE cases SET state = '{"owed": 1}' WHERE customer_id = 'C1'""")
    result = await shell.handle(records(received(), received("C2"), start=2), fresh=always)
    assert (result.decided, result.quarantined) == (1, 1)
    assert await db.rows("SELECT customer_id FROM cases WHERE parked_by <> '{}'") == [("C1",)]


async def test_a_case_that_vanished_is_made_again(shell, db):
    await shell.handle(records(missed()), fresh=always)
    await db.clear()  # somebody restored an older database
    batch = records(missed(instalment="I2"), start=1)
    with pytest.raises(CaseMissing):
        await shell.handle(batch, fresh=always)
    assert (await shell.handle(batch, fresh=always)).decided == 1


async def test_the_alarm_takes_fresh_partitions_only(shell, db):
    await shell.handle(records(*(missed(f"C{n}") for n in range(20))), fresh=lambda _: False)
    mine = partition_of("C1", PARTITIONS)
    there = await db.one("SELECT count(*) FROM cases WHERE partition = :p", p=mine)
    assert (await shell.tick_due(START, [mine, 99], fresh=lambda p: p == mine)).decided == there
    assert (await shell.tick_due(START, None, fresh=lambda p: p == mine)).decided == 0
    assert (await shell.tick_due(START, None, fresh=always)).decided == 20 - there


async def test_a_full_round_of_the_alarm_says_that_there_is_more(shell):
    await shell.handle(records(*(missed(f"C{n}") for n in range(40))), fresh=lambda _: False)
    ticked, rounds = 0, 0
    while True:
        result = await shell.tick_due(START, None, fresh=always, limit=8)
        ticked, rounds = ticked + result.decided, rounds + 1
        if not result.more:
            break
    assert ticked == 40
    assert rounds >= 5


async def test_the_alarm_passes_a_locked_case_over(shell, db):
    await shell.handle(records(missed(), missed("C2")), fresh=lambda _: False)
    async with db.engine.begin() as tx:
        locked = await cases.Cases(ledger(), PARTITIONS).lock(tx, ["C1"])
        assert isinstance(cases.Cases(ledger(), PARTITIONS).state_of(locked["C1"]), Ledger)
        assert (await shell.tick_due(START, None, fresh=always)).decided == 1


async def test_a_step_ticks_each_case_once_even_if_it_stays_due(make_shell):
    calm = ledger()

    def restless(state, event, now, policy):
        decision = calm.decide(state, event, now, policy)
        return replace(decision, state=type(state)(owed=state.owed, wake_at=now)) if event.type == "woken" else decision  # fmt: skip

    shell = make_shell(ledger(decide=restless), fused_ticks=False)
    await shell.handle(records(*(missed(f"C{n}") for n in range(7))), fresh=always)
    assert (await shell.tick_step(START)).decided == 7


async def test_an_effect_is_claimed_once_and_not_after_its_window(shell, db):
    await shell.handle(records(missed(), missed("C2")), fresh=always)
    ids = [row[0] for row in await db.rows("SELECT effect_id FROM effects ORDER BY customer_id")]
    async with db.engine.begin() as one, db.engine.begin() as two:
        taken, late = await effect_rows.claim(one, ids[:1], START)
        assert ([row.effect_id for row in taken], late) == (ids[:1], [])
        others, _ = await effect_rows.claim(two, ids, START + WAIT - timedelta(seconds=1))
        assert [row.effect_id for row in others] == ids[1:]
        request = others[0].request
        assert (request["episode"], request["point_id"]) == (1, "P1")
    async with db.engine.begin() as tx:
        assert await effect_rows.claim(tx, ids, START) == ([], [])
        assert len(await effect_rows.sending(tx, range(PARTITIONS))) == 2
        await effect_rows.settle(tx, {ids[0]: "done", ids[1]: "pending"}, START)
        taken, late = await effect_rows.claim(tx, ids, START + WAIT + timedelta(minutes=1))
        assert (taken, [row.effect_id for row in late]) == ([], ids[1:])
        assert await effect_rows.counts(tx) == {"done": 1, "refused": 1}


async def test_what_is_sending_cannot_be_withdrawn(shell, db):
    await shell.handle(records(missed()), fresh=always)
    async with db.engine.begin() as tx:
        await effect_rows.claim(tx, [await db.one("SELECT effect_id FROM effects")], START)
    await shell.handle(records(received(), start=1), fresh=always)
    assert await db.rows("SELECT status FROM effects") == [("sending",)]


async def test_the_planner_finds_due_cases_and_effects_by_their_indexes(shell, db):
    numbers = range(3000)
    for start in range(0, 3000, 500):
        batch = records(*(fact(missed(f"C{n}")) for n in numbers[start : start + 500]))
        await shell.handle(batch, fresh=always)
    await db.run("UPDATE effects SET status = 'done' WHERE seq % 10 > 0")
    await db.run(
        "UPDATE cases SET wake_at = NULL WHERE partition = 1 AND hashtext(customer_id) % 50 > 0"
    )
    await db.run("ANALYZE")
    every = list(range(PARTITIONS))
    due = await plan(db, cases._DUE, now=START, partitions=every, each=10)  # noqa: SLF001
    assert re.search(r"Index Scan (using|on) cases_due", due)
    assert "Index Cond: ((partition = p.partition)" in due
    effects = await plan(db, effect_rows._DUE, now=START, partitions=every, limit=10, provider="")  # noqa: SLF001
    assert re.search(r"Index Scan (using|on) effects_due", effects)
    assert "Index Cond: ((partition = p.partition)" in effects
    assert "Seq Scan on cases" not in due + effects
    assert "Seq Scan on effects" not in effects


async def plan(db, statement, **values) -> str:
    return "\n".join(row[0] for row in await db.rows(f"EXPLAIN {statement.text}", **values))


async def test_a_record_in_a_wrong_partition_is_counted(shell):
    stray = record(fact(missed()), 0)
    stray = replace(stray, partition=(stray.partition + 1) % PARTITIONS)
    assert (await shell.handle([stray], fresh=always)).misplaced == 1
