"""The hours at which a customer may be contacted: in every zone of theirs, on days with a gap, or never."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduler.domain import hours, ladder
from shared.events.permits import PermitRefused
from shared.events.scheduler import CaseOpened, FollowUpDue
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.books import case_of
from tests.domain.scheduler.cases import STANDARD, at, contact_step, customer, local, missed, story

QUIET = (time(8), time(21))
MISS = missed(at("2026-03-01", "06:00"))


def first_step(*events, **changes):
    told = story(MISS, *events, **changes).run_until(at("2026-03-12"))
    found = of_type(told.published, FollowUpDue)
    return found[0] if found else None


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Pacific/Auckland"]
)
def test_a_step_is_due_at_half_past_nine_where_the_customer_is(zone):
    told = story(MISS, customer(zones=(zone,))).run_until(at("2026-03-05"))
    step = of_type(told.published, FollowUpDue)[-1]
    assert local(step.not_before, zone) == "2026-03-04 09:30"
    assert local(step.not_after, zone) == "2026-03-04 21:00"


def test_a_step_may_have_an_hour_of_its_own():
    ladder_ = (contact_step("evening", 1, at=time(18, 15)),)
    assert local(first_step(customer(), ladder=ladder_).not_before) == "2026-03-02 18:15"


def test_a_customer_without_zones_is_not_contacted_before_the_record_says_where_they_are():
    told = story(MISS, customer(zones=()))
    told.run_until(START)
    (refusal,) = of_type(told.published, PermitRefused)
    assert {reason.needs_fact for reason in refusal.reasons} == {"zones"}
    told.given(customer(START), tick(START))
    assert of_type(told.published, FollowUpDue)


def test_a_zone_that_does_not_exist_is_passed_over():
    step = first_step(customer(zones=("Mars/Olympus", "Europe/Berlin")))
    assert local(step.not_before, "Europe/Berlin") == "2026-03-02 09:30"


def test_it_is_never_night_in_any_zone_of_the_customer():
    step = first_step(customer(zones=("Asia/Shanghai", "Europe/Berlin")))
    assert local(step.not_before, "Europe/Berlin") == "2026-03-02 08:00", "15:00 in Shanghai"
    assert local(step.not_after, "Asia/Shanghai") == "2026-03-02 21:00", "14:00 in Berlin"


def test_the_zones_of_the_contact_points_count_too():
    step = first_step(customer(point_zones=("Europe/Berlin",)))
    assert local(step.not_before, "Europe/Berlin") == "2026-03-02 08:00"


def test_the_zones_of_third_persons_do_not_count():
    mine = customer()
    theirs = customer(party="guarantor", point_zones=("Europe/Berlin",))
    assert hours_of(mine) == hours_of(theirs) == ("Asia/Shanghai",)


def hours_of(event):
    known = case_of(event).customer
    assert known is not None
    return ladder.zones_of(known, STANDARD)


def test_zones_that_leave_no_hour_leave_the_steps_waiting_and_nothing_else():
    nowhere = customer(zones=("Asia/Shanghai", "Europe/London", "America/Los_Angeles"))
    told = story(MISS, nowhere).run_until(at("2026-04-02"))
    assert not of_type(told.published, FollowUpDue)
    assert of_type(told.published, CaseOpened)
    assert told.state.bucket == "M2"
    told.given(customer(at("2026-04-02", "11:00"))).run_until(at("2026-04-02", "11:00"))
    assert of_type(told.published, FollowUpDue), "a better record sets them free"


def test_in_a_gap_of_daylight_saving_the_hour_counts_by_the_offset_before():
    gap = hours.at_local(datetime(2026, 3, 8, tzinfo=UTC).date(), time(2, 30), "America/New_York")
    assert local(gap, "America/New_York") == "2026-03-08 03:30"


def test_half_past_nine_stays_half_past_nine_when_the_clocks_change():
    told = story(customer(zones=("America/New_York",)), MISS).run_until(at("2026-03-20"))
    instants = [entry.not_before for entry in of_type(told.published, FollowUpDue)]
    assert [local(instant, "America/New_York") for instant in instants] == [
        "2026-03-02 09:30", "2026-03-04 09:30", "2026-03-08 09:30", "2026-03-13 09:30", "2026-03-19 09:30",
    ]  # fmt: skip
    assert {instant.hour for instant in instants} == {13, 14}, "UTC, before and after the change"


def test_an_unknown_zone_is_an_error_with_its_name():
    with pytest.raises(ValueError, match="'Mars/Olympus' is not a time zone"):
        hours.zone("Mars/Olympus")


ZONES = ["Asia/Shanghai", "America/New_York", "America/Los_Angeles", "Europe/London", "Pacific/Auckland",
         "Asia/Kolkata", "Pacific/Kiritimati", "America/St_Johns", "Pacific/Marquesas"]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True), st.integers(0, 300))
def test_no_step_is_due_at_night_in_any_zone(names, later):
    told = story(customer(zones=tuple(names)), missed(MISS.time + days(later / 24)))
    told.run_until(at("2026-05-01"))
    for step in of_type(told.published, FollowUpDue):
        for name in names:
            assert QUIET[0] <= step.not_before.astimezone(ZoneInfo(name)).time() < QUIET[1]
