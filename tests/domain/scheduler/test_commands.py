"""What people command: holds and their release, "says paid", hardship, closing; each is a fact, decided on the tick."""

from itertools import permutations

import pytest

from shared.canonical import digest
from shared.events import declarations
from shared.events.scheduler import CaseClosed, CaseOpened, HoldApplied, HoldLifted, PromiseBroken
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.books import case_of
from tests.domain.scheduler.cases import (
    at,
    customer,
    follow_ups,
    missed,
    promised,
    received,
    steps_taken,
    story,
    taken_back,
)
from tests.domain.scheduler.commanded import (
    complained,
    disputed,
    in_hardship,
    let_go,
    noted,
    placed,
    promise_taken,
    represented,
    says_paid,
    shut,
)
from tests.domain.scheduler.declared import declared

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), MISS, tick(START))
SOON = START + days(0.1)
HALTS = {
    "person": placed(SOON), "dispute": disputed(SOON), "complaint": complained(SOON),
    "hardship": in_hardship(SOON), "attorney": represented(SOON), "says_paid": says_paid(SOON),
}  # fmt: skip


@pytest.mark.parametrize("name", HALTS)
def test_a_hold_is_told_by_its_id_and_cancels_the_contact_under_way(name):
    told = story(*OPENED).given(HALTS[name]).when(tick(SOON))
    cancelled, applied = (entry.data for entry in told.decision.publish)
    assert cancelled.reason == f"held: {name}"
    assert (applied.hold_id, applied.reason) == ("H1", name)
    told.when(tick(SOON)).then_nothing()


@pytest.mark.parametrize("name", HALTS)
def test_a_release_lifts_it_and_the_ladder_goes_on(name):
    told = story(*OPENED, HALTS[name], tick(SOON))
    told.given(let_go(SOON + days(0.01))).when(tick(SOON + days(0.01)))
    assert told.types() == ["hold.lifted", "follow_up.due"]
    assert told.state.halts == {}


@pytest.mark.parametrize("name", HALTS)
def test_a_release_wins_before_and_after_the_hold(name):
    orders = permutations((HALTS[name], let_go(SOON + days(1)), let_go(SOON + days(2))))
    states = {digest(case_of(*order)) for order in orders}
    assert len(states) == 1
    assert case_of(let_go(SOON), HALTS[name]).halts == {}


@pytest.mark.parametrize(
    "event", [*HALTS.values(), let_go(SOON), shut(SOON), promise_taken(SOON, "2026-03-09")]
)
def test_a_repetition_does_not_even_wake_the_case(event):
    told = story(event).when(tick(SOON)).when(event).then_nothing()
    assert told.state is told.before


def test_a_hold_with_a_last_day_ends_at_midnight_of_the_creditor():
    told = story(*OPENED, placed(SOON, until_on="2026-03-03"), tick(SOON))
    (applied,) = of_type(told.published, HoldApplied)
    assert (applied.until_on.isoformat(), applied.until_at) == (
        "2026-03-03",
        at("2026-03-04", "00:00"),
    )
    told.run_until(at("2026-03-04"))
    assert len(of_type(told.published, HoldLifted)) == 1
    assert steps_taken(told)[1] == "reminder_2 2026-03-04 09:30"


def test_a_hold_without_a_last_day_stands_until_it_is_released():
    told = story(*OPENED, placed(SOON)).run_until(START + days(200))
    assert of_type(told.published, HoldLifted) == []
    assert len(follow_ups(told)) == 1


def test_several_holds_are_several_and_each_is_released_by_itself():
    told = story(*OPENED, placed(SOON), disputed(SOON, "H2"), tick(SOON), let_go(SOON)).when(
        tick(SOON)
    )
    assert told.types() == ["hold.lifted"]
    assert told.state.holds == ("dispute:H2",)
    told.given(let_go(SOON, "H2")).when(tick(SOON))
    assert told.types() == ["hold.lifted", "follow_up.due"]


def test_hardship_rests_for_the_days_of_the_strategy_unless_a_date_is_given():
    for until_on, end in (
        ("", at("2026-03-10", "00:00")),
        ("2026-03-05", at("2026-03-06", "00:00")),
    ):
        told = story(*OPENED, in_hardship(SOON, until_on=until_on), tick(SOON), hardship_days=7)
        assert of_type(told.published, HoldApplied)[0].until_at == end


def test_who_says_that_they_paid_is_left_alone_for_72_hours():
    told = story(*OPENED, says_paid(SOON), tick(SOON))
    told.run_until(SOON + days(3) - days(0.001))
    assert told.state.holds == ("says_paid:H1",)
    told.run_until(SOON + days(3))
    assert told.types()[0] == "hold.lifted"
    assert told.now == SOON + days(3)


def test_the_payment_that_arrives_ends_says_paid_and_what_is_left_is_pursued():
    told = story(*OPENED, says_paid(SOON), tick(SOON), received(SOON + days(1), 400))
    told.when(tick(SOON + days(1)))
    assert told.types() == ["hold.lifted", "follow_up.due"]


