"""No contact without leave, and none against what the notifier knows better: in sentences."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.notifier.service import NOTIFIER
from shared.events.notifier import ContactRefused
from shared.events.permits import PermitGranted
from shared.testing import START, fact, given, of_type, tick
from tests.domain.notifier.told import (
    CALL,
    CHOICES,
    LETTER,
    POLICY,
    SMS,
    WINDOW,
    answered,
    at,
    cancelled,
    contacting,
    due,
    effect,
    failed,
    granted,
    invalid,
    minutes,
    opted_out,
    permit,
    receipt,
    refused,
    sent,
    taken_back,
    why_expired,
)

FAILURE = receipt(SMS, "failed", reason="unreachable")
MOMENT = timedelta(microseconds=1)
SAME_POINT = (CHOICES[0],)


def waiting():
    """The SMS failed; the call has no leave yet."""
    return contacting().given(*at(1, FAILURE))


def test_the_effect_leaves_within_permit_and_follow_up():
    story = given(NOTIFIER, fact(due(not_after=START + WINDOW)))
    (leaving,) = story.when(tick()).effects
    assert (leaving.not_before, leaving.not_after) == (START, START + WINDOW)


def test_a_permit_that_begins_later_makes_the_effect_wait():
    later = permit(1, not_before=minutes(30), not_after=minutes(60))
    story = waiting().given(
        fact(PermitGranted(customer_id="C1", permit=later, follow_up_id="F-S1"), minutes(2))
    )
    leaving = story.when(tick(minutes(2))).effects[-1]
    assert (leaving.not_before, leaving.not_after) == (minutes(30), minutes(60))


def test_a_follow_up_without_a_permit_is_refused_and_not_tried_for_an_hour():
    story = given(NOTIFIER, fact(replace(due(), choices=CHOICES))).when(tick()).then_effects()
    (said,) = story.published
    assert (said.reason, said.rules, said.permit_id) == ("no_permit", ("permit.required",), "")
    assert said.earliest_next == START + POLICY.defect_pause
    story.given(fact(granted(1))).when(tick(minutes(1))).then().then_effects()


@pytest.mark.parametrize("field", [{"channel": "call"}, {"point_id": "P9"}])
def test_a_permit_for_another_channel_or_point_is_refused_and_not_tried_for_an_hour(field):
    choice = replace(CHOICES[0], permit=permit(0, **field))
    story = given(NOTIFIER, fact(replace(due(), choices=(choice,)))).when(tick()).then_effects()
    (said,) = story.published
    assert (said.reason, said.rules) == ("permit_mismatch", ("permit.scope",))
    assert said.inputs["permit_channel"] == choice.permit.channel
    assert said.earliest_next == START + POLICY.defect_pause


def test_a_fallback_without_leave_waits_as_long_as_it_takes():
    story = waiting()
    assert story.state.wake_at is None
    story.when(tick(minutes(300))).then().then_effects()


def test_leave_for_another_follow_up_starts_nothing():
    waiting().given(fact(granted(1, "S2"))).when(tick(minutes(2))).then().then_effects()


def test_leave_for_another_point_starts_nothing():
    waiting().given(fact(granted(1, point_id="P9"))).when(tick(minutes(2))).then_effects()


def test_leave_is_used_once_also_where_two_choices_are_alike():
    twice = (CHOICES[0], CHOICES[1], CHOICES[1])
    story = contacting(twice).given(*at(1, FAILURE, granted(1)))
    story.given(*at(2, receipt(CALL, "failed", reason="unreachable")))
    assert [e.effect_id for e in story.effects] == [SMS, CALL]


def test_leave_for_a_later_choice_skips_the_one_before():
    story = waiting().given(fact(granted(2))).when(tick(minutes(2)))
    story.then().then_effects("contact.letter")
    assert story.effects[-1].effect_id == LETTER
    story.given(*at(3, granted(1)))
    assert [e.effect_id for e in story.effects] == [SMS, LETTER]
    story.given(fact(receipt(LETTER, "failed", reason="provider"))).when(tick(minutes(4)))
    story.then(failed(2, "provider", final=True))


def test_leave_that_came_before_the_failure_is_used_after_it():
    contacting().given(*at(1, granted(1))).given(fact(FAILURE)).when(tick(minutes(2))).then(
        failed(0, "unreachable")
    ).then_effects("contact.call")


def test_a_cancelled_follow_up_does_not_start_its_fallback():
    story = waiting().given(*at(2, cancelled()))
    story.given(fact(granted(1))).when(tick(minutes(3))).then().then_effects()


def test_a_permit_taken_back_before_the_start_is_refused_with_the_gates_rules():
    story = given(NOTIFIER, fact(due()), fact(taken_back(0, inputs={"n": 1}), minutes(1)))
    rules = {"rules": ("CN.HOLD.DISPUTE",), "inputs": {"n": 1}}
    story.when(tick(minutes(1))).then(refused(0, "permit_refused", **rules)).then_effects()
    assert story.state.stage == "idle"


def test_a_permit_taken_back_withdraws_what_has_not_left():
    told = taken_back(0, earliest_next=minutes(600))
    story = contacting().when(fact(told, minutes(1)))
    assert story.decision.withdraw == (SMS,)
    story.when(tick(minutes(1)))
    why = {"rules": ("CN.HOLD.DISPUTE",), "earliest_next": minutes(600)}
    story.then(refused(0, "permit_refused", **why))


def test_what_has_left_is_not_taken_back_with_its_permit():
    story = contacting().given(*at(1, receipt(SMS, "sent"))).when(fact(taken_back(0), minutes(2)))
    assert story.decision.withdraw == ()
    story.when(tick(minutes(2))).then()


def test_an_older_refusal_does_not_take_a_newer_permit_back():
    early = START - timedelta(minutes=1)
    given(NOTIFIER, fact(taken_back(0), early), fact(due())).when(tick()).then_effects(
        "contact.sms"
    )


def test_leave_given_anew_under_the_same_id_counts():
    story = waiting().given(fact(granted(1), minutes(2)), fact(taken_back(1), minutes(3)))
    story.when(tick(minutes(3))).then().then_effects()
    story.given(fact(granted(1), minutes(4))).when(tick(minutes(4))).then_effects("contact.call")


def test_a_reply_that_says_stop_is_an_opt_out_of_that_point():
    told = receipt(SMS, "answered", result="opt_out")
    contacting().given(fact(told)).when(tick()).then(sent(0), answered(0, "opt_out"), opted_out(0))


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        (receipt(SMS, "answered", result="opt_out"), "opted_out"),
        (receipt(SMS, "failed", reason="invalid_point"), "invalid_point"),
    ],
)
def test_what_is_heard_of_a_point_takes_every_pending_contact_to_it_back(news, reason):
    """The second step has its permit, given before anybody could know."""
    story = contacting(SAME_POINT).given(*at(0, due("S2", SAME_POINT)))
    story.when(fact(news, minutes(1)))
    assert story.decision.withdraw == (effect(0, "S2"),)
    story.when(tick(minutes(1)))
    (said,) = of_type(story.published, ContactRefused)
    inputs = {"point_id": "P0", "known_at": minutes(1).isoformat()}
    rules = (f"notifier.{reason}",)
    assert said == refused(0, reason, step="S2", rules=rules, inputs=inputs)
    assert said.earliest_next is None, "only an event can help"


def test_a_permit_that_came_too_soon_to_know_of_the_opt_out_is_refused_and_a_later_one_counts():
    stop = receipt(SMS, "answered", result="opt_out")
    known = contacting(SAME_POINT).given(*at(0, stop))
    soon, late = POLICY.fresher - MOMENT, POLICY.fresher
    window = {"not_before": START, "not_after": START + WINDOW}
    for when, leaves in ((soon, 0), (late, 1)):
        story = given(NOTIFIER)
        story.state = known.state
        story.given(fact(due("S2", SAME_POINT, **window), START + when)).when(tick(START + when))
        assert len(story.effects) == leaves
        assert [f.reason for f in story.published] == ([] if leaves else ["opted_out"])


def test_an_invalid_number_is_told_and_its_second_channel_gets_no_leave_by_old_permits():
    alike = (CHOICES[0], type(CHOICES[0])(channel="call", point_id="P0", template="call.first"))
    story = contacting(alike).given(*at(1, receipt(SMS, "failed", reason="invalid_point")))
    assert story.published == [failed(0, "invalid_point"), invalid(0)]
    story.given(fact(granted(1, point_id="P0"), minutes(2))).when(tick(minutes(2)))
    assert [f.reason for f in story.published[2:]] == ["invalid_point"]
    story.then_effects()


@pytest.mark.parametrize(
    ("told", "reason", "pause"),
    [
        ("expired", "permit_expired", timedelta(0)),
        ("packs_changed", "packs_changed", POLICY.packs_pause),
        ("no_permit", "no_permit", POLICY.defect_pause),
        ("permit_mismatch", "permit_mismatch", POLICY.defect_pause),
    ],
)
def test_what_the_worker_refused_is_reported_with_its_rule_and_when_to_try_again(
    told, reason, pause
):
    story = contacting().given(fact(receipt(SMS, "refused", reason=told), minutes(1)))
    (said,) = story.when(tick(minutes(1))).published
    assert (said.reason, said.permit_id) == (reason, permit(0).permit_id)
    assert len(said.rules) == 1
    assert said.inputs["point_id"] == "P0"
    assert said.earliest_next == minutes(1) + pause


def test_a_next_choice_whose_window_is_over_is_refused():
    over = START + WINDOW
    failure = fact(receipt(SMS, "failed", reason="unreachable"), over)
    story = contacting().given(failure, fact(granted(1), over))
    judged = {k: v.isoformat() for k, v in (("not_before", START), ("not_after", over))}
    why = why_expired(1, over, permit_channel="call", permit_point_id="P1", **judged)
    story.when(tick(over)).then(failed(0, "unreachable"), refused(1, **why)).then_effects()
    assert story.state.stage == "idle"
    story.when(tick(over)).then_nothing()


def test_a_contact_that_we_hear_of_after_its_window_is_refused():
    over = START + WINDOW
    judged = {k: v.isoformat() for k, v in (("not_before", START), ("not_after", over))}
    judged |= {"permit_channel": "sms", "permit_point_id": "P0"}
    story = given(NOTIFIER, fact(due())).when(tick(over))
    story.then(refused(0, **why_expired(0, over, **judged))).then_effects()


def test_in_the_last_moment_of_the_window_the_next_choice_still_leaves():
    last = START + WINDOW - timedelta(microseconds=1)
    failure = fact(receipt(SMS, "failed", reason="unreachable"), last)
    story = contacting().given(failure, fact(granted(1), last))
    story.when(tick(last)).then(failed(0, "unreachable")).then_effects("contact.call")


def test_what_is_known_of_leave_is_forgotten_in_time():
    stop = receipt(SMS, "answered", result="opt_out")
    story = contacting().given(*at(1, stop, granted(1, "S9"), taken_back(1, "S9")))
    assert story.state.barred
    assert story.state.grants
    assert story.state.refusals
    story.given(tick(minutes(1) + POLICY.leave_kept))
    assert (story.state.barred, story.state.grants, story.state.refusals) == ({}, {}, {})


def test_leave_for_what_is_not_known_wakes_nobody():
    given(NOTIFIER).when(fact(granted(1)))
    story = given(NOTIFIER, fact(granted(1)), fact(taken_back(2)))
    assert story.state.wake_at is None


def test_visits_and_peoples_calls_are_not_ours():
    visit = PermitGranted(customer_id="C1", permit=permit(1, channel="visit"), follow_up_id="F-V")
    call = PermitGranted(customer_id="C1", permit=permit(1), by="u-7")
    for foreign in (visit, call):
        given(NOTIFIER).when(fact(foreign)).then_nothing()
