"""A follow-up that is cancelled: nothing leaves any more, what had left is still reported."""

from services.notifier.service import NOTIFIER
from shared.clock import AT_ONCE
from shared.testing import fact, given, tick
from tests.domain.notifier.told import (
    CALL,
    SMS,
    answered,
    at,
    cancelled,
    contacting,
    due,
    effect,
    failed,
    granted,
    minutes,
    receipt,
    sent,
)


def test_a_cancellation_takes_the_pending_contact_back_at_once():
    story = contacting().when(fact(cancelled()))
    assert story.decision.withdraw == (SMS,)
    assert story.state.wake_at == AT_ONCE
    story.when(tick(minutes(1))).then().then_effects()
    assert story.state.stage == "idle"


def test_what_had_left_is_not_taken_back():
    story = contacting().given(*at(1, receipt(SMS, "sent"))).when(fact(cancelled()))
    assert story.decision.withdraw == ()


def test_what_is_over_is_not_taken_back():
    story = contacting().given(
        *at(1, receipt(SMS, "answered", result="hardship")),
        *at(2, receipt(SMS, "failed", reason="unreachable")),
    )
    story.when(fact(cancelled(), minutes(3)))
    assert story.decision.withdraw == ()


def test_only_the_choice_under_way_is_taken_back():
    story = contacting().given(*at(1, receipt(SMS, "failed", reason="blocked"), granted(1)))
    assert story.when(fact(cancelled())).decision.withdraw == (CALL,)


def test_no_other_choice_follows_a_cancellation():
    story = contacting().given(*at(1, cancelled()))
    story.given(fact(receipt(SMS, "failed", reason="unreachable"))).when(tick(minutes(2)))
    story.then(failed(0, "unreachable")).then_effects()


def test_what_had_left_before_the_cancellation_is_still_reported():
    story = contacting().given(fact(cancelled()), fact(receipt(SMS, "sent"))).when(tick())
    story.then(sent(0))
    story.given(fact(receipt(SMS, "answered", result="refused"))).when(tick(minutes(1)))
    story.then(answered(0, "refused"))


def test_a_cancellation_before_the_tick_stops_the_contact():
    given(NOTIFIER, fact(due()), fact(cancelled())).when(tick()).then().then_effects()


def test_a_cancellation_before_its_follow_up_wins_for_ever():
    story = given(NOTIFIER, *at(0, cancelled())).when(fact(due(), minutes(1)))
    story.when(tick(minutes(1))).then().then_effects()
    story.given(fact(due(), minutes(2))).when(tick(minutes(2))).then().then_effects()


def test_a_cancellation_stops_its_own_follow_up_only():
    story = given(NOTIFIER, fact(due("S1")), fact(due("S2")), fact(cancelled("S1"))).when(tick())
    assert [leaving.effect_id for leaving in story.effects] == [effect(0, "S2")]
    assert story.state.stage == "contacting"


def test_a_cancelled_contact_is_waited_for_no_longer():
    story = contacting().given(*at(1, receipt(SMS, "sent"))).given(*at(2, cancelled()))
    assert story.state.stage == "idle"


def test_a_second_cancellation_changes_nothing_more():
    story = contacting().given(*at(1, cancelled())).when(fact(cancelled(), minutes(1)))
    story.when(tick(minutes(1))).then_nothing()
