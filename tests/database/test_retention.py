"""Old months go, and every state stays recomputable from where its case begins now."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.audit.acts import SERVICE, acts_of
from shared.clock import SteppedClock
from shared.db import engine_for
from shared.messaging.recorded import replay_recorded
from shared.messaging.shell import Shell
from shared.privacy.owner import in_schema, owner_engine
from shared.privacy.retention import TooShort, oldest_kept, preview, run
from shared.testing import fact
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, Database, always, missed, received, record

LONG_AGO = datetime(2020, 12, 15, 2, tzinfo=UTC)
SINCE = datetime(2021, 3, 10, 2, tzinfo=UTC)
TODAY = datetime(2026, 2, 10, 2, tzinfo=UTC)
REACTOR = ledger(name="scheduler")


class Bank:
    """A service that has run for years."""

    def __init__(self, url):
        self.db = Database(engine_for(url, "scheduler"))
        self.owner = owner_engine(url)
        self.clock = SteppedClock(LONG_AGO)
        self.shell = Shell(REACTOR, self.db.engine, self.clock, keys=KEYS, partitions=PARTITIONS)
        self.offset = 0

    async def hear(self, at, data, *, time=None):
        self.clock.set(at)
        self.offset += 1
        event = fact(data, time or at, event_id=f"E{self.offset}")
        return await self.shell.handle([record(event, self.offset)], fresh=always)

    async def run(self, now=TODAY):
        return await run(self.owner, REACTOR, now=now, months=60, by="u-1", reason="retention")

    async def starts(self):
        return dict(await self.db.rows("SELECT customer_id, case_seq FROM case_starts"))


@pytest.fixture
async def bank(database):
    found = Bank(database)
    await found.hear(LONG_AGO, missed("C1"))
    await found.hear(LONG_AGO, missed("C2"))
    await found.hear(SINCE, missed("C1", "I2"))
    # Told late: it lies in the month that goes, and was decided after a row that stays.
    await found.hear(SINCE + timedelta(days=1), missed("C1", "I3"), time=LONG_AGO)
    await found.hear(SINCE + timedelta(days=2), missed("C3"))
    await found.hear(TODAY, received("C1"))
    yield found
    await found.owner.dispose()
    await found.db.engine.dispose()


async def test_months_go_behind_snapshots_and_the_replay_begins_there(bank):
    before = await bank.db.rows("SELECT customer_id, state::text FROM cases ORDER BY 1")
    due = await preview(bank.owner, "scheduler", now=TODAY, months=60)
    assert (due.rows, due.customers) == (5, 2)
    assert due.months[-1] == "inbox_2021_01"
    assert await bank.starts() == {}
    assert await bank.run() == due
    assert await bank.db.one("SELECT count(*) FROM inbox WHERE month < '2021-02-01'") == 0
    assert await bank.db.one("SELECT to_regclass('inbox_2020_12') IS NULL")
    assert set(await bank.starts()) == {"C1", "C2"}
    assert await bank.db.rows("SELECT customer_id, state::text FROM cases ORDER BY 1") == before
    assert await replay_recorded(bank.db.engine, REACTOR) == []
    assert (await bank.hear(TODAY, missed("C2", "I9"))).decided == 1
    assert await replay_recorded(bank.db.engine, REACTOR) == []
    again = await bank.run()
    assert (again.rows, again.months) == (0, [])
    async with bank.db.engine.connect() as connection:
        first, second = await acts_of(connection, SERVICE)
    assert (first.act, first.actor) == ("retention", "u-1")
    assert '"rows":5' in first.detail
    assert '"rows":0' in second.detail


async def test_the_start_is_the_last_row_that_went_with_its_link(bank):
    links = dict(await bank.db.rows("SELECT case_seq, link FROM inbox WHERE customer_id = 'C1'"))
    last = await bank.db.one(
        "SELECT max(case_seq) FROM inbox WHERE customer_id = 'C1' AND month < '2021-02-01'"
    )
    await bank.run()
    assert await bank.db.rows(
        "SELECT case_seq, link FROM case_starts WHERE customer_id = 'C1'"
    ) == [(last, links[last])]
    assert await bank.db.one(
        "SELECT state->'owed' ? 'I3' FROM case_starts WHERE customer_id = 'C1'"
    )


async def test_a_start_that_is_not_what_the_rows_made_is_found_by_the_replay(bank):
    await bank.run()
    await bank.db.run(
        "UPDATE case_starts SET state = jsonb_set(state, '{episode}', '7') WHERE customer_id = 'C2'"
    )
    (difference,) = await replay_recorded(bank.db.engine, REACTOR)
    assert difference.customer_id == "C2"


async def test_a_case_that_todays_code_would_decide_otherwise_begins_as_it_stands(bank):
    await bank.db.run(
        "UPDATE cases SET state = jsonb_set(state, '{padding}', '\"old\"') WHERE customer_id = 'C1'"
    )
    assert len(await replay_recorded(bank.db.engine, REACTOR)) == 1
    await bank.run()
    assert await replay_recorded(bank.db.engine, REACTOR) == []
    assert await bank.starts() == dict(
        await bank.db.rows("SELECT customer_id, case_seq FROM cases WHERE customer_id = 'C1'")
    ) | {"C2": (await bank.starts())["C2"]}


async def test_a_run_that_was_stopped_is_finished_by_the_next(bank, monkeypatch):
    async def stop(*_, **__):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("shared.privacy.retention.record_act", stop)
        with pytest.raises(ConnectionError):
            await bank.run()
    assert await bank.db.one("SELECT count(*) FROM inbox WHERE month < '2021-02-01'") == 5
    assert await replay_recorded(bank.db.engine, REACTOR) == []
    assert (await bank.run()).rows == 5
    assert await replay_recorded(bank.db.engine, REACTOR) == []


async def test_what_is_over_goes_by_its_own_retention(bank):
    async with in_schema(bank.owner, "scheduler") as tx:
        for customer, status, at in (
            ("C1", "done", LONG_AGO), ("C2", "pending", LONG_AGO), ("C3", "done", TODAY),
        ):  # fmt: skip
            await tx.exec_driver_sql(
                "INSERT INTO effects (effect_id, customer_id, partition, kind, request, not_before, not_after,"
                f" status, created_at, updated_at) VALUES ('x{customer}', '{customer}', 0, 'contact.sms', '{{}}',"
                f" '{at}', '{at}', '{status}', '{at}', '{at}')"
            )
        for number, (status, at) in enumerate(
            [("released", LONG_AGO), ("waiting", LONG_AGO), ("discarded", TODAY)]
        ):
            await tx.exec_driver_sql(
                "INSERT INTO quarantine (topic, partition, kafka_offset, customer_id, event_key, type, reason,"
                " error, code_version, sealed, at, status)"
                f" VALUES ('t', 0, {number}, '', '', '', '', '', '', '', '{at}', '{status}')"
            )
    kept = await bank.db.one("SELECT count(*) FROM effects WHERE status = 'pending'")
    due = await bank.run()
    assert (due.effects, due.quarantined) == (1, 1)
    assert await bank.db.one("SELECT count(*) FROM effects WHERE effect_id = 'xC1'") == 0
    assert await bank.db.one("SELECT count(*) FROM effects WHERE status = 'pending'") == kept
    assert await bank.db.rows("SELECT status FROM quarantine ORDER BY 1") == [
        ("discarded",), ("waiting",),
    ]  # fmt: skip


def test_no_month_goes_of_which_the_shell_still_takes_events():
    with pytest.raises(TooShort, match="count twice"):
        oldest_kept(TODAY, 59)
    assert f"{oldest_kept(TODAY, 60):%Y-%m}" == "2021-02"
