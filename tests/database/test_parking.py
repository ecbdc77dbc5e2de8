"""A record that can never work parks its customer, nobody else; and a release decides what waited, in order."""

from dataclasses import replace

import pytest

from shared.messaging import quarantine, quarantine_views
from shared.messaging.quarantine_views import Chosen
from shared.testing import START, fact
from tests.database.ledger import FAILING, Policy, ledger
from tests.database.support import BY, KEYS, always, missed, received, record, records


@pytest.fixture
def mended(make_shell):
    """The service after a deploy: what failed before does not any more."""
    return make_shell(ledger(policy=Policy(failing="nothing")))


def broken(offset: int, customer: str = "C1"):
    good = record(fact(missed(customer)), offset)
    return replace(good, value=good.value.replace(b"5000", b'"many"'))


async def test_a_failing_decide_parks_its_customer_and_others_go_on(shell, db):
    batch = records(missed(), missed(instalment=FAILING), received(), missed("C2"))
    result = await shell.handle(batch, fresh=always)
    assert (result.decided, result.quarantined, result.parked) == (2, 1, 1)
    assert await db.rows("SELECT customer_id, parked_by FROM cases ORDER BY 1") == [
        ("C1", ["scheduler"]),
        ("C2", []),
    ]
    assert await db.rows("SELECT type FROM inbox WHERE customer_id = 'C1'") == [("payment.missed",)]
    assert await db.rows("SELECT aggregateid FROM outbox WHERE type = 'case.parked'") == [("C1",)]
    error = await db.one("SELECT error FROM quarantine")
    assert error.startswith("ZeroDivisionError at decide:")
    assert error.endswith(": told to fail")


async def test_later_events_of_a_parked_customer_queue_durably(shell, make_shell, db):
    await shell.handle(records(missed(instalment=FAILING)), fresh=always)
    await make_shell().handle(records(missed(), received(), start=1), fresh=always)
    await make_shell().handle(records(missed(), received(), start=1), fresh=always)
    assert await db.one("SELECT count(*) FROM parked") == 3
    assert await db.one("SELECT count(*) FROM inbox") == 0
    assert await db.one("SELECT count(*) FROM outbox WHERE type = 'case.parked'") == 1


async def test_a_release_decides_the_queue_in_order(shell, mended, db):
    await shell.handle(
        records(missed(), missed(instalment=FAILING), received(), missed(instalment="I9")),
        fresh=always,
    )
    released = await mended.releases.customer("C1", BY)
    assert (released.decided, released.left, released.error) == (3, 0, "")
    rows = await db.rows("SELECT type, payload->>'instalment_id' FROM inbox ORDER BY case_seq")
    assert rows == [
        ("payment.missed", "I1"),
        ("payment.missed", FAILING),
        ("payment.received", None),
        ("payment.missed", "I9"),
    ]
    assert await db.rows("SELECT state->'owed', parked_by FROM cases") == [({"I9": 5000}, [])]
    assert await db.rows("SELECT status FROM quarantine") == [("released",)]
    assert await db.rows("SELECT type FROM outbox WHERE type LIKE 'case%' ORDER BY id") == [
        ("case.parked",),
        ("case.released",),
    ]
    assert (await mended.tick_step(START)).effects == 1
    assert await mended.releases.customer("C1", BY) is None


async def test_a_release_stops_where_it_still_fails(shell, db):
    await shell.handle(
        records(missed(instalment=FAILING), missed(), missed(instalment=FAILING, amount=1)),
        fresh=always,
    )
    first = await shell.releases.customer("C1", BY)
    assert (first.decided, first.left) == (0, 3)
    assert "told to fail" in first.error
    dropped = await shell.releases.customer("C1", BY, discard=True)
    assert (dropped.decided, dropped.left) == (1, 1)
    assert await db.rows("SELECT parked_by, state->'owed' FROM cases") == [
        (["scheduler"], {"I1": 5000})
    ]
    last = await shell.releases.customer("C1", BY, discard=True)
    assert (last.decided, last.left, last.error) == (0, 0, "")
    assert await db.rows("SELECT status FROM quarantine ORDER BY id") == [("discarded",)] * 2


async def test_a_parked_customer_is_neither_ticked_nor_acted_for(shell, db):
    await shell.handle(records(missed()), fresh=always)
    await shell.handle(records(missed(instalment=FAILING), start=1), fresh=always)
    assert (await shell.tick_due(START.replace(month=12), None, fresh=always)).decided == 0
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'woken'") == 1


