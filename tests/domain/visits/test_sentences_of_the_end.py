"""The rules of field visits, one sentence each: what ends, what waits, what is remembered."""

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from services.visits.domain.state import order_id
from services.visits.service import VISITS
from shared.clock import AT_ONCE
from shared.events.common import FollowUpRequested
from shared.events.visits import (
    VisitCancelled,
    VisitPromiseMade,
    VisitScheduled,
)
from shared.testing import START, Story, days, given, of_type, tick
from tests.domain.visits.stories import (
    C1,
    SITUATION,
    ask,
    asked,
    cancelled,
    closed,
    completed,
    due,
    ended,
    failed,
    granted,
    held,
    leave,
    lifted,
    ordered,
    reasons,
    report,
    scheduled,
    situation,
    visit,
    withdrawn,
)


def test_a_cancelled_visit_is_withdrawn_at_once_and_called_off_on_the_tick():
    story = scheduled().when(cancelled())

    assert story.withdrawn == [order_id(C1, "F1", 1)]
    story.when(tick()).then(
        VisitCancelled(
            customer_id=C1,
            visit_id=visit(),
            follow_up_id="F1",
            reason="paid up",
            permit_id=leave().permit_id,
        ),
        withdrawn(1),
    )


def test_a_closed_case_calls_its_visit_off():
    story = scheduled().when(closed())

    assert story.withdrawn == [order_id(C1, "F1", 1)]
    assert [f.reason for f in of_type(story.given(tick()).published, VisitCancelled)] == [
        "case_closed"
    ]


def test_cancelled_and_closed_end_the_same_in_either_order():
    one = scheduled().given(cancelled(), closed(), tick())
    other = scheduled().given(closed(), cancelled(), tick())

    assert (one.state, one.published) == (other.state, other.published)
    assert of_type(one.published, VisitCancelled)[0].reason == "paid up"
    assert scheduled().given(cancelled(), tick(), closed(), tick()).state == one.state


def test_a_visit_that_had_left_is_not_called_off():
    for story in (scheduled().given(report("sent"), cancelled()), ordered().given(cancelled())):
        assert of_type(story.given(tick()).published, VisitCancelled) == []


def test_nobody_at_home_after_the_cancellation_means_no_further_attempt():
    story = ordered().given(report("absent"), cancelled()).when(tick())

    story.then(completed("absent"), failed("absent", final=True), withdrawn(1))


def test_a_closed_case_does_not_end_visits_of_a_later_episode():
    story = given(VISITS, due(episode=2), closed(1), tick(), granted())
    story.when(tick()).then_effects("visit.order")


def test_nothing_starts_under_a_hold_and_a_fresh_look_is_taken_after_it():
    story = given(VISITS, held(), due()).when(tick()).then()
    story.given(lifted()).when(tick()).then(
        FollowUpRequested(customer_id=C1, follow_up_id=ask(1), due_at=START, purpose="visit.again")
    )
    story.given(asked(1), tick(), granted()).when(tick()).then_effects("visit.order")


def test_every_hold_must_be_lifted():
    story = given(VISITS, held("H1"), held("H2"), due(), tick(), lifted("H1")).when(tick())

    story.then()
    assert story.state.visits["F1"].stage == "due"


def test_a_hold_calls_back_an_order_that_has_not_left():
    story = scheduled().when(held(reason="promise"))

    assert story.withdrawn == [order_id(C1, "F1", 1)]
    story.when(tick()).then(
        VisitCancelled(
            customer_id=C1,
            visit_id=visit(),
            follow_up_id="F1",
            reason="hold: promise",
            permit_id=leave().permit_id,
        ),
        withdrawn(1),
    )


def test_a_hold_that_is_lifted_before_the_tick_still_called_the_order_back():
    story = scheduled().given(held(), lifted()).when(tick())

    assert [f.purpose for f in of_type(story.published, FollowUpRequested)][-1] == "visit.again"


