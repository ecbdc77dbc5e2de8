"""Looking through the quarantine, rehearsing a release, and releasing one entry, a customer or a group, with every act recorded."""

from dataclasses import replace

import pytest

from shared.events.core_banking import CustomerMerged
from shared.messaging import quarantine_views
from shared.messaging.quarantine_views import Chosen
from shared.messaging.release_terms import NotNext, NotThere
from shared.messaging.shell import Shell
from shared.testing import START, fact
from shared.vault import VaultWriter
from tests.database.ledger import FAILING, Policy, ledger
from tests.database.support import BY, KEYS, PARTITIONS, always, missed, received, record, records
from tests.database.test_following import point, updated


@pytest.fixture
def mended(make_shell):
    return make_shell(ledger(policy=Policy(failing="nothing")))


def spoilt(event, offset: int, *, broken: bytes = b'"many"'):
    good = record(event, offset)
    return replace(good, value=good.value.replace(b"5000", broken))


async def acts(db):
    return await db.rows(
        "SELECT subject, actor, act, reason, detail::jsonb - 'entry' FROM acts ORDER BY at, subject, seq"
    )


async def page(db, **chosen):
    async with db.engine.connect() as connection:
        return await quarantine_views.page(connection, Chosen(**chosen))


async def ids(db, **chosen):
    return [entry.id for entry in await page(db, **chosen)]


async def test_entries_that_failed_alike_are_one_group(shell, db):
    batch = [record(fact(missed(f"C{n}", FAILING)), n) for n in range(3)]
    await shell.handle([*batch, spoilt(fact(missed("C9")), 9)], fresh=always)
    async with db.engine.connect() as connection:
        raised, schema = await quarantine_views.groups(connection, Chosen())
    assert (raised.reason, raised.type, raised.count, raised.customers) == (
        "decide_raised",
        "payment.missed",
        3,
        3,
    )
    assert "told to fail" in raised.error
    assert raised.first_at == raised.last_at == START
    assert (schema.reason, schema.count) == ("schema", 1)
    assert raised.fingerprint != schema.fingerprint
    assert [e.customer_id for e in await page(db, reason="schema")] == ["C9"]
    assert len(await page(db, fingerprint=raised.fingerprint)) == 3
    assert [e.customer_id for e in await page(db, customer_id="C1")] == ["C1"]
    assert await page(db, type="payment.received") == await page(db, status="discarded") == []
    async with db.engine.connect() as connection:
        first = await quarantine_views.page(connection, Chosen(), limit=3)
        rest = await quarantine_views.page(connection, Chosen(), after=first[-1].id, limit=3)
    assert [e.id for e in first + rest] == await ids(db)


async def test_a_rehearsal_says_what_would_be_decided_and_saves_nothing(shell, mended, db):
    batch = records(missed(instalment=FAILING), received(), missed(instalment="I9"))
    await shell.handle(batch, fresh=always)
    await mended.prepare()
    before = await db.contents()
    told = await mended.releases.rehearse("C1")
    assert await db.contents() == before
    assert await acts(db) == []
    assert (told.decided, told.left, told.error) == (3, 0, "")
    assert [(s.type, s.outcome, s.stage_before, s.stage) for s in told.steps] == [
        ("payment.missed", "decided", "idle", "owing"),
        ("payment.received", "decided", "owing", "idle"),
        ("payment.missed", "decided", "idle", "owing"),
    ]
    assert "owed" in told.steps[0].changed
    assert [said.type for said in told.tick.publishes] == ["follow_up.due"]
    assert [start.kind for start in told.tick.starts] == ["contact.sms"]
    assert told.tick.wake_at > START

    await mended.releases.customer("C1", BY)
    await mended.tick_step(START)
    published = await db.rows("SELECT type FROM outbox WHERE type LIKE 'follow_up.%'")
    assert published == [(said.type,) for said in told.tick.publishes]
    assert await db.rows("SELECT effect_id FROM effects") == [
        (start.effect_id,) for start in told.tick.starts
    ]


async def test_a_rehearsal_says_what_still_fails_and_who_else_parks(shell, mended, db):
    await shell.handle(records(missed(), missed(instalment=FAILING)), fresh=always)
    told = await shell.releases.rehearse("C1")
    assert (told.decided, told.left, told.steps[0].outcome) == (0, 1, "fails")
    assert "told to fail" in told.error
    assert told.tick is None
    await db.run("UPDATE cases SET parked_by = '{legal,scheduler}'")
    told = await mended.releases.rehearse("C1")
    assert (told.tick.parked_by, told.tick.publishes) == (["legal"], [])
    assert await shell.releases.rehearse("nobody") is None
    assert await db.one("SELECT count(*) FROM cases") == 1