async def test_a_record_that_cannot_be_decoded_parks_by_its_key(shell, db):
    result = await shell.handle(
        [record(fact(missed()), 0), broken(1), *records(received(), missed("C2"), start=2)],
        fresh=always,
    )
    assert (result.decided, result.quarantined, result.parked) == (2, 1, 1)
    async with db.engine.connect() as connection:
        (entry,) = await quarantine_views.page(connection, Chosen())
    assert (entry.reason, entry.error) == ("schema", "data.amount_minor: Expected `int`, got `str`")
    assert (entry.customer_id, entry.offset, entry.waiting_behind) == ("C1", 1, 2)
    assert await shell.handle([broken(1)], fresh=always)
    assert await db.one("SELECT count(*) FROM quarantine") == 1


async def test_quarantined_bytes_are_encrypted_and_can_be_shown(shell, db):
    await shell.handle([broken(1)], fresh=always)
    assert b"many" not in await db.one("SELECT sealed FROM quarantine")
    async with db.engine.connect() as connection:
        (entry,) = await quarantine_views.page(connection, Chosen())
        found = await quarantine.content(connection, KEYS, entry.id)
    assert found == broken(1)
    shown = quarantine_views.readable(found)
    assert '"amount_minor":"many"' in shown["value"]["text"]
    assert shown["key"] == {"text": "C1"}
    assert {"name": "ce_type", "text": "payment.missed"} in shown["headers"]


async def test_a_broken_record_is_discarded_and_the_rest_decided(shell, db):
    await shell.handle([broken(0), *records(missed(), start=1)], fresh=always)
    assert "amount_minor" in (await shell.releases.customer("C1", BY)).error
    released = await shell.releases.customer("C1", BY, discard=True)
    assert (released.decided, released.left) == (1, 0)
    assert await db.rows("SELECT status FROM quarantine") == [("discarded",)]
    await shell.handle([broken(0)], fresh=always)
    assert await db.one("SELECT parked_by FROM cases") == []


async def test_a_record_that_can_be_decoded_now_is_decided_at_release(shell, db, clock):
    ahead = fact(missed(), START.replace(hour=9))
    result = await shell.handle([record(ahead, 0)], fresh=always)
    assert result.quarantined == 1
    assert await db.one("SELECT reason FROM quarantine") == "time"
    clock.set(START.replace(hour=10))
    assert (await shell.releases.customer("C1", BY)).decided == 1
    assert await db.one("SELECT state->'owed' FROM cases") == {"I1": 5000}


async def test_another_content_under_a_used_id_is_quarantined(shell, db):
    event = fact(missed(), event_id="E1")
    other = fact(missed(amount=1), event_id="E1")
    await shell.handle([record(event, 0)], fresh=always)
    before = await db.one("SELECT state::text FROM cases")
    for _ in range(2):
        await shell.handle([record(event, 1), record(other, 2)], fresh=always)
    assert await db.rows("SELECT reason, customer_id FROM quarantine") == [("id_reused", "C1")]
    assert await db.one("SELECT state::text FROM cases") == before
    assert "used before" in (await shell.releases.customer("C1", BY)).error


async def test_a_personal_number_as_key_is_refused_and_not_kept_in_clear(shell, db):
    await shell.handle(records(missed("13800138000")), fresh=always)
    assert await db.rows("SELECT customer_id, reason, status FROM quarantine") == [
        ("", "personal_id", "waiting")
    ]
    assert await db.rows("SELECT * FROM cases") == []
    assert "13800138000" not in str(await db.contents())
    await shell.releases.discard(await db.one("SELECT id FROM quarantine"), BY)
    assert await db.one("SELECT status FROM quarantine") == "discarded"


async def test_a_fact_that_publishes_breaks_the_rules_and_is_parked(make_shell, db):
    calm = ledger()
    loud = ledger(
        decide=lambda state, event, now, policy: replace(
            calm.decide(state, event, now, policy),
            publish=(1,) if event.type != "woken" else (),  # what it is does not matter
        )
    )
    await make_shell(loud).handle(records(missed()), fresh=always)
    assert "is a fact" in await db.one("SELECT error FROM quarantine")
    assert await db.rows("SELECT parked_by, state->'owed' FROM cases") == [(["scheduler"], None)]


async def test_a_failing_tick_parks_too_and_costs_the_fact_nothing(make_shell, db):
    calm = ledger()

    def decide(state, event, now, policy):
        if event.type == "woken":
            raise KeyError("surprise")
        return calm.decide(state, event, now, policy)

    result = await make_shell(ledger(decide=decide)).handle(records(missed()), fresh=always)
    assert (result.decided, result.quarantined, result.ticks) == (1, 1, 0)
    assert await db.rows("SELECT type, reason FROM quarantine") == [("woken", "decide_raised")]
    assert await db.rows("SELECT type FROM inbox") == [("payment.missed",)]
    assert (await make_shell().releases.customer("C1", BY)).decided == 0
    assert (await make_shell().tick_step(START)).effects == 1
