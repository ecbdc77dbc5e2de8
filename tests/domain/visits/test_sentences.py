"""The rules of field visits, one sentence each."""

from datetime import UTC, date, datetime

import msgspec

from services.visits.domain.state import order_id
from services.visits.service import VISITS
from shared.decision import Effect
from shared.events.common import FollowUpRequested
from shared.events.permits import PermitRequested
from shared.events.scheduler import Amount
from shared.events.visits import (
    VisitPromiseMade,
    VisitProposed,
    VisitScheduled,
)
from shared.ids import derive
from shared.testing import START, days, given, of_type, tick
from tests.domain.visits.stories import (
    C1,
    ask,
    asked,
    cancelled,
    completed,
    due,
    due_under_hold,
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
    waiting,
    withdrawn,
)


def test_a_case_that_passes_the_screening_is_proposed_and_scheduled_when_there_is_leave():
    story = given(VISITS, due()).when(tick())

    noon, evening = datetime(2026, 3, 4, 4, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)
    story.then_effects().then(
        VisitProposed(
            customer_id=C1,
            visit_id=visit(),
            follow_up_id="F1",
            episode=1,
            attempt=1,
            region="Beijing",
            point_id="P1",
            score=65,
        ),
        PermitRequested(
            customer_id=C1,
            permit_id=leave().permit_id,
            follow_up_id="F1",
            channel="visit",
            point_id="P1",
            not_before=noon,
            not_after=evening,
            tags=("institution_identity", "debt_existence", "debt_amount", "overdue_status"),
            conduct={
                "staff": 2,
                "id_shown": True,
                "recording": True,
                "entry_consent_or_outside": True,
            },
        ),
    )
    story.given(granted()).when(tick())
    scheduled_visit = of_type(story.published, VisitScheduled)[0]
    story.then(
        VisitScheduled(
            customer_id=C1,
            visit_id=visit(),
            follow_up_id="F1",
            visit_on=date(2026, 3, 4),
            staff=scheduled_visit.staff,
            identity_card=f"CARD-{scheduled_visit.staff[0]}",
            permit_id=leave().permit_id,
        ),
        FollowUpRequested(
            customer_id=C1,
            follow_up_id=ask(1),
            due_at=datetime(2026, 3, 11, 4, tzinfo=UTC),
            purpose="visit.report",
        ),
    )


def test_the_order_leaves_on_the_day_of_the_visit_between_noon_and_eight_in_the_evening():
    story = given(VISITS, due(), tick(), granted()).when(tick())

    staff = list(of_type(story.published, VisitScheduled)[0].staff)
    request = {
        "visit_id": visit(),
        "follow_up_id": "F1",
        "attempt": 1,
        "point_id": "P1",
        "region": "Beijing",
        "language": "zh-CN",
        "visit_on": "2026-03-04",
        "time_zone": "Asia/Shanghai",
        "staff": staff,
        "identity_card": f"CARD-{staff[0]}",
        "dpd": 45,
        "overdue": [{"currency": "CNY", "amount_minor": 500_000}],
        "permit": msgspec.to_builtins(leave()),
    }
    noon, evening = datetime(2026, 3, 4, 4, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)

    assert story.effects == [Effect(order_id(C1, "F1", 1), "visit.order", request, noon, evening)]


def test_a_follow_up_without_a_picture_of_the_case_leads_to_no_visit():
    given(VISITS, due(situation=None)).when(tick()).then(
        failed("screened_out:no_situation", final=True)
    )


def test_one_visit_at_a_time_a_second_follow_up_is_screened_out():
    scheduled().given(due("F2")).when(tick()).then(
        failed("screened_out:under_way", final=True, follow_up_id="F2")
    )


def test_of_two_visits_due_at_once_one_is_made():
    story = given(VISITS, due("F2"), due("F1"), tick(), granted()).when(tick())

    assert [effect.effect_id for effect in story.effects] == [order_id(C1, "F1", 1)]
    assert reasons(story) == [("screened_out:under_way", True)]


def test_a_second_attempt_is_not_screened_out_by_itself_nor_by_what_waits():
    waiting().given(asked(2), tick(), granted(2)).when(tick()).then_effects("visit.order")


def test_a_follow_up_whose_window_is_over_is_not_taken():
    given(VISITS, due(not_after=START)).when(tick()).then(
        failed("expired", final=True, planned=False)
    )
    story = given(VISITS, due(not_after=START + days(1)), tick(), granted())
    story.when(tick()).then_effects("visit.order")


def test_the_window_of_the_first_follow_up_does_not_bind_the_second_attempt():
    story = given(VISITS, due(not_after=START + days(1)), tick(), granted(), tick())
    story.given(report("absent"), tick())
    at = START + days(3)
    story.given(asked(2, at=at), tick(at), granted(2, at=at)).when(tick(at))

    story.then_effects("visit.order")


def test_a_fresh_look_after_a_hold_has_its_own_window():
    story = due_under_hold().given(lifted("H0"), tick(), asked(1, not_after=START))

    story.when(tick()).then(failed("expired", final=True, planned=False))