async def test_an_entry_is_released_when_nothing_comes_before_it(shell, mended, db):
    await shell.handle(
        records(missed(instalment=FAILING), missed(), missed(instalment=FAILING, amount=1)),
        fresh=always,
    )
    await shell.releases.customer("C1", BY, discard=True)
    await shell.handle([spoilt(fact(missed("C1", "I7")), 7)], fresh=always)
    dropped, first, second = await ids(db, status=None)
    with pytest.raises(NotNext, match="comes before"):
        await mended.releases.record(second, BY)
    with pytest.raises(NotNext, match="discarded already"):
        await mended.releases.record(dropped, BY)
    with pytest.raises(NotThere):
        await mended.releases.record(second + 99, BY)
    released = await mended.releases.record(first, BY)
    assert (released.decided, released.left) == (1, 1)
    assert await db.rows("SELECT id, status FROM quarantine ORDER BY id") == [
        (dropped, "discarded"),
        (first, "released"),
        (second, "waiting"),
    ]
    last = await mended.releases.discard(second, BY)
    assert (last.decided, last.left, last.error) == (0, 0, "")
    assert await db.one("SELECT parked_by FROM cases") == []
    assert [(act, detail) for _, _, act, _, detail in await acts(db)] == [
        ("discard_quarantined", {"decided": 1, "left": 1}),
        ("release_quarantined", {"decided": 1, "left": 1}),
        ("discard_quarantined", {"decided": 0, "left": 0}),
    ]
    assert {(subject, actor, reason) for subject, actor, _, reason, _ in await acts(db)} == {
        ("C1", BY.actor, BY.reason)
    }


async def test_a_group_is_released_customer_by_customer_past_those_that_still_fail(
    shell, make_shell, db
):
    batch = [record(fact(missed(f"C{n}", FAILING)), n) for n in range(6)]
    await shell.handle(batch, fresh=always)
    await shell.handle([record(fact(received("C2", amount=1)), 9)], fresh=always)
    calm = ledger(policy=Policy(failing="nothing"))

    def decide(state, event, now, policy):
        if event.subject == "C3":
            raise KeyError("surprise")
        return calm.decide(state, event, now, policy)

    half = make_shell(ledger(policy=Policy(failing="nothing"), decide=decide))
    chosen = Chosen(reason="decide_raised")
    found, after = [], ""
    while True:
        part = await half.releases.group(chosen, BY, after=after, limit=2)
        found += part.released
        assert len(part.released) <= 2
        if not part.next:
            break
        after = part.next
    assert [(r.customer_id, r.decided, r.left) for r in found] == [
        ("C0", 1, 0), ("C1", 1, 0), ("C2", 2, 0), ("C3", 0, 1), ("C4", 1, 0), ("C5", 1, 0),
    ]  # fmt: skip
    assert "surprise" in found[3].error
    assert await db.rows("SELECT customer_id FROM cases WHERE parked_by <> '{}'") == [("C3",)]
    assert [subject for subject, *_ in await acts(db)] == [f"C{n}" for n in range(6)]


async def test_records_that_park_nobody_are_released_or_reported_with_their_group(shell, db):
    await shell.handle(records(missed("13800138000")), fresh=always)
    part = await shell.releases.group(Chosen(reason="personal_id"), BY)
    assert [(r.customer_id, r.left) for r in part.released] == [("", 1)]
    assert "looks like a telephone number" in part.released[0].error
    assert await db.rows("SELECT status FROM quarantine") == [("waiting",)]


async def test_a_tick_that_failed_cannot_be_discarded_but_released(make_shell, db):
    calm = ledger()

    def decide(state, event, now, policy):
        if event.type == "woken":
            raise KeyError("surprise")
        return calm.decide(state, event, now, policy)

    await make_shell(ledger(decide=decide)).handle(records(missed()), fresh=always)
    (entry,) = await ids(db)
    with pytest.raises(NotNext, match="tick"):
        await make_shell().releases.discard(entry, BY)
    assert (await make_shell().releases.record(entry, BY)).left == 0
    assert await db.rows("SELECT status FROM quarantine") == [("released",)]


async def test_a_merger_that_could_not_be_decoded_reaches_both_cases_at_release(shell, db, clock):
    ahead = fact(CustomerMerged(customer_id="C1", from_customer_id="C0"), START.replace(hour=9))
    await shell.handle([record(ahead, 0), *records(missed("C0"), start=1)], fresh=always)
    assert await db.one("SELECT state->'ended' FROM cases WHERE customer_id = 'C0'") is None
    clock.set(START.replace(hour=10))
    assert (await shell.releases.customer("C1", BY)).error == ""
    assert await db.one("SELECT state->'ended' FROM cases WHERE customer_id = 'C0'") is True
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'customer.merged'") == 2


async def test_contact_values_of_a_released_record_reach_the_vault(follower_db, clock):
    follower = ledger(name="notifier", reacts_to=frozenset({"payment.missed"}))
    shell = Shell(
        follower,
        follower_db.engine,
        clock,
        keys=KEYS,
        vault=VaultWriter(KEYS),
        partitions=PARTITIONS,
    )
    ahead = fact(updated(point()), START.replace(hour=9))
    await shell.handle([record(ahead, 0)], fresh=always)
    assert await follower_db.one("SELECT parked_by FROM cases") == ["notifier"]
    clock.set(START.replace(hour=10))
    assert (await shell.releases.customer("C1", BY)).error == ""
    assert await follower_db.one("SELECT count(*) FROM vault.points WHERE customer_id = 'C1'") == 1
