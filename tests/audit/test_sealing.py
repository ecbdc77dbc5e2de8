"""Days are sealed once, in order, when they are over; every process may try, and one does it."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from shared.audit.sealing import GRACE, NotOver, Sealer
from shared.messaging.inbox import KeyTaken
from shared.testing import START, fact
from tests.audit.support import DAY, LATER, SIGNER, act, found, sealed, verified
from tests.database.support import always, missed, received, record, records

MIDNIGHT = START.replace(hour=0, minute=0) + DAY


async def test_a_day_is_sealed_a_while_after_midnight_and_not_before(shell, db):
    await shell.handle(records(missed()), fresh=always)
    assert await sealed(db, START + timedelta(hours=20)) == []
    assert await sealed(db, MIDNIGHT + GRACE - timedelta(seconds=1)) == []
    with pytest.raises(NotOver, match="2026-03-02 cannot be sealed before 2026-03-03 00:15"):
        await sealed(db, MIDNIGHT, until=START.date())
    (root,) = await sealed(db, MIDNIGHT + GRACE)
    assert (root.day, root.leaves) == (START.date(), 1)
    assert await sealed(db, MIDNIGHT + GRACE) == []
    assert await found(db) == []


async def test_missed_days_are_sealed_too_up_to_the_one_that_was_asked_for(db):
    assert await sealed(db) == []
    await act(db, at=START)
    days = [root.day for root in await sealed(db, until=START.date() + DAY)]
    assert days == [START.date(), START.date() + DAY]
    assert [root.leaves for root in await sealed(db)] == [0, 0]


async def test_many_processes_seal_a_day_once(shell, db, clock):
    await shell.handle(records(missed()), fresh=always)
    clock.set(LATER)
    sealers = [Sealer(db.engine, "scheduler", SIGNER, clock) for _ in range(5)]
    while await db.one("SELECT count(*) FROM roots") < 4:
        await asyncio.gather(*(sealer.look() for sealer in sealers))
    assert await found(db) == []
    stopping = asyncio.Event()
    running = [asyncio.create_task(sealer.run(stopping)) for sealer in sealers]
    stopping.set()
    await asyncio.gather(*running)
    assert await db.one("SELECT count(*) FROM roots") == 4


async def test_a_transaction_that_began_before_midnight_is_waited_for(shell, db):
    """The database's own clock says when it began: so the day is today's."""
    await shell.handle(records(missed()), fresh=always)
    async with db.engine.begin() as slow:
        await shell_writes(slow)
        tomorrow = await db.one("SELECT now()") + DAY
        assert await sealed(db, tomorrow + DAY) != []
        days = await db.rows("SELECT max(day) FROM roots")
        assert days[0][0] < (tomorrow - DAY).date()
    assert len(await sealed(db, tomorrow + DAY)) >= 1


async def shell_writes(tx) -> None:
    await tx.exec_driver_sql("UPDATE cases SET wake_at = wake_at")


async def test_chains_hold_under_many_shells_with_overlapping_customers_and_repeats(make_shell, db):
    facts = [
        fact(data, START + timedelta(seconds=n))
        for n, data in enumerate(
            made
            for turn in range(12)
            for made in (
                *(missed(f"C{c}", f"I{turn}") for c in range(8)),
                *(received(f"C{c}", f"P{turn}") for c in range(0, 8, 3)),
            )
        )
    ]
    shells = [make_shell() for _ in range(4)]
    await shells[0].prepare()

    async def run(shell, start: int) -> None:
        for at in range(start, len(facts), 10):
            batch = [record(each, n) for n, each in enumerate(facts[at : at + 25], start=at)]
            while True:
                try:
                    await shell.handle(batch, fresh=always)
                except KeyTaken:
                    continue
                break

    await asyncio.gather(*(run(shell, n) for shell, n in zip(shells, (0, 3, 0, 7), strict=True)))
    report = await verified(db, now=START)
    assert report.findings == []
    assert report.cases == 8
    assert await db.one("SELECT count(*) FROM inbox WHERE type <> 'woken'") == len(facts)


async def test_one_id_for_two_customers_at_once_is_decided_for_one(make_shell, db):
    """Their cases' locks do not meet, so the second row meets the first one's key."""
    shells = [make_shell(), make_shell()]
    await shells[0].prepare()
    for turn, again in itertools.product(range(10), range(2)):
        one = fact(missed("C1", f"I{turn}"), event_id=f"same {turn}")
        two = fact(missed("C2", f"I{turn}"), event_id=f"same {turn}")
        results = await asyncio.gather(
            shells[0].handle([record(one, 2 * turn)], fresh=always),
            shells[1].handle([record(two, 2 * turn + 1)], fresh=always),
            return_exceptions=True,
        )
        taken = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(each, KeyTaken) for each in taken), taken
        assert len(taken) <= 1 - again
        await db.run("UPDATE cases SET parked_by = '{}'")
        await db.run("DELETE FROM parked")
    assert await db.one("SELECT count(*) FROM inbox WHERE type <> 'woken'") == 10
    assert (await verified(db, now=START)).findings == []
