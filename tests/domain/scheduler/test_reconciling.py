"""Core banking's statements against our fold: a difference is told once, and holds contact on that account only."""

from datetime import date
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.reconciling import compare
from shared.canonical import digest
from shared.events.scheduler import CaseDiverged, FollowUpDue
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.books import case_of
from tests.domain.scheduler.cases import (
    at,
    changed,
    closed,
    customer,
    due,
    follow_ups,
    missed,
    received,
    requested,
    stated,
    story,
    taken_back,
)
from tests.domain.scheduler.facts_drawn import MONEY

MISS = missed(at("2026-03-01", "06:00"))
OTHER = missed(at("2026-03-01", "06:00"), account_id="B", amount_minor=700)
OPENED = (customer(), MISS, tick(START))
NIGHT = at("2026-03-03", "23:00")
"""When the statement of 2026-03-03 is made, in these stories."""
BY_NIGHT = ["permit.refused"] * 2
"""By then reminder_1 and reminder_2 are due, and wait for the morning."""


def found(*events):
    return compare("A", case_of(*events).accounts["A"])


def test_a_statement_that_agrees_says_nothing():
    told = story(*OPENED, stated(NIGHT, 1000)).when(tick(NIGHT))
    assert of_type(told.published, CaseDiverged) == []
    assert found(MISS, stated(NIGHT, 1000)).agrees


def test_a_difference_is_told_once_and_stops_the_contact_under_way():
    told = story(*OPENED, stated(NIGHT, 600)).when(tick(NIGHT))
    assert told.types() == ["follow_up.cancelled", "case.diverged", "hold.applied"]
    (diverged,) = of_type(told.published, CaseDiverged)
    assert (diverged.stated_minor, diverged.derived_minor, diverged.currency) == (600, 1000, "CNY")
    assert (diverged.account_id, diverged.as_of_on) == ("A", date(2026, 3, 3))
    told.when(tick(NIGHT)).then_nothing()
    told.run_until(START + days(40))
    assert len(follow_ups(told)) == 1


def test_the_hold_ends_when_the_missing_payment_arrives():
    told = story(*OPENED, stated(NIGHT, 600), tick(NIGHT))
    told.given(received(NIGHT + days(1), 400, value_on="2026-03-03")).when(tick(NIGHT + days(1)))
    assert told.types() == ["hold.lifted", *BY_NIGHT]
    assert told.state.diverged == {}


def test_the_hold_ends_when_a_newer_statement_agrees():
    told = story(*OPENED, stated(NIGHT, 600), tick(NIGHT), stated(NIGHT + days(1), 1000))
    assert told.when(tick(NIGHT + days(1))).types() == ["hold.lifted", *BY_NIGHT]


def test_each_statement_that_differs_is_told():
    told = story(*OPENED, stated(NIGHT, 600), tick(NIGHT), stated(NIGHT + days(1), 700))
    assert told.when(tick(NIGHT + days(1))).types() == ["case.diverged"]
    assert len(told.state.diverged) == 1


def test_a_difference_that_comes_again_is_told_again_under_another_id():
    told, abouts = story(*OPENED, stated(NIGHT, 600)), []
    pays = received(NIGHT + days(1), 400, value_on="2026-03-03")
    back = missed(NIGHT + days(2), instalment_id="I0", due_on="2026-02-01", as_of=NIGHT - days(1))
    for event in (tick(NIGHT), pays, tick(pays.time), back, tick(back.time)):
        told.when(event)
        abouts += [p.about for p in told.decision.publish if isinstance(p.data, CaseDiverged)]
    assert len(abouts) == len(set(abouts)) == 2


def test_other_accounts_go_on_with_their_own_amounts():
    told = story(customer(), MISS, OTHER, tick(START), stated(NIGHT, 600)).when(tick(NIGHT))
    assert told.types() == ["follow_up.cancelled", "case.diverged", "permit.refused"]
    told.run_until(NIGHT + days(2))
    (again,) = of_type(told.published, FollowUpDue)[1:]
    assert again.situation.accounts == ("B",)
    assert again.situation.overdue[0].amount_minor == 700
    assert told.state.holds == ()


def test_what_a_service_asks_for_tells_of_the_other_accounts_only():
    told = story(customer(), MISS, OTHER, tick(START), stated(NIGHT, 600), requested(NIGHT, NIGHT))
    told.when(tick(NIGHT))
    (fired,) = [e for e in of_type(told.published, FollowUpDue) if e.kind == "requested"]
    assert fired.situation.accounts == ("B",)


