"""RELIABILITY.md B.2, 11: what was poisoned, mended and released stands as if there had never been any poison."""

import dataclasses
from datetime import timedelta
from random import Random

import msgspec
import pytest

from shared.clock import SteppedClock
from shared.messaging.quarantine_views import Chosen
from shared.messaging.records import Record
from shared.messaging.shell import Shell
from shared.services import configured
from shared.testing import START
from tests.database.support import BY, KEYS, PARTITIONS, Database, always, cut, record
from tests.faults import load
from tests.faults.poison import of_each_sort

CUSTOMERS = 40
LATER = START + timedelta(hours=1)


def good_records(random: Random) -> list[Record]:
    """Forty customers who miss a payment, some of whom pay, in a drawn order that keeps each customer's own."""
    bank = load.Bank("C", load.zone_of_noon(START))
    lives = []
    for number in range(CUSTOMERS):
        missed = bank.missed(number)
        due = msgspec.structs.replace(missed.data, due_on=(START - timedelta(days=10)).date())
        paid = bank.paid(number)
        value = msgspec.structs.replace(paid.data, value_on=START.date())
        life = [
            bank.record(number),
            bank.account(number),
            msgspec.structs.replace(missed, data=due),
            msgspec.structs.replace(paid, data=value),
        ]
        lives.append(life if random.random() < 0.4 else life[:3])
    events = []
    while lives:
        life = random.choice(lives)
        events.append(life.pop(0))
        lives = [each for each in lives if each]
    return [
        record(msgspec.structs.replace(event, time=START + timedelta(seconds=n)), n)
        for n, event in enumerate(events)
    ]


def with_poison(good: list[Record], random: Random) -> list[Record]:
    """Records of each sort that can never be decided, strewn in, at offsets of their own."""
    strewn = list(good)
    for n in range(8):
        customer = f"C-{random.randrange(CUSTOMERS):04d}"
        for m, poison in enumerate(of_each_sort(customer, n)):
            offset = 10_000 + 10 * n + m
            found = Record(poison.topic, 0, offset, poison.key, poison.value, poison.headers)
            strewn.insert(random.randrange(len(strewn)), found)
    return strewn


def failing_for(random: Random):
    """The service with a defect that some customers' payments and accounts meet."""
    reactor = configured("scheduler")
    struck = {f"C-{n:04d}" for n in range(CUSTOMERS) if random.random() < 0.3}

    def decide(state, event, now, policy):
        if event.subject in struck and event.type in {"payment.missed", "payment.received"}:
            raise ArithmeticError(f"defect met by {len(event.type)}")
        return reactor.decide(state, event, now, policy)

    return dataclasses.replace(reactor, decide=decide)


async def live(db: Database, records: list[Record], *, defect=None, random: Random) -> dict:
    """Take in the records with the defect; an hour later mend it, release, discard what cannot be, and tick."""
    await db.clear()
    clock = SteppedClock(START + timedelta(minutes=5))

    def shell(reactor):
        return Shell(reactor, db.engine, clock, keys=KEYS, partitions=PARTITIONS, fused_ticks=False)

    before = shell(defect or configured("scheduler"))
    for batch in cut(records, [random.randint(1, 9) for _ in range(5)]):
        await before.handle(batch, fresh=always)
    clock.set(LATER)
    mended = shell(configured("scheduler")).releases
    parked = "SELECT min(id) FROM quarantine WHERE status = 'waiting'"
    while await db.one(parked) is not None:
        after = ""
        while (part := await mended.group(Chosen(), BY, after=after, limit=7)).next:
            after = part.next
        heads = await db.rows(
            "SELECT q.id FROM quarantine q JOIN parked p ON p.quarantine_id = q.id WHERE p.seq = "
            "(SELECT min(seq) FROM parked WHERE parked.customer_id = q.customer_id)"
        )
        for (head,) in heads:
            await mended.discard(head, BY)
    await shell(configured("scheduler")).tick_step(LATER)
    return {
        "states": await db.rows("SELECT customer_id, state, parked_by FROM cases ORDER BY 1"),
        "said": await db.rows(
            "SELECT aggregateid, type, event_id, payload FROM outbox WHERE type NOT IN ('case.parked', 'case.released') "
            "AND aggregateid <> '' ORDER BY 1, 3"
        ),
        "decided": await db.rows(
            "SELECT customer_id, id FROM inbox WHERE type <> 'woken' ORDER BY 1, 2"
        ),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_b2_11_redrive_gives_the_states_of_a_run_without_poison(db, seed):
    good = good_records(Random(seed))
    clean = await live(db, good, random=Random(seed))
    poisoned = await live(
        db, with_poison(good, Random(seed)), defect=failing_for(Random(seed)), random=Random(-seed)
    )
    quarantined = dict(await db.rows("SELECT status, count(*) FROM quarantine GROUP BY status"))
    assert quarantined["released"] > 5
    assert quarantined["discarded"] > 20
    assert len(clean["said"]) > CUSTOMERS / 2
    assert poisoned == clean
