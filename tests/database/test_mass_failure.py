"""A mass failure stops the service, a poison customer does not: on the real shell, with a decider that fails where it is told."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from shared.clock import SteppedClock
from shared.events.envelope import Woken
from shared.messaging import mass_failure
from shared.messaging.mass_failure import ServiceStopped, Watch, fingerprint
from shared.testing import START, days, fact
from tests.database.effects_made import clear_controls
from tests.database.ledger import FAILING, WAIT, Policy, decide, ledger
from tests.database.support import Database, always, missed, records


@pytest.fixture(autouse=True)
async def _clean(db: Database) -> AsyncIterator[None]:
    await clear_controls(db)
    yield
    await clear_controls(db)


def batch(failing: int, sound: int, start: int = 0):
    """Records of so many customers that fail, and so many that do not."""
    return records(
        *(missed(f"F{1000 * start + n}", instalment=FAILING) for n in range(failing)),
        *(missed(f"S{1000 * start + n}") for n in range(sound)),
        at=START - days(1),
        start=1000 * start,
    )


async def stands(db):
    async with db.engine.connect() as connection:
        return await mass_failure.standing(connection)


async def resume(db, *, parks):
    async with db.engine.begin() as tx:
        return await mass_failure.resume(tx, reason="seen", by="op-1", at=START, parks=parks)


async def test_a_bad_release_stops_the_service_and_parks_nobody(db, make_shell):
    shell = make_shell()
    await shell.handle(batch(0, 10, start=1), fresh=always)
    before = await db.contents()
    with pytest.raises(ServiceStopped, match=r"ZeroDivisionError at tests/database/ledger.py:\d+"):
        await shell.handle(batch(20, 30, start=2), fresh=always)
    assert await db.contents() == before, "the batch is rolled back"
    found = await stands(db)
    assert (found.customers, found.failed, found.tried) == (20, 20, 60)
    assert shell.watch.stopped == found


async def test_while_it_is_stopped_nothing_at_all_is_decided(db, make_shell, clock):
    shell = make_shell()
    await shell.handle(records(missed("C1")), fresh=always)
    with pytest.raises(ServiceStopped):
        await shell.handle(batch(20, 0), fresh=always)
    before = await db.contents()
    clock.set(START + WAIT)
    for attempt in (
        lambda: shell.handle(batch(0, 1, start=9), fresh=always),
        lambda: shell.handle_facts([fact(missed("C2"), START)], fresh=always),
        lambda: shell.tick_due(START + WAIT, None, fresh=always),
        lambda: shell.tick_step(START + WAIT),
    ):
        with pytest.raises(ServiceStopped):
            await attempt()
    assert await db.contents() == before


@pytest.mark.parametrize(
    ("failing", "sound"), [(19, 0), (20, 400), (1, 0)], ids=["customers", "share", "one"]
)
async def test_less_than_a_mass_is_poison_and_parks_its_customers(db, make_shell, failing, sound):
    result = await make_shell().handle(batch(failing, sound), fresh=always)
    assert result.quarantined == failing
    assert await db.one("SELECT count(*) FROM cases WHERE parked_by <> '{}'") == failing
    assert await stands(db) is None


async def test_one_customer_who_fails_many_times_is_no_mass(db, make_shell):
    poison = [missed("C1", instalment=FAILING) for _ in range(40)]
    result = await make_shell().handle(records(*poison), fresh=always)
    assert result.quarantined == 1
    assert await stands(db) is None


async def test_failures_of_several_batches_count_together(db, make_shell):
    shell = make_shell()
    await shell.handle(batch(12, 5, start=1), fresh=always)
    with pytest.raises(ServiceStopped):
        await shell.handle(batch(8, 5, start=2), fresh=always)
    parked = await db.rows("SELECT customer_id FROM cases WHERE parked_by <> '{}' ORDER BY 1")
    assert len(parked) == 12, "those before it were not known to be many"


async def test_facts_by_http_and_ticks_of_the_alarm_stop_it_too(db, make_shell):
    shell = make_shell()
    facts = [fact(missed(f"F{n}", instalment=FAILING), START) for n in range(20)]
    with pytest.raises(ServiceStopped):
        await shell.handle_facts(facts, fresh=always)
    assert await db.one("SELECT count(*) FROM quarantine") == 0
    await resume(db, parks=False)

    def failing_tick(state, event, now: datetime, policy: Policy):
        if isinstance(event.data, Woken):
            raise KeyError("tick")
        return decide(state, event, now, policy)

    shell = make_shell(ledger(decide=failing_tick), fused_ticks=False)
    await shell.handle(batch(0, 20, start=3), fresh=always)
    with pytest.raises(ServiceStopped, match=r"KeyError at tests/database/test_mass_failure\.py"):
        await shell.tick_due(START, None, fresh=always)
    assert await db.one("SELECT count(*) FROM quarantine") == 0


async def test_records_that_cannot_be_decoded_never_stop_it(db, make_shell):
    broken = [
        type(r)(r.topic, r.partition, r.offset, r.key, b"{not json", r.headers)
        for r in batch(0, 60)
    ]
    result = await make_shell().handle(broken, fresh=always)
    assert result.quarantined == 60
    assert await stands(db) is None


async def test_a_restart_of_the_same_code_stays_stopped_and_other_code_goes_on(
    make_shell, monkeypatch
):
    with pytest.raises(ServiceStopped):
        await make_shell().handle(batch(20, 0), fresh=always)
    with pytest.raises(ServiceStopped):
        await make_shell().handle(batch(0, 1, start=9), fresh=always)
    monkeypatch.setattr("shared.messaging.shell.code_version", lambda: "0.2.0+mended")
    mended = make_shell(ledger(policy=Policy(failing="nobody")))
    result = await mended.handle(batch(20, 0), fresh=always)
    assert (result.decided, result.quarantined) == (20, 0)


async def test_resumed_it_tries_again_and_stops_again(db, make_shell, monkeypatch):
    monkeypatch.setattr("shared.messaging.mass_failure.LOOK_SECONDS", 0)
    shell = make_shell()
    for _ in range(2):
        with pytest.raises(ServiceStopped):
            await shell.handle(batch(20, 0), fresh=always)
        (ended,) = await resume(db, parks=False)
        assert ended.customers == 20
    assert await resume(db, parks=False) == []


async def test_resumed_as_bad_data_it_parks_its_customers(db, make_shell, monkeypatch):
    monkeypatch.setattr("shared.messaging.mass_failure.LOOK_SECONDS", 0)
    shell = make_shell()
    with pytest.raises(ServiceStopped):
        await shell.handle(batch(25, 5), fresh=always)
    await resume(db, parks=True)
    result = await shell.handle(batch(25, 5), fresh=always)
    assert (result.quarantined, result.decided) == (25, 5)


class Seconds:
    """The machine's clock, set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_only_the_last_minute_counts(db):
    seconds = Seconds()
    watch = Watch(db.engine, "scheduler", SteppedClock(START), seconds=seconds)

    def outcome(first: int, count: int, where: str = "here"):
        failures = [
            SimpleNamespace(fingerprint=where, arrival=SimpleNamespace(customer_id=f"C{n}"))
            for n in range(first, first + count)
        ]
        return SimpleNamespace(decided=0, ticks=0, failures=failures)

    await watch.judge(outcome(0, 19))
    seconds.now = 61
    await watch.judge(outcome(19, 19))
    seconds.now = 100
    await watch.judge(outcome(38, 19, where="there"))
    with pytest.raises(ServiceStopped, match=r"^here$"):
        await watch.judge(outcome(40, 1))


def test_a_fingerprint_names_the_innermost_place_in_our_code():
    with pytest.raises(TypeError) as raised:
        replace(object(), nothing=timedelta(0))
    assert fingerprint(raised.value).startswith("TypeError at tests/database/test_mass_failure.py:")
