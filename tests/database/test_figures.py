"""The figures that health and metrics show, read from the tables they are about."""

from datetime import timedelta

from shared.messaging import figures, progress
from tests.database.support import PARTITIONS, always, missed, records


async def read(db, now):
    async with db.engine.connect() as connection:
        return await figures.read(connection, "scheduler", now, PARTITIONS)


async def test_an_empty_service_has_nothing_waiting(db, clock):
    assert await read(db, clock.now()) == figures.Figures()


async def test_what_waits_is_counted_with_its_age(shell, db, clock):
    began = clock.now()
    await shell.handle(records(missed("C1"), missed("C2"), missed("C3")), fresh=always)
    hour = timedelta(hours=1)
    await db.run(
        "UPDATE effects SET not_before = :at, not_after = :end",
        at=began, end=began + 9 * hour,
    )  # fmt: skip
    await db.run(
        "UPDATE effects SET status = 'sending', claimed_at = :at WHERE customer_id = 'C3'",
        at=began + hour,
    )
    await db.run("UPDATE cases SET parked_by = '{scheduler,visits}' WHERE customer_id = 'C2'")
    await db.run("UPDATE cases SET wake_at = 'epoch' WHERE customer_id = 'C1'")
    await db.run("UPDATE cases SET wake_at = :at WHERE customer_id = 'C3'", at=began)
    await db.run("UPDATE outbox SET written_at = clock_timestamp() - interval '10 min'")
    found = await read(db, began + 2 * hour)
    (kind,) = {kind for _, kind in found.effects}
    assert found.effects == {("pending", kind): 2, ("sending", kind): 1}
    assert (found.due_age, found.sending_age) == (7200.0, 3600.0)
    assert found.parked == {"here": 1}
    assert (found.wakeups, found.wakeup_age) == (2, 7200.0)
    assert found.outbox == await db.one("SELECT count(*) FROM outbox") > 0
    assert 600 <= found.outbox_age < 660
    assert found.heard_at == began
    assert found.parked_age == 0


async def test_progress_says_when_core_banking_was_last_heard(db, clock):
    async def note(offset, at):
        async with db.engine.begin() as tx:
            await progress.note(tx, {0: offset}, at)

    early, late = clock.now(), clock.now() + timedelta(hours=1)
    await note(5, early)
    await note(5, late)
    assert (await read(db, late)).heard_at == early, "an offset that does not advance is no word"
    await note(6, late)
    assert (await read(db, late)).heard_at == late
