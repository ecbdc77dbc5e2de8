"""Each criterion of the screening alone decides a case; the roster and the working days."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from services.visits.policy import Staff, VisitPolicy
from shared.calendars import is_working_day, known_until, next_working_day, zone
from shared.events.scheduler import Amount, Situation
from shared.ids import derive
from tests.domain.visits.stories import POLICY, SITUATION, situation

EXCELLENT = situation(risk_grade="A")


def money(amount_minor: int, currency: str = "CNY") -> tuple[Amount, ...]:
    return (Amount(currency=currency, amount_minor=amount_minor),)


def test_the_case_that_the_others_differ_from_is_visited():
    assert POLICY.against(SITUATION) == ()


@pytest.mark.parametrize(
    ("criterion", "changed", "policy"),
    [
        ("amount", situation(overdue=money(199_999)), POLICY),
        ("amount", situation(overdue=money(9_999_999, "JPY")), POLICY),
        ("dpd", situation(dpd=29), POLICY),
        ("credit_history", EXCELLENT, POLICY),
        ("credit_history", situation(cures=3), POLICY),
        ("region", SITUATION, VisitPolicy(excluded_regions=("Beijing",))),
        ("region", SITUATION, VisitPolicy(covered_regions=("Shanghai",))),
        ("no_address", situation(address_point_id=None), POLICY),
    ],
)
def test_each_criterion_alone_screens_a_case_out(
    criterion: str, changed: Situation, policy: VisitPolicy
):
    assert policy.against(changed) == (criterion,)


@pytest.mark.parametrize(
    ("passing", "policy"),
    [
        (situation(overdue=money(200_000)), POLICY),
        (situation(overdue=(*money(1, "USD"), *money(200_000))), POLICY),
        (situation(dpd=30), POLICY),
        (situation(dpd=3, unreachable=True), POLICY),
        (situation(risk_grade="A", dpd=60), POLICY),
        (situation(risk_grade="A", broken_promises=1), POLICY),
        (situation(cures=2), POLICY),
        (SITUATION, VisitPolicy(covered_regions=("Beijing",), excluded_regions=("Shanghai",))),
    ],
)
def test_the_limits_themselves_pass(passing: Situation, policy: VisitPolicy):
    assert policy.against(passing) == ()


def test_all_criteria_are_named_in_the_order_of_screening():
    hopeless = situation(overdue=money(1), dpd=1, risk_grade="A", address_point_id=None)
    policy = VisitPolicy(excluded_regions=("Beijing",))

    assert policy.against(hopeless) == ("amount", "dpd", "credit_history", "region", "no_address")


def test_currencies_are_never_summed():
    two_halves = (*money(150_000), *money(29_999, "USD"))

    assert POLICY.against(situation(overdue=two_halves)) == ("amount",)


def test_the_score_rises_with_days_amount_and_broken_promises():
    better = [
        situation(dpd=60),
        situation(overdue=money(900_000)),
        situation(broken_promises=1),
        situation(overdue=(*money(500_000), *money(99_999_999, "USD"))),
    ]

    assert POLICY.score(SITUATION) == 45 + 20
    assert all(POLICY.score(each) > POLICY.score(SITUATION) for each in better)
    assert POLICY.score(situation(dpd=900)) == 180 + 20
    assert POLICY.score(situation(overdue=(*money(500_000), *money(1, "JPY")))) == 65


def test_two_different_members_of_the_regions_team_go_and_the_work_is_spread():
    own = tuple(Staff(staff_id=name, identity_card=f"K-{name}") for name in ("a", "b", "c"))
    policy = VisitPolicy(teams={"*": own[:2], "Beijing": own})
    firsts = Counter()
    for number in range(90):
        first, second = policy.staff_for(derive("v", number), "Beijing")
        assert first != second
        firsts[first.staff_id] += 1

    assert set(firsts) == {"a", "b", "c"}
    assert min(firsts.values()) > 15
    assert {m.staff_id for m in policy.staff_for(derive("v", 1), "Tibet")} == {"a", "b"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"teams": {"Beijing": ()}}, "entry `\\*`"),
        ({"teams": {"*": (Staff(staff_id="a", identity_card="K"),)}}, "two members"),
        ({"min_overdue_minor": {"CNY": 0}}, "at least 1"),
    ],
)
def test_a_policy_that_could_not_work_is_refused(fields: dict, words: str):
    with pytest.raises(ValueError, match=words):
        VisitPolicy(**fields)


@pytest.mark.parametrize(
    ("day", "country", "works"),
    [
        (date(2026, 2, 14), "CN", True),  # a Saturday worked in return for the Spring Festival
        (date(2026, 2, 16), "CN", False),  # a Monday of the Spring Festival
        (date(2026, 3, 7), "CN", False),  # a Saturday
        (date(2026, 3, 4), "CN", True),
        (date(2026, 7, 3), "US", False),  # Independence Day observed
        (date(2026, 3, 4), "XX", True),
        (date(2026, 3, 7), "XX", False),
    ],
)
def test_working_days(day: date, country: str, works: bool):
    assert is_working_day(day, country) is works


def test_the_next_working_day_may_be_the_day_itself():
    assert next_working_day(date(2026, 3, 4), "CN") == date(2026, 3, 4)
    assert next_working_day(date(2026, 10, 1), "CN") == date(2026, 10, 8)


def test_only_announced_holidays_end_somewhere():
    last = known_until("CN")

    assert last is not None
    assert (last.year >= 2026, last.month, last.day) == (True, 12, 31)
    assert known_until("US") is None


def test_the_first_zone_that_exists_counts():
    assert (
        zone(("../etc/passwd", "Nowhere/Land", "Asia/Taipei"), "Asia/Shanghai").key == "Asia/Taipei"
    )
    assert zone((), "Asia/Shanghai").key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("country", "visit_on"),
    [("US", date(2026, 10, 1)), ("CN", date(2026, 10, 8)), ("", date(2026, 10, 8))],
)
def test_the_calendar_is_that_of_the_debtors_country(country: str, visit_on: date):
    now = datetime(2026, 9, 29, 1, 30, tzinfo=UTC)

    assert POLICY.day_of_visit(situation(country=country), now) == visit_on