def test_a_payment_valued_on_the_day_that_was_named_counts_though_it_was_told_before():
    paid = received(START - days(0.2), 400, value_on="2026-03-01")
    assert (
        story(*OPENED, paid, says_paid(SOON, paid_on="2026-03-01")).when(tick(SOON)).types() == []
    )
    assert story(*OPENED, paid, says_paid(SOON)).when(tick(SOON)).types()[-1] == "hold.applied"


def test_less_than_was_claimed_another_currency_another_account_or_a_payment_taken_back_do_not_end_it():
    claim = says_paid(SOON, amount_minor=500, currency="CNY", account_id="A")
    later = SOON + days(1)
    for others in (
        [received(later, 499)],
        [received(later, 900, currency="USD")],
        [received(later, 900, account_id="B")],
        [received(later, 900), taken_back(later)],
    ):
        told = story(*OPENED, claim, tick(SOON), *others).when(tick(later))
        assert told.state.holds == ("says_paid:H1",)
    told = story(
        *OPENED, claim, tick(SOON), received(later, 250), received(later, 250, payment_id="P2")
    )
    assert told.when(tick(later)).types()[0] == "hold.lifted"


def test_a_payment_told_after_the_claim_counts_whatever_its_value_date():
    late = received(SOON + days(1), 400, value_on="2026-02-20")
    told = story(*OPENED, says_paid(SOON), tick(SOON), late).when(tick(SOON + days(1)))
    assert told.types()[0] == "hold.lifted"


def test_says_paid_that_is_over_stays_over_when_the_payment_is_taken_back():
    told = story(*OPENED, says_paid(SOON), received(SOON + days(1), 400), tick(SOON + days(1)))
    told.given(taken_back(SOON + days(2))).when(tick(SOON + days(2)))
    assert told.state.holds == ()


def test_a_claim_told_again_after_its_time_does_not_begin_anew():
    claim = says_paid(SOON)
    told = story(*OPENED, claim).run_until(SOON + days(3))
    told.when(claim).then_nothing()
    assert told.state is told.before


def test_who_paid_a_part_before_the_case_was_closed_is_not_cured():
    told = story(*OPENED, received(SOON, 400), shut(SOON)).when(tick(SOON))
    assert told.state.cures == 0
    assert of_type(told.published, CaseClosed)[0].paid[0].amount_minor == 400


def test_a_note_changes_nothing():
    story(*OPENED).when(noted(SOON)).then_nothing()


def test_a_promise_taken_by_a_person_counts_like_one_on_the_phone():
    told = story(*OPENED, promise_taken(SOON, "2026-03-05"), tick(SOON))
    assert told.state.holds == ("promise:R1",)
    told.run_until(at("2026-03-08"))
    assert len(of_type(told.published, PromiseBroken)) == 1
    assert (
        case_of(promise_taken(SOON, "2026-03-05")).promises
        == case_of(promised(SOON, "2026-03-05")).promises
    )


def test_a_person_closes_the_case_and_what_is_under_way_is_cancelled():
    told = story(*OPENED, shut(SOON)).when(tick(SOON))
    assert told.types() == ["follow_up.cancelled", "bucket.changed", "case.closed"]
    assert told.published[-3].reason == "closed by a person"
    assert of_type(told.published, CaseClosed)[0].cause == "closed_by_person"
    assert (told.state.stage, told.state.cures) == ("idle", 0)
    told.run_until(START + days(100))
    assert len(follow_ups(told)) == 1


def test_a_closed_case_stays_closed_when_core_banking_repeats_what_is_owed():
    told = story(*OPENED, shut(SOON), tick(SOON))
    told.given(missed(START + days(3), amount_minor=900)).when(tick(START + days(3))).then()


def test_a_closed_case_reopens_with_all_that_is_late_once_something_newer_is():
    told = story(*OPENED, shut(SOON), tick(SOON))
    told.given(missed(START + days(9), instalment_id="I2", due_on="2026-03-10"))
    told.when(tick(START + days(9)))
    reopened = of_type(told.published, CaseOpened)[1]
    assert (reopened.episode, reopened.overdue[0].amount_minor) == (2, 2000)
    assert reopened.oldest_due_on.isoformat() == "2026-03-01"


def test_a_promise_of_a_closed_case_is_judged_by_the_money():
    told = story(*OPENED, promised(SOON, "2026-03-05"), shut(SOON), tick(SOON))
    assert told.state.promises
    told.run_until(at("2026-03-09"))
    assert len(of_type(told.published, PromiseBroken)) == 1


def test_of_two_closings_the_later_counts():
    first, second = shut(SOON), shut(SOON + days(10))
    for order in permutations((first, second)):
        assert case_of(*order).closure == SOON + days(10)


def test_who_pays_after_all_is_no_cure_of_a_closed_case():
    told = story(*OPENED, shut(SOON), tick(SOON), received(SOON + days(1))).when(
        tick(SOON + days(1))
    )
    told.then()
    assert told.state.cures == 0


@pytest.mark.parametrize(("account_ids", "left"), [((), set()), (("A",), {"H1"})])
def test_an_attorney_who_is_released_for_some_debts_still_stands_between(account_ids, left):
    released = declared(declarations.AttorneyReleased, SOON, account_ids=account_ids)
    told = story(*OPENED, represented(SOON), released)
    assert set(told.state.halts) == left
