"""Follow-ups that other services ask for: only the scheduler has a calendar."""

from itertools import permutations

from shared.events.scheduler import FollowUpDue
from shared.testing import START, days, given, of_type, tick
from tests.domain.scheduler.cases import at, missed, requested, scheduler, story, withdrawn

DUE_AT = START + days(3)
FIRED = FollowUpDue(customer_id="C1", follow_up_id="F1", kind="requested", purpose="visits.plan")


def test_a_request_fires_when_it_is_due_and_not_before():
    told = given(scheduler(), requested(START, DUE_AT)).when(tick(START)).then()
    assert told.state.wake_at == DUE_AT
    told.when(tick(DUE_AT)).then(FIRED)
    assert told.state.wake_at is None


def test_a_request_fires_once_whoever_asks_again():
    told = story(requested(START, DUE_AT), tick(DUE_AT))
    told.given(requested(DUE_AT, DUE_AT)).when(tick(DUE_AT + days(1))).then()


def test_a_request_asked_again_keeps_its_first_time():
    told = story(requested(START, DUE_AT)).when(requested(START, DUE_AT + days(1))).then_nothing()
    assert told.state is told.before


def test_a_request_for_the_past_fires_at_once():
    story(requested(START, START - days(1))).when(tick(START)).then(FIRED)


def test_a_request_needs_no_open_case():
    told = story(requested(START, START)).when(tick(START))
    assert (told.state.stage, len(told.published)) == ("idle", 1)


def test_what_a_service_asked_for_says_how_the_case_stands_by_then():
    told = story(missed(at("2026-03-01", "06:00")), requested(START, DUE_AT)).run_until(DUE_AT)
    (fired,) = of_type(told.published, FollowUpDue)
    assert (fired.follow_up_id, fired.episode, fired.situation.dpd) == ("F1", 1, 4)


def test_requests_that_are_due_together_fire_in_the_order_of_their_times():
    told = story(
        requested(START, START + days(2), "F1"), requested(START, START + days(1), "F2"),
        requested(START, START + days(1), "F0"),
    ).when(tick(START + days(5)))  # fmt: skip
    assert [entry.follow_up_id for entry in of_type(told.published, FollowUpDue)] == [
        "F0",
        "F2",
        "F1",
    ]


def test_a_withdrawal_wins_before_and_after_the_request():
    for order in permutations((requested(START, DUE_AT), withdrawn(START + days(1)))):
        told = story(*order).when(tick(DUE_AT)).then()
        assert told.state.requests == {}


def test_a_withdrawal_concerns_its_follow_up_alone():
    told = story(requested(START, DUE_AT), requested(START, DUE_AT, "F2"), withdrawn(START, "F2"))
    told.when(tick(DUE_AT)).then(FIRED)


def test_a_withdrawal_after_the_firing_changes_nothing():
    story(requested(START, START), tick(START)).when(withdrawn(START)).then_nothing()


def test_what_was_spent_is_remembered_for_ninety_days():
    told = story(requested(START, START), tick(START))
    told.given(tick(START + days(90)))
    assert told.state.spent
    told.given(tick(START + days(91)))
    assert told.state.spent == {}