def test_a_visit_that_was_called_back_is_made_by_a_new_order():
    story = scheduled().given(held(), tick(), lifted(), tick(), asked(2), tick())
    story.given(granted(2), tick())

    assert [e.effect_id for e in story.effects] == [order_id(C1, "F1", n) for n in (1, 2)]


def test_an_attempt_that_a_hold_called_back_does_not_count():
    story = scheduled().given(held(), tick(), lifted(), tick(), asked(2), tick())
    story.given(granted(2), tick(), report("absent", attempt=2)).when(tick())

    assert reasons(story) == [("absent", False)]


def test_the_hand_over_and_a_hold_at_the_same_time_leave_the_order_with_the_staff():
    for pair in ((report("sent"), held()), (held(), report("sent"))):
        story = scheduled().given(*pair, tick())
        assert story.state.visits["F1"].stage == "ordered"
        assert story.state.visits["F1"].recalled == ""


def test_a_visit_after_the_holidays_waits_for_the_first_working_day():
    at = datetime(2026, 2, 13, 1, 30, tzinfo=UTC)
    story = given(VISITS, due(at=at), tick(at), granted(at=at)).when(tick(at))

    assert of_type(story.published, VisitScheduled)[0].visit_on == date(2026, 2, 24)


def test_an_ended_visit_is_forgotten_after_a_while_without_a_wake_up_of_its_own():
    story = ended()
    assert story.state.wake_at is None
    later = START + timedelta(days=61)
    story.given(due("F2", later), tick(later))

    assert set(story.state.visits) == {"F2"}


def test_an_ended_visit_is_remembered_for_a_while():
    later = START + timedelta(days=59)
    story = ended().given(due("F2", later), tick(later))

    assert set(story.state.visits) == {"F1", "F2"}


def test_an_ended_visit_keeps_no_picture_of_the_case():
    done = ended().state.visits["F1"]

    assert (done.situation, done.staff, done.wanted) == (None, (), "")


def test_a_tick_before_the_case_wants_one_changes_nothing():
    waiting_case = given(VISITS, due()).state
    assert waiting_case.wake_at == AT_ONCE
    early = Story(VISITS, state=replace(waiting_case, wake_at=START + days(1)))

    early.when(tick()).then_nothing()
    early.when(tick(START + days(1)))
    assert early.types() == ["visit.proposed", "permit.requested"]


def test_the_visit_is_at_noon_where_the_debtor_lives():
    abroad = situation(time_zones=("Nowhere/Land", "America/New_York"), country="US")
    story = given(VISITS, due(situation=abroad), tick(), granted()).when(tick())

    assert story.effects[0].not_before == datetime(2026, 3, 3, 17, tzinfo=UTC)
    assert SITUATION.country == "CN"


def test_what_has_left_is_not_named_as_withdrawn():
    assert ordered().when(cancelled()).withdrawn == []


def test_a_hold_with_nothing_to_call_back_needs_no_look():
    assert ordered().when(held()).state.wake_at is None
    assert given(VISITS, held(), lifted()).state.wake_at is None


def test_of_two_holds_the_first_is_why_the_order_was_called_back():
    story = scheduled().given(held("H1", reason="promise"), held("H2", reason="dispute"), tick())

    assert of_type(story.published, VisitCancelled)[0].reason == "hold: promise"


def test_of_two_promises_in_one_report_the_later_date_counts_and_any_date_more_than_none():
    dates = (None, date(2026, 3, 20), date(2026, 3, 10))
    for order in (dates, dates[::-1]):
        told = (report("promised", promised_on=promised_on) for promised_on in order)
        story = ordered().given(*told, tick())
        promises = of_type(story.published, VisitPromiseMade)
        assert [promise.promised_on for promise in promises] == [date(2026, 3, 20)]


def test_a_hand_over_or_failure_after_the_end_begins_nothing():
    for outcome in ("sent", "failed"):
        story = scheduled().given(cancelled(), tick(), report(outcome)).when(tick()).then()
        assert story.state.visits["F1"].stage == "ended"
