"""Legal periods: every row of the rules' table of periods, with its date, and the properties behind them."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.compliance.calendars import WorkCalendar, load_calendars, standard_calendars
from shared.compliance.limitation import (
    BEIJING,
    Demand,
    Interruption,
    Obstacle,
    guarantee_period,
    interruption_of,
    limitation,
)
from shared.compliance.loading import load_packs
from shared.compliance.pack import Clock
from shared.compliance.periods import (
    Ending,
    claim_may_be_issued_on,
    clock_ending,
    default_notice_date,
    effective_pair,
    months_after,
    moratorium,
    plan_must_end_by,
    span_over,
    validation_period,
)
from shared.compliance.rules import Span

DEPLOY = Path(__file__).parents[2] / "deploy"
CN = load_calendars(DEPLOY / "calendars")["CN"]
US = standard_calendars()["US-FED"]
CLOCKS = load_packs(DEPLOY / "packs" / "cn-bank-consumer.yaml")[0].clocks
LIMITATION, GUARANTEE = CLOCKS["limitation"], CLOCKS["guarantee_period"]
EVENING = datetime(2026, 11, 20, 21, 30, tzinfo=BEIJING)


def lasts(*due, **facts):
    return limitation(LIMITATION, due, CN, **facts)


def after_demand(on, **facts):
    return lasts(date(2020, 1, 1), interruptions=[Interruption(on)], **facts)


def test_l1_three_years_after_a_demand():
    ending = lasts(date(2022, 1, 10), interruptions=[Interruption(date(2023, 11, 20))])
    assert (ending, ending.day.strftime("%a")) == (
        Ending(date(2026, 11, 20), date(2026, 11, 20)),
        "Fri",
    )
    assert ending.state(date(2026, 11, 20)) == "running"
    assert ending.state(date(2026, 11, 21)) == "expired"


def test_l2_a_leap_day_ends_on_the_last_of_february_and_rolls():
    ending = lasts(date(2024, 2, 29))
    assert (ending.nominal, ending.day) == (date(2027, 2, 28), date(2027, 3, 1))


def test_l3_national_day_rolls_to_the_eighth():
    assert lasts(date(2023, 10, 3)) == Ending(date(2026, 10, 8), date(2026, 10, 3))


def test_l4_a_make_up_saturday_is_a_working_day():
    assert lasts(date(2023, 10, 10)) == Ending(date(2026, 10, 10), date(2026, 10, 10))
    assert date(2026, 10, 10).strftime("%a") == "Sat"


def test_l5_instalments_count_from_the_last_and_an_unknown_year_is_no_certainty():
    dues = [months_after(date(2024, 1, 31), month) for month in range(29)] + [date(2026, 6, 30)]
    ending = lasts(*dues)
    assert (ending.nominal, ending.day) == (date(2029, 6, 30), date(2029, 7, 2))
    assert not ending.certain
    assert ending.act_by == date(2029, 6, 30), "nobody relies on a calendar that is not announced"
    assert [ending.state(date(2029, 6, 30) + timedelta(days=d)) for d in (0, 1, 31, 32)] == [
        "running", "unknown", "unknown", "expired",
    ]  # fmt: skip


def test_l6_a_receipt_recorded_late_tells_of_an_arrival_in_time():
    told = interruption_of(Demand(EVENING, arrived_at=EVENING), "consumer_loan")
    assert told == Interruption(date(2026, 11, 20))
    ending = lasts(date(2026, 1, 10), interruptions=[told])
    assert ending.day == date(2029, 11, 20)


def test_l7_a_void_number_interrupts_for_a_card_and_not_for_another_loan():
    void = Demand(EVENING)
    assert interruption_of(void, "credit_card") == Interruption(date(2026, 11, 20))
    assert interruption_of(void, "consumer_loan") is None
    theirs = Demand(EVENING, should_have_arrived=True)
    assert interruption_of(theirs, "consumer_loan") == Interruption(date(2026, 11, 20))
    elsewhere = Demand(EVENING, to_reserved=False)
    assert interruption_of(elsewhere, "credit_card") is None


def test_the_day_of_a_demand_is_beijings():
    late = datetime.fromisoformat("2026-11-20T16:30:00+00:00")
    assert interruption_of(Demand(late), "credit_card") == Interruption(date(2026, 11, 21))


def test_l8_a_demand_to_one_joint_debtor_interrupts_for_both_and_not_for_a_guarantor():
    told = [Interruption(date(2024, 5, 20), debtor="D1")]
    joint = frozenset({"D1", "D2"})
    before, anew = date(2025, 3, 10), date(2027, 5, 20)
    for debtor, expected in (("D1", anew), ("D2", anew), ("G1", before)):
        ending = lasts(date(2022, 3, 10), interruptions=told, debtor=debtor, joint=joint)
        assert ending.day == expected, debtor


@pytest.mark.parametrize(
    ("due", "last"),
    [(date(2026, 4, 30), date(2026, 10, 30)), (date(2026, 8, 31), date(2027, 3, 1))],
)
def test_l9_a_guarantee_lasts_six_months(due, last):
    assert guarantee_period(GUARANTEE, due, CN).day == last


def test_l10_two_demands_make_a_pair_thirty_days_apart():
    clock = CLOCKS["effective_demand_pair"]
    first = date(2026, 9, 1)
    assert not effective_pair(first, date(2026, 9, 30), clock)
    assert effective_pair(first, date(2026, 10, 1), clock)
    assert effective_pair(date(2026, 10, 1), first, clock), "in either order"


def test_r1_a_validation_notice_before_thanksgiving():
    period = validation_period(date(2026, 11, 20), US)
    assert (period.received_on, period.ending.day) == (date(2026, 11, 30), date(2026, 12, 30))
    assert [day.strftime("%a") for day in (period.received_on, period.ending.day)] == ["Mon", "Wed"]


def test_r2_a_validation_notice_before_christmas():
    period = validation_period(date(2026, 12, 23), US)
    assert (period.received_on, period.ending.day) == (date(2026, 12, 31), date(2027, 1, 30))
    assert period.ending.certain


def test_p1_a_plan_of_sixty_months():
    assert plan_must_end_by(date(2021, 3, 15)) == date(2026, 3, 15)


def test_sixty_days_begin_with_the_first_and_fourteen_do_not():
    assert moratorium(date(2026, 11, 21)).day == date(2027, 1, 19)
    assert default_notice_date(date(2026, 11, 2)) == date(2026, 11, 16)
    assert claim_may_be_issued_on(date(2026, 11, 2)) == date(2026, 12, 3)


def test_a_period_once_over_is_begun_anew_only_by_an_agreement():
    due, later = date(2020, 1, 6), date(2024, 5, 20)
    assert lasts(due, interruptions=[Interruption(later)]).day == date(2023, 1, 6)
    assert lasts(due, interruptions=[Interruption(later, agreed=True)]).day == date(2027, 5, 20)


def test_a_lawsuit_stops_the_period_and_its_end_begins_it_anew():
    due, filed = date(2022, 1, 6), date(2023, 2, 1)
    assert lasts(due, interruptions=[Interruption(filed, pending=True)]) is None
    lawsuit = Interruption(filed, until=date(2024, 5, 20))
    assert lasts(due, interruptions=[lawsuit]).day == date(2027, 5, 20)
    assert lasts(due, interruptions=[lawsuit, Interruption(date(2023, 6, 1))]).day == date(
        2027, 5, 20
    )


@pytest.mark.parametrize(
    ("began", "ended", "last"),
    [
        (date(2022, 5, 1), date(2022, 7, 6), date(2023, 1, 6)),  # over before the last six months
        (
            date(2022, 5, 1),
            date(2022, 7, 7),
            date(2023, 1, 9),
        ),  # a day into them; 7 January is a Saturday
        (date(2022, 12, 1), date(2023, 2, 1), date(2023, 8, 1)),
        (date(2023, 1, 7), date(2023, 2, 1), date(2023, 1, 6)),  # began too late
    ],
)
def test_an_obstacle_in_the_last_six_months_leaves_six_months(began, ended, last):
    assert lasts(date(2020, 1, 6), obstacles=[Obstacle(began, ended)]).day == last


def test_an_obstacle_that_lasts_stops_the_period():
    assert lasts(date(2020, 1, 6), obstacles=[Obstacle(date(2022, 12, 1))]) is None


def test_nothing_is_protected_after_twenty_years():
    yearly = [Interruption(date(2002 + year * 2, 6, 3)) for year in range(12)]
    assert lasts(date(2001, 1, 9), interruptions=yearly).day == date(2021, 1, 11)


interruptions = st.lists(
    st.builds(
        Interruption,
        st.dates(date(2020, 1, 1), date(2026, 12, 31)),
        debtor=st.sampled_from(["", "D1", "D2"]),
        agreed=st.booleans(),
    ),
    max_size=6,
)


@given(interruptions, st.randoms(use_true_random=False))
def test_the_order_of_facts_and_their_repeats_do_not_matter(facts, chance):
    due = date(2020, 3, 2)
    shuffled = [*facts, *facts]
    chance.shuffle(shuffled)
    before = lasts(due, interruptions=facts, debtor="D1")
    assert lasts(due, interruptions=shuffled, debtor="D1") == before


@given(st.dates(date(2024, 1, 1), date(2026, 6, 1)), st.integers(1, 200))
def test_spans_differ_by_the_first_day_and_a_roll_ends_on_a_working_day(began, days):
    def over(mode):
        return span_over(began, Span(days=days, mode=mode), CN).day

    assert over("exclude_first_day") == over("inclusive_first_day") + timedelta(days=1)
    assert over("after_end") == over("exclude_first_day")
    assert over("uk_not_before") == over("local_dates") == over("inclusive_first_day")
    rolled = over("cn_civil_code")
    assert CN.is_working_day(rolled)
    assert not any(
        CN.is_working_day(over("exclude_first_day") + timedelta(days=ahead))
        for ahead in range((rolled - over("exclude_first_day")).days)
    )
    worked = [
        began + timedelta(days=ahead)
        for ahead in range(1, (over("business_days") - began).days + 1)
    ]
    assert sum(map(CN.is_working_day, worked)) == days
    assert CN.is_working_day(worked[-1])


def test_a_clock_without_length_or_without_the_calendar_that_it_needs_is_an_error():
    with pytest.raises(ValueError, match="no length"):
        clock_ending(CLOCKS["effective_demand_pair"], date(2026, 1, 1))
    with pytest.raises(ValueError, match="needs a calendar"):
        clock_ending(LIMITATION, date(2026, 1, 1))
    plain = Clock(days=30, period="exclude_first_day")
    assert clock_ending(plain, date(2026, 1, 1)).day == date(2026, 1, 31)
    assert isinstance(CN, WorkCalendar)
