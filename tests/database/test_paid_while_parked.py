"""Who pays while a service parks them must not be contacted when the parking ends: withdrawals do not wait for it."""

from shared.events.common import CaseParked
from shared.messaging import effect_rows
from shared.testing import START
from tests.database.ledger import FAILING, Policy, ledger
from tests.database.support import BY, PARTITIONS, always, missed, received, records


async def types(db, customer="C1"):
    return [
        row[0]
        for row in await db.rows(
            "SELECT type FROM outbox WHERE aggregateid = :c ORDER BY id", c=customer
        )
    ]


async def test_a_cancellation_is_told_although_another_service_parks_the_customer(make_shell, db):
    reacts = ledger().reacts_to | {"case.parked", "case.released"}
    shell = make_shell(ledger(reacts_to=reacts))
    parked = CaseParked(customer_id="C1", service="visits", reason="decide_raised")
    await shell.handle(records(missed()), fresh=always)
    await shell.handle(records(parked, start=1), fresh=always)
    await shell.handle(records(received(), start=2), fresh=always)
    assert await db.one("SELECT parked_by FROM cases") == ["visits"]
    assert await types(db) == ["follow_up.due", "follow_up.cancelled"]
    assert await db.rows("SELECT status FROM effects") == [("withdrawn",)]


async def test_nothing_new_is_started_while_another_service_parks_the_customer(make_shell, db):
    reacts = ledger().reacts_to | {"case.parked", "case.released"}
    shell = make_shell(ledger(reacts_to=reacts))
    parked = CaseParked(customer_id="C1", service="visits", reason="decide_raised")
    await shell.handle(records(parked, missed()), fresh=always)
    assert await types(db) == []
    assert await db.rows("SELECT status FROM effects") == []


async def test_what_a_release_withdraws_is_told_before_the_release(shell, make_shell, db):
    """Others hear of the release and of the cancellation in this order: in between nothing may be free."""
    mended = make_shell(ledger(policy=Policy(failing="nothing")))
    await shell.handle(records(missed()), fresh=always)
    await shell.handle(records(missed(instalment=FAILING), received(), start=1), fresh=always)
    released = await mended.releases.customer("C1", BY)
    assert released.error == ""
    assert await types(db) == [
        "follow_up.due", "case.parked", "follow_up.cancelled", "case.released",
    ]  # fmt: skip
    async with db.engine.connect() as connection:
        assert await effect_rows.due(connection, START, range(PARTITIONS), 10) == []
