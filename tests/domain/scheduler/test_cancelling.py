"""Payment stops everything under way; what left all the same is regretted; a stale tick only cancels."""

import pytest

from shared.events.scheduler import FollowUpCancelled, StepRegretted
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    at,
    closed,
    customer,
    deceased,
    follow_ups,
    legal_withdrawn,
    missed,
    received,
    requested,
    sent,
    story,
    visit_failed,
    visited,
)

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), MISS, tick(START))
PAID = START + days(0.1)


def cancelled(told):
    return [(entry.kind, entry.reason) for entry in of_type(told.published, FollowUpCancelled)]


def test_a_payment_cancels_the_contact_under_way():
    told = story(*OPENED, received(PAID)).when(tick(PAID))
    assert told.types() == ["follow_up.cancelled", "bucket.changed", "case.closed"]
    assert cancelled(told) == [("contact", "nothing overdue")]
    assert told.published[-3].follow_up_id == follow_ups(told)[0].follow_up_id


def test_a_payment_cancels_everything_that_is_under_way():
    told = story(customer(), MISS).run_until(at("2026-06-05"))
    told.given(received(at("2026-06-05"))).when(tick(at("2026-06-05")))
    assert {kind for kind, _ in cancelled(told)} == {"contact", "visit", "legal"}
    assert told.state.open == {}


def test_a_paid_up_customer_gets_nothing_more():
    told = story(*OPENED, received(PAID)).run_until(START + days(300))
    assert len(follow_ups(told)) == 1
    assert told.state.wake_at is None


def test_a_sale_of_the_account_cancels_everything_too():
    told = story(*OPENED, closed(PAID, "sold")).when(tick(PAID))
    assert cancelled(told) == [("contact", "nothing overdue")]


def test_a_part_payment_cancels_nothing():
    story(*OPENED, received(PAID, 999)).when(tick(PAID)).then()


def test_a_contact_that_left_after_its_cancellation_is_regretted_once():
    told = story(*OPENED, received(PAID), tick(PAID))
    late = sent(follow_ups(told)[0], PAID)
    told.given(late).when(tick(PAID))
    follow_up_id = follow_ups(told)[0].follow_up_id
    told.then(StepRegretted(customer_id="C1", follow_up_id=follow_up_id, effect_id="E1"))
    told.when(late).then_nothing()
    told.when(tick(PAID)).then()


def test_a_contact_that_had_left_before_its_cancellation_is_not_regretted():
    told = story(*OPENED)
    left = sent(follow_ups(told)[0], PAID)
    told.given(left, received(PAID), tick(PAID))
    told.when(left).then_nothing()


def test_a_contact_told_twice_is_remembered_once():
    told = story(*OPENED)
    left = sent(follow_ups(told)[0], PAID)
    told.given(left).when(left).then_nothing()
    assert told.state is told.before


def test_a_second_contact_of_a_step_that_left_after_the_cancellation_is_regretted():
    told = story(*OPENED)
    step = follow_ups(told)[0]
    told.given(sent(step, PAID, "E1"), received(PAID), tick(PAID), sent(step, PAID, "E2"))
    told.when(tick(PAID))
    assert [entry.effect_id for entry in of_type(told.published, StepRegretted)] == ["E2"]


def test_a_step_that_was_never_cancelled_is_not_regretted():
    told = story(*OPENED)
    told.given(sent(follow_ups(told)[0], PAID)).when(tick(PAID)).then()


def test_what_was_cancelled_is_remembered_for_ninety_days():
    told = story(*OPENED, received(PAID), tick(PAID), tick(PAID + days(90)))
    assert told.state.cancelled
    assert told.given(tick(PAID + days(91))).state.cancelled == {}


@pytest.mark.parametrize(
    "outcome", [visited, visit_failed, legal_withdrawn], ids=lambda f: f.__name__
)
def test_a_visit_or_a_filing_that_is_over_is_not_cancelled_any_more(outcome):
    told = story(customer(), MISS).run_until(at("2026-06-05"))
    ends = [entry.follow_up_id for entry in follow_ups(told) if entry.kind != "contact"]
    told.given(*(outcome(follow_up_id, at("2026-06-05")) for follow_up_id in ends))
    assert {step.kind for step in told.state.open.values()} == {"contact"}


def test_a_visit_at_which_nobody_was_at_home_may_be_made_again_and_stays_stoppable():
    told = story(customer(), MISS).run_until(at("2026-05-05"))
    visit = follow_ups(told)[-1].follow_up_id
    told.when(visited(visit, at("2026-05-05"), "absent")).then()
    told.given(received(at("2026-05-06"))).when(tick(at("2026-05-06")))
    assert "visit" in {kind for kind, _ in cancelled(told)}


def test_a_visit_in_vain_that_is_tried_again_stays_open():
    told = story(customer(), MISS).run_until(at("2026-05-05"))
    visit = follow_ups(told)[-1].follow_up_id
    told.when(visit_failed(visit, at("2026-05-05"), final=False)).then_nothing()


def test_a_stale_tick_opens_nothing_and_keeps_the_wake():
    told = story(customer(), MISS)
    wake = told.state.wake_at
    told.when(tick(START, fresh=False)).then_nothing()
    assert told.state.wake_at == wake


def test_a_stale_tick_cancels_what_a_payment_ended_and_no_more():
    told = story(*OPENED, received(PAID)).when(tick(PAID, fresh=False))
    assert told.types() == ["follow_up.cancelled"]
    assert (told.state.stage, told.state.wake_at) == ("reminder", told.before.wake_at)
    told.when(tick(PAID))
    assert told.types() == ["bucket.changed", "case.closed"]


def test_a_stale_tick_cancels_contacts_under_a_hold():
    told = story(*OPENED, deceased(PAID)).when(tick(PAID, fresh=False))
    assert told.types() == ["follow_up.cancelled"]


def test_a_stale_tick_fires_no_request():
    told = story(requested(START, START)).when(tick(START, fresh=False)).then_nothing()
    assert told.state.wake_at is not None


def test_a_tick_when_nothing_is_due_changes_nothing():
    told = story(*OPENED).when(tick(START)).then_nothing()
    assert told.state == told.before
    told.when(tick(START + days(0.2))).then_nothing()
    assert told.state == told.before
