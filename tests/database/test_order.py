"""However the records are cut into batches, and whoever hands them in: the same states, the same outbox, acted once."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.messaging.cases import Cases
from shared.messaging.recorded import replay_recorded
from shared.testing import START, fact
from tests.database.ledger import Policy, ledger
from tests.database.support import PARTITIONS, always, cut, missed, received, record, records

CUSTOMERS = 6


def stories(seed: int, length: int = 60) -> list:
    """Records of some customers, with repeats; nothing falls due by itself between them."""
    dice = random.Random(seed)
    events = []
    for number in range(length):
        customer = f"C{dice.randrange(CUSTOMERS)}"
        happened = (
            missed(customer, f"I{dice.randrange(4)}", dice.randrange(1, 9) * 100)
            if dice.random() < 0.7
            else received(customer, f"P{number}")
        )
        events.append(fact(happened, START, event_id=f"E{number}"))
        if dice.random() < 0.2:
            events.append(dice.choice(events))
    return [record(event, offset) for offset, event in enumerate(events)]


async def outcome(db) -> dict:
    """What must not depend on how the batches were cut."""
    return {
        "states": await db.rows("SELECT customer_id, stage, state::text FROM cases ORDER BY 1"),
        "outbox": await db.rows(
            "SELECT aggregateid, event_id, type, payload, time FROM outbox WHERE event_id <> '' "
            "ORDER BY aggregateid, id"
        ),
        "effects": await db.rows("SELECT effect_id, status FROM effects ORDER BY 1"),
        "facts": await db.rows(
            "SELECT customer_id, event_key, payload::text FROM inbox WHERE type <> 'woken' ORDER BY 1, 2"
        ),
    }


async def settle(shell, db) -> dict:
    while (await shell.tick_step(START)).published:
        pass
    return await outcome(db)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6))
def test_random_cuts_give_the_same(shell_database, seed, sizes):
    """Facts first, then one tick: in one batch, and in any cuts with a repeat of every batch."""
    from tests.database.order_runner import compare_cuts  # noqa: PLC0415

    compare_cuts(shell_database, stories(seed), sizes)


async def test_two_members_with_overlapping_shuffled_batches_act_once(make_shell, db):
    """Unsorted locks or claims deadlock here; an unlocked case loses updates."""
    one, two = make_shell(), make_shell()
    facts = [fact(missed(f"C{n % 40}", f"I{n}")) for n in range(400)]
    everything = records(*facts)
    rounds = []
    for number in range(6):
        dice = random.Random(number)
        for shell in (one, two):
            shuffled = dice.sample(everything, 200)
            rounds.append(shell.handle(shuffled, fresh=always))
    results = await asyncio.gather(*rounds)
    rest = await one.handle(everything, fresh=always)
    assert sum(result.decided for result in [*results, rest]) == 400
    assert await db.one("SELECT count(*) FROM inbox WHERE type <> 'woken'") == 400
    assert await db.rows("SELECT count(*), count(DISTINCT effect_id) FROM effects") == [(40, 40)]
    assert await db.rows(
        "SELECT sum((SELECT count(*) FROM jsonb_object_keys(state->'owed'))) FROM cases"
    ) == [(400,)]
    assert await db.one("SELECT count(*) FROM outbox WHERE type = 'follow_up.due'") == 40


async def test_members_that_meet_new_customers_at_once_do_not_deadlock(make_shell, db):
    """Rows that are missing are made in one order too: unsorted, these meet in opposite orders."""
    cases = Cases(ledger(), PARTITIONS)

    async def create(seed: int) -> None:
        async with db.engine.begin() as tx:
            await cases.create(tx, random.Random(seed).sample([f"N{n}" for n in range(4000)], 3000))

    await make_shell().prepare()
    await asyncio.gather(*(create(seed) for seed in range(6)))
    assert await db.one("SELECT count(*) FROM cases") == 4000


async def test_every_place_in_a_cases_order_is_taken_once(make_shell, db):
    shells = [make_shell(), make_shell()]
    batches = cut(records(*(missed(instalment=f"I{n}") for n in range(120))), [7, 3, 11])
    await asyncio.gather(
        *(shells[n % 2].handle(batch, fresh=always) for n, batch in enumerate(batches))
    )
    seqs = [row[0] for row in await db.rows("SELECT case_seq FROM inbox")]
    assert len(seqs) == len(set(seqs))
    assert max(seqs) == await db.one("SELECT case_seq FROM cases")


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_recorded_inbox_makes_the_same_states(make_shell, db, clock, seed):
    shell, dice = make_shell(), random.Random(seed)
    for batch in cut(stories(seed, 120), [9, 30, 4]):
        await shell.handle(batch, fresh=lambda p: p % 2 == dice.randrange(2))
        await shell.tick_due(clock.now(), None, fresh=always)
        clock.set(clock.now().replace(day=clock.now().day + 1))
    assert await replay_recorded(db.engine, ledger()) == []


async def test_the_recorded_replay_uses_the_policy_of_each_decision(make_shell, db):
    await make_shell().handle(records(missed()), fresh=always)
    lenient = ledger(policy=Policy(failing="nothing"))
    await make_shell(lenient).handle(records(missed(instalment="FAIL"), start=1), fresh=always)
    assert await replay_recorded(db.engine, ledger()) == []


async def test_the_recorded_replay_finds_one_changed_byte(shell, db):
    await shell.handle(records(missed(), missed("C2"), received("C2")), fresh=always)
    await db.run("""
        UPDATE cases SET state = jsonb_set(state, '{owed,I1}', '5001') WHERE customer_id = 'C1'
    """)
    (difference,) = await replay_recorded(db.engine, ledger())
    assert difference.customer_id == "C1"
    assert "5001" in str(difference)


async def test_the_recorded_replay_finds_a_lost_case_and_a_case_from_nowhere(shell, db):
    await shell.handle(records(missed(), missed("C2")), fresh=always)
    await db.run("DELETE FROM cases WHERE customer_id = 'C1'")
    await db.run("DELETE FROM inbox WHERE customer_id = 'C2'")
    differences = await replay_recorded(db.engine, ledger())
    assert sorted(difference.customer_id for difference in differences) == ["C1", "C2"]
