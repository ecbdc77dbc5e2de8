"""Each criterion of the assessment alone decides a case, and the choice of the claim."""

import pytest
from msgspec.structs import replace

from services.legal.policy import LegalPolicy
from shared.events.scheduler import Amount, Situation
from tests.domain.legal.stories import POLICY, SITUATION, SMALL, situation


def money(**amounts: int) -> tuple[Amount, ...]:
    return tuple(Amount(currency=name, amount_minor=minor) for name, minor in amounts.items())


def test_the_case_that_the_others_differ_from_is_fit():
    assert POLICY.against(SITUATION) == ()


@pytest.mark.parametrize(
    ("criterion", "changed"),
    [
        ("amount", situation(overdue=money(CNY=499_999))),
        ("amount", situation(overdue=money(JPY=99_999_999))),
        ("dpd", situation(dpd=89)),
        ("dispute", situation(flags=("vip", "disputed"))),
        ("solvency", situation(flags=("no_assets",))),
        ("solvency", situation(flags=("insolvent",))),
        ("solvency", situation(risk_grade="F")),
        ("country", situation(country="DE")),
        ("country", situation(country="")),
        ("no_address", situation(address_point_id=None)),
    ],
)
def test_each_criterion_alone_makes_a_case_unfit(criterion: str, changed: Situation):
    assert POLICY.against(changed) == (criterion,)


@pytest.mark.parametrize(
    "passing",
    [
        situation(overdue=money(CNY=500_000)),
        situation(overdue=money(USD=1, CNY=500_000)),
        situation(dpd=90),
        situation(flags=("vip",)),
        situation(flags=("no_assets",), secured=True),
        situation(risk_grade="F", secured=True),
        situation(risk_grade=None),
        situation(country="TW"),
    ],
)
def test_the_limits_themselves_pass(passing: Situation):
    assert POLICY.against(passing) == ()


def test_all_criteria_are_named_in_a_fixed_order():
    hopeless = replace(
        SMALL, dpd=1, flags=("dispute", "bankrupt"), country="DE", address_point_id=None
    )

    assert POLICY.against(hopeless) == (
        "amount",
        "dpd",
        "dispute",
        "solvency",
        "country",
        "no_address",
    )


def test_without_a_picture_nothing_can_be_assessed():
    assert POLICY.against(None) == ("no_situation",)


@pytest.mark.parametrize(
    ("overdue", "claimed"),
    [
        (money(CNY=500_000, USD=70_000), "CNY"),  # equally many times the threshold: by the code
        (money(USD=70_000, CNY=500_000), "CNY"),
        (money(CNY=500_000, USD=70_001), "USD"),  # the greater multiple, though fewer minor units
        (money(CNY=499_999, USD=70_000), "USD"),
    ],
)
def test_the_position_that_weighs_most_is_claimed_and_currencies_are_never_summed(overdue, claimed):
    claim = POLICY.claim(situation(overdue=overdue))

    assert claim is not None
    assert claim.currency == claimed
    assert claim in overdue


def test_two_halves_in_two_currencies_are_not_a_claim():
    assert POLICY.claim(situation(overdue=money(CNY=499_999, USD=69_999))) is None


def test_a_threshold_that_nothing_can_be_measured_by_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        LegalPolicy(min_overdue_minor={"CNY": 0})