def test_when_every_overdue_account_diverges_the_case_is_held():
    told = story(customer(), MISS, OTHER, tick(START), stated(NIGHT, 600), tick(NIGHT))
    told.given(stated(NIGHT, 1, account_id="B")).when(tick(NIGHT))
    assert told.types() == ["case.diverged", "hold.applied"]
    assert told.state.holds == ("diverged:",)


def test_no_reminder_of_what_will_fall_due_on_an_account_that_diverges():
    coming = due(START, instalment_id="I9", due_on="2026-03-20")
    agrees = story(customer(), coming, received(START), stated(NIGHT, 0)).run_until(
        at("2026-03-19")
    )
    differs = story(customer(), coming, received(START), stated(NIGHT, 50)).run_until(
        at("2026-03-19")
    )
    assert len(follow_ups(agrees)) == 1
    assert follow_ups(differs) == []


def test_the_opening_is_not_compared_with_itself():
    opening = stated(START, 5000, {"I1": ("2026-03-01", 1000)})
    assert found(opening).is_opening
    assert not found(opening, received(START + days(1), 400)).diverges


def test_a_first_statement_after_other_facts_is_no_opening_and_is_compared():
    assert found(MISS, stated(NIGHT, 600)).diverges
    assert not found(MISS, stated(NIGHT, 600)).is_opening


def test_a_later_statement_is_compared_with_the_opening_and_the_payments_since():
    opening, pays = stated(START, 1000), received(START + days(0.5), 400)
    assert found(opening, pays, stated(NIGHT, 600)).agrees
    assert found(opening, pays, stated(NIGHT, 1000)).diverges


def test_an_opening_without_a_due_date_counts_as_overdue_on_its_own_day():
    first, again = (stated(START + days(part), 1000, oldest_due_on=None) for part in (0, 0.1))
    assert found(first, again).agrees


def test_payments_with_a_later_value_date_do_not_count():
    assert found(MISS, received(START, 400, value_on="2026-03-04"), stated(NIGHT, 1000)).agrees


def test_what_was_booked_or_taken_back_after_the_statement_is_no_difference():
    late = received(NIGHT + days(1), 400, value_on="2026-03-02")
    assert found(MISS, stated(NIGHT, 1000), late).agrees
    assert found(MISS, stated(NIGHT, 600), late).agrees
    paid, back = received(START, 400), taken_back(NIGHT + days(1))
    assert found(MISS, paid, back, stated(NIGHT, 600)).agrees
    assert found(MISS, paid, back, stated(NIGHT, 1000)).agrees


def test_what_falls_due_on_the_day_of_the_statement_is_not_overdue_yet():
    today = missed(NIGHT - days(0.1), instalment_id="I2", due_on="2026-03-03")
    assert found(MISS, today, stated(NIGHT, 1000)).agrees


def test_what_core_banking_states_anew_later_leaves_the_statement_behind():
    anew = found(MISS, stated(NIGHT, 600), missed(NIGHT + days(1), amount_minor=900))
    assert (anew.superseded, anew.diverges) == (True, False)
    newer = found(
        MISS, stated(NIGHT, 600), changed(NIGHT + days(1), instalment_id="I2", due_on="2026-04-01")
    )
    assert newer.diverges


def test_an_account_on_which_nothing_is_collected_is_not_compared():
    assert found(MISS, stated(NIGHT, 600), closed(NIGHT, "sold")) is None
    assert found(MISS, stated(NIGHT, 600), closed(NIGHT, "written_off")).diverges
    assert found(MISS) is None


def test_other_currencies_do_not_count():
    other = missed(START, instalment_id="I2", currency="USD")
    assert found(MISS, other, stated(NIGHT, 1000)).agrees


def test_a_stale_tick_stops_the_contact_and_tells_nothing_else():
    told = story(*OPENED, stated(NIGHT, 600)).when(tick(NIGHT, fresh=False))
    assert told.types() == ["follow_up.cancelled"]


def test_any_order_of_statements_keeps_the_first_as_opening_and_the_latest():
    statements = (stated(START, 900), stated(NIGHT, 600), stated(NIGHT + days(1), 700))
    states = [case_of(*order) for order in permutations(statements)]
    assert len({digest(state) for state in states}) == 1
    account = states[0].accounts["A"]
    assert (account.opening.overdue_minor, account.statement.overdue_minor) == (900, 700)


@given(MONEY, st.randoms(use_true_random=False))
def test_any_order_of_facts_compares_alike(facts, random):
    shuffled = list(facts)
    random.shuffle(shuffled)
    one, other = case_of(*facts).accounts, case_of(*shuffled).accounts
    assert {k: compare(k, a) for k, a in one.items()} == {
        k: compare(k, a) for k, a in other.items()
    }
