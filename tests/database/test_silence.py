"""When core banking counts as silent: hours of working days in the creditor's zone, known durably in each service's schema."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import structlog

from shared.messaging import progress
from shared.messaging.silence import Silence, business_time
from tests.database.support import always, missed, records

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(day, hour, month=3):
    """An instant of 2026 by the clocks in Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(("since", "until", "hours"), [
    (at(4, 9), at(5, 9), 24),  # Wednesday to Thursday
    (at(6, 18), at(9, 18), 24),  # Friday evening to Monday evening: the weekend does not count
    (at(7, 0), at(9, 0), 0),  # Saturday and Sunday
    (at(13, 18, 2), at(24, 9, 2), 6 + 24 + 9),  # New Year of 2026: the Saturday before it is worked
    (at(5, 9), at(4, 9), 0),
])  # fmt: skip
def test_hours_count_on_working_days_only(since, until, hours):
    assert business_time(since, until, SHANGHAI, "CN") == timedelta(hours=hours)


def test_a_day_of_23_hours_counts_23():
    madrid = ZoneInfo("Europe/Madrid")
    begins = datetime(2026, 3, 27, tzinfo=madrid)
    ends = datetime(2026, 3, 31, tzinfo=madrid)
    assert business_time(begins, ends, madrid, "ES") == timedelta(hours=24 + 24)
    assert business_time(begins, ends, madrid, "XX") == timedelta(hours=48)


def silence(db, hours=24):
    return Silence(db.engine, "scheduler", hours=hours, zone="Asia/Shanghai", country="CN")


async def test_a_database_that_never_heard_core_banking_is_not_silent(db, clock):
    assert not await silence(db).silent(clock.now() + timedelta(days=400))


async def test_silence_begins_after_its_hours_and_ends_with_the_next_event(shell, db, clock):
    clock.set(at(6, 18))
    await shell.handle(records(missed("C1"), at=clock.now()), fresh=always)
    watch = silence(db)
    with structlog.testing.capture_logs() as logs:
        assert not await watch.silent(at(9, 17))
        assert await watch.silent(at(9, 18))
        assert await watch.silent(at(9, 20))
        assert await silence(db).silent(at(9, 20)), "another process knows it too"
        assert not await silence(db, hours=0).silent(at(9, 20)), "turned off"
        clock.set(at(9, 21))
        await shell.handle(records(missed("C2"), at=clock.now(), start=1), fresh=always)
        assert not await watch.silent(at(9, 22))
        assert not await watch.silent(at(9, 23))
    told = [line["event"] for line in logs if line["event"].startswith("core_banking")]
    assert told == ["core_banking_silent"] * 2 + ["core_banking_heard_again"], "once a process"


async def test_who_follows_the_scheduler_hears_core_banking_by_its_progress(follower_db):
    watch = Silence(follower_db.engine, "notifier", hours=24, zone="Asia/Shanghai", country="CN")
    async with follower_db.engine.begin() as tx:
        await progress.note(tx, {0: 5, 1: 7}, at(4, 9))
        await progress.note(tx, {1: 8}, at(5, 9))
    assert not await watch.silent(at(6, 8)), "one partition that moved is a word"
    assert await watch.silent(at(6, 9))
