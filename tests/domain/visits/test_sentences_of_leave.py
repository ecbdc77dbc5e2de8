"""The rules of field visits, one sentence each: what needs leave, and what becomes of a visit without."""

from datetime import timedelta

from services.visits.domain.state import order_id
from shared.events.common import FollowUpRequested
from shared.events.visits import VisitCancelled
from shared.testing import START, days, of_type, tick
from tests.domain.visits.stories import (
    C1,
    EVENING,
    NOON,
    POLICY,
    ask,
    asked,
    asking,
    failed,
    granted,
    held,
    leave,
    ordered,
    reasons,
    refused,
    report,
    scheduled,
    visit,
    withdrawn,
)

HOUR = timedelta(hours=1)
TOMORROW = START + days(1)


def wanted(number, due_at):
    return FollowUpRequested(
        customer_id=C1, follow_up_id=ask(number), due_at=due_at, purpose="visit.permit"
    )


def test_without_an_answer_no_order_is_made():
    story = asking().when(tick(START + days(2)))
    story.then_nothing()
    assert story.effects == []


def test_the_order_leaves_within_the_permit_and_the_hours_of_the_day():
    narrow = {"not_before": NOON + HOUR, "not_after": EVENING - HOUR}
    for fields, begin, end in (
        ({}, NOON, EVENING),
        (narrow, NOON + HOUR, EVENING - HOUR),
        ({"not_before": NOON - HOUR, "not_after": NOON + HOUR}, NOON, NOON + HOUR),
    ):
        (order,) = asking().given(granted(**fields)).when(tick()).effects
        assert (order.not_before, order.not_after) == (begin, end)


def test_refused_until_tomorrow_leave_is_asked_again_tomorrow_for_another_plan():
    story = asking().given(refused(earliest_next=TOMORROW)).when(tick()).then(wanted(1, TOMORROW))
    story.given(asked(1, at=TOMORROW)).when(tick(TOMORROW))
    assert story.types() == ["visit.proposed", "permit.requested"]
    assert story.decision.publish[1].data.permit_id == leave(2).permit_id


def test_leave_is_asked_so_often_and_then_the_visit_fails():
    story = asking()
    for number in range(1, POLICY.max_requests):
        story.given(refused(number, earliest_next=START), tick(), asked(number), tick())
    story.given(refused(POLICY.max_requests, earliest_next=START)).when(tick())
    story.then(failed("no_permit", final=True, attempt=POLICY.max_requests))
    assert story.state.visits["F1"].stage == "ended"


def test_refused_for_good_the_visit_fails():
    asking().given(refused()).when(tick()).then(failed("no_permit", final=True))


def test_a_permit_that_is_taken_back_withdraws_the_order_at_once():
    story = scheduled().when(refused(earliest_next=TOMORROW))
    assert story.withdrawn == [order_id(C1, "F1", 1)]
    story.when(tick()).then(
        VisitCancelled(
            customer_id=C1,
            visit_id=visit(),
            follow_up_id="F1",
            reason="no_permit",
            permit_id=leave().permit_id,
        ),
        withdrawn(1),
        wanted(2, TOMORROW),
    )


def test_an_order_that_the_staff_have_is_not_taken_back_with_its_permit():
    ordered().when(refused()).then_nothing()
    story = scheduled().given(refused(), report("sent")).when(tick())
    assert story.state.visits["F1"].stage == "ordered"
    assert reasons(story) == []


def test_an_older_refusal_does_not_take_a_newer_permit_back():
    story = asking().given(granted(at=TOMORROW), refused(at=START)).when(tick())
    story.then_effects("visit.order")
    asking().given(granted(), refused()).when(tick()).then(failed("no_permit", final=True))


def test_leave_that_comes_after_a_hold_called_the_plan_back_orders_nothing():
    story = asking().given(held(), granted()).when(tick()).then_effects()
    assert of_type(story.published, VisitCancelled)[0].permit_id == leave().permit_id
    story.given(granted()).when(tick()).then_nothing()


def test_leave_for_an_older_plan_orders_nothing():
    story = asking().given(refused(earliest_next=TOMORROW), tick(), asked(1), tick())
    story.when(granted(1)).then_nothing()


def test_what_the_worker_refused_uses_the_attempt_up_and_a_new_one_asks_anew():
    story = scheduled().given(report("refused", reason="packs_changed")).when(tick())
    assert reasons(story) == [("packs_changed", False)]
    story.given(asked(2)).when(tick())
    assert story.types() == ["visit.proposed", "permit.requested"]