def test_a_promise_at_the_door_is_passed_on():
    promised_on = date(2026, 3, 20)
    ordered().given(report("promised", promised_on=promised_on)).when(tick()).then(
        completed("promised"),
        VisitPromiseMade(
            customer_id=C1,
            promise_id=derive("visits", C1, visit(), "promise"),
            follow_up_id="F1",
            promised_on=promised_on,
        ),
        withdrawn(1),
    )


def test_a_promise_without_a_date_is_an_outcome_but_no_promise():
    ordered().given(report("promised")).when(tick()).then(completed("promised"), withdrawn(1))


def test_somebody_who_refuses_to_talk_ends_the_visit_as_refused():
    ordered().given(report("refused_to_talk")).when(tick()).then(completed("refused"), withdrawn(1))


def test_nobody_at_home_means_another_attempt_three_days_later():
    ordered().given(report("absent")).when(tick()).then(
        completed("absent"),
        failed("absent", final=False),
        withdrawn(1),
        FollowUpRequested(
            customer_id=C1,
            follow_up_id=ask(2),
            due_at=datetime(2026, 3, 5, 4, tzinfo=UTC),
            purpose="visit.attempt",
        ),
    )


def test_nobody_at_home_twice_ends_the_visit():
    story = waiting().given(asked(2), tick(), granted(2), tick())
    story.given(report("absent", attempt=2)).when(tick())

    assert reasons(story) == [("absent", False), ("absent", True)]
    assert story.state.visits["F1"].stage == "ended"


def test_the_second_attempt_goes_by_the_fresher_picture():
    cheaper = situation(overdue=(Amount(currency="CNY", amount_minor=1),))
    waiting().given(asked(2, situation=cheaper)).when(tick()).then(
        failed("screened_out:amount", final=True, attempt=2)
    )


def test_somebody_who_moved_is_not_looked_for_again():
    story = ordered().given(report("moved")).when(tick())

    story.then(completed("moved"), failed("moved", final=True), withdrawn(1))


def test_an_order_that_could_not_leave_is_tried_again_once():
    story = scheduled().given(report("refused", reason="expired"), tick(), asked(2), tick())
    story.given(granted(2), tick(), report("failed", attempt=2, reason="no such region")).when(
        tick()
    )

    assert reasons(story) == [("expired", False), ("no such region", True)]


def test_an_outcome_without_a_reason_is_named_by_itself():
    assert reasons(scheduled().given(report("refused"), tick())) == [("expired", False)]
    assert reasons(scheduled().given(report("failed"), tick())) == [("failed", False)]


def test_an_order_of_which_nobody_knows_whether_it_left_is_never_sent_again():
    scheduled().given(report("unknown")).when(tick()).then(
        failed("unknown", final=True), withdrawn(1)
    )


def test_an_order_without_a_report_is_given_up_and_must_not_leave_any_more():
    story = scheduled().given(asked(1)).when(tick()).then(failed("unreported", final=True))

    assert story.withdrawn == [order_id(C1, "F1", 1)]


def test_a_report_that_comes_with_its_deadline_counts():
    story = ordered().given(asked(1), report("met")).when(tick())

    story.then(completed("met"))


def test_the_weightiest_of_several_reports_counts_in_any_order():
    outcomes = ("sent", "failed", "absent", "met")
    for order in (outcomes, outcomes[::-1]):
        story = scheduled().given(*(report(name) for name in order)).when(tick())
        story.then(completed("met"), withdrawn(1))


def test_a_late_report_of_a_visit_that_was_given_up_is_passed_on_and_nothing_more():
    for outcome in ("absent", "moved", "met"):
        story = ordered().given(asked(1), tick(), report(outcome)).when(tick())
        story.then(completed(outcome))


def test_a_report_after_the_cancellation_is_passed_on_because_it_happened():
    ordered().given(cancelled(), tick(), report("met")).when(tick()).then(completed("met"))


def test_an_order_that_was_called_back_too_late_is_heard_of_and_not_repeated():
    story = scheduled().given(held(), tick(), report("sent"), tick(), report("met")).when(tick())
    story.then(completed("met"))
    story.given(lifted()).when(tick()).then()

    assert story.state.visits["F1"].stage == "ended"


def test_nobody_at_home_on_a_visit_that_was_called_back_leaves_the_fresh_look_to_come():
    story = scheduled().given(held(), tick(), report("absent")).when(tick())
    story.then(completed("absent"))

    assert story.state.visits["F1"].stage == "due"


def test_a_failure_that_is_reported_twice_in_different_words_counts_once():
    story = scheduled().given(report("failed"), tick(), report("unknown")).when(tick())

    story.then_nothing()


def test_a_date_without_a_promise_is_no_promise():
    ordered().given(report("met", promised_on=date(2026, 3, 20))).when(tick()).then(
        completed("met"), withdrawn(1)
    )
