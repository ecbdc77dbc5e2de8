"""How long a case remembers, and how small it stays."""

from datetime import timedelta

import msgspec

from services.notifier.domain import Correspondence
from services.notifier.service import NOTIFIER
from shared.events.scheduler import Choice
from shared.testing import START, days, fact, given, tick
from tests.domain.notifier.told import (
    CALL,
    CHOICES,
    POLICY,
    SMS,
    WINDOW,
    at,
    cancelled,
    contacting,
    delivered,
    due,
    failed,
    granted,
    minutes,
    receipt,
    sent,
)

KEEP = POLICY.keep
MOMENT = timedelta(microseconds=1)


def test_a_late_receipt_is_reported_as_long_as_the_follow_up_is_remembered():
    story = contacting().given(*at(1, receipt(SMS, "sent")))
    story.given(tick(minutes(1) + KEEP - MOMENT), fact(receipt(SMS, "delivered"), minutes(2)))
    story.when(tick(START + KEEP + days(5))).then(delivered(0))


def test_a_follow_up_is_forgotten_some_time_after_its_last_news():
    story = contacting().given(*at(1, receipt(SMS, "sent")))
    story.given(tick(minutes(1) + KEEP - MOMENT))
    assert story.state.notices
    story.when(tick(minutes(1) + KEEP)).then()
    assert story.state == Correspondence(portfolio="BANK-1")


def test_an_old_receipt_is_no_newer_news():
    story = contacting().given(*at(30, receipt(SMS, "delivered")))
    story.given(fact(receipt(SMS, "sent"), minutes(1)), tick(minutes(40)))
    story.when(tick(minutes(30) + KEEP - MOMENT))
    assert story.state.notices


def test_a_follow_up_whose_window_is_open_is_not_forgotten():
    story = given(NOTIFIER, fact(due(not_after=START + 2 * KEEP)), tick())
    story.when(tick(START + 2 * KEEP - MOMENT))
    assert story.state.notices
    story.when(tick(START + 2 * KEEP))
    assert not story.state.notices


def test_a_receipt_for_what_is_forgotten_is_not_reported():
    story = contacting().given(*at(1, receipt(SMS, "sent")), tick(minutes(1) + KEEP))
    story.given(fact(receipt(SMS, "delivered"), minutes(1) + KEEP))
    story.when(tick(minutes(1) + KEEP)).then()


def test_forgetting_wants_no_tick_of_its_own():
    story = contacting().given(*at(1, receipt(SMS, "delivered")))
    assert story.state.wake_at is None


def test_a_cancellation_is_forgotten_too():
    story = given(NOTIFIER, *at(0, cancelled())).when(tick(START + KEEP - MOMENT))
    assert story.state.cancelled
    story.when(tick(START + KEEP))
    assert story.state == Correspondence()


def test_a_cancellation_is_kept_as_long_as_its_follow_up():
    story = given(NOTIFIER, fact(due(not_after=START + 4 * KEEP)), tick(), *at(1, cancelled()))
    story.given(fact(receipt(SMS, "sent"), START + days(30)), tick(START + days(30)))
    story.when(tick(START + 2 * KEEP))
    assert story.state.cancelled
    story.given(fact(receipt(SMS, "failed", reason="blocked"), START + 2 * KEEP))
    story.when(tick(START + 2 * KEEP)).then(failed(0, "blocked")).then_effects()


def test_the_later_of_two_cancellations_counts_in_whatever_order_they_come():
    first, second = fact(cancelled(), START), fact(cancelled(), START + days(1))
    for order in ([first, second], [second, first]):
        story = given(NOTIFIER, *order).when(tick(START + KEEP))
        assert story.state.cancelled == {"F-S1": START + days(1)}


def test_a_follow_up_that_was_cancelled_before_it_began_leaves_the_cancellation_only():
    story = given(NOTIFIER, fact(due()), fact(cancelled())).when(tick())
    assert story.state == Correspondence(cancelled={"F-S1": START}, portfolio="BANK-1")


def test_a_receipt_for_an_unknown_effect_is_forgotten_too():
    story = given(NOTIFIER, *at(0, receipt("nobody's", "sent"))).when(tick(START + KEEP - MOMENT))
    assert story.state.receipts
    story.when(tick(START + KEEP))
    assert story.state == Correspondence()


def test_of_many_receipts_for_unknown_effects_the_newest_are_held():
    flood = [fact(receipt(f"E{n}", "sent"), minutes(n)) for n in range(POLICY.receipts_kept + 10)]
    forwards, backwards = given(NOTIFIER, *flood).state, given(NOTIFIER, *flood[::-1]).state
    assert forwards == backwards
    assert len(forwards.receipts) == POLICY.receipts_kept
    assert forwards.receipts[0].effect_id == "E10"


def test_the_situation_is_kept_only_while_a_further_text_may_be_needed():
    def situation(story):
        return story.state.notices["F-S1"].situation

    assert situation(contacting()) is not None
    assert situation(contacting(CHOICES[:1])) is None
    assert situation(contacting().given(*at(1, cancelled()))) is None
    assert situation(contacting().given(*at(1, receipt(SMS, "unknown")))) is None
    too_old = START + WINDOW + POLICY.leave_kept
    assert situation(contacting().given(tick(too_old))) is None
    assert situation(contacting().given(tick(too_old - MOMENT))) is not None


def test_the_state_of_a_busy_case_is_small():
    two = (
        Choice(channel="sms", point_id="0123456789abcdef-mobile", template="sms.overdue"),
        Choice(channel="email", point_id="0123456789abcdef-email", template="email.overdue"),
    )
    story = given(NOTIFIER)
    for n in range(8):
        when = START + days(7 * n)
        story.given(
            fact(due(f"S{n}", two, not_before=when, not_after=when + WINDOW), when), tick(when)
        )
    sms = story.effects[0].effect_id
    story.given(fact(receipt(sms, "delivered"), START + days(56)), tick(START + days(56)))
    assert len(msgspec.json.encode(story.state)) < 4608, "an eighth of it are permits"
    assert story.state == msgspec.json.decode(msgspec.json.encode(story.state), type=Correspondence)


def test_the_stage_says_whether_something_is_under_way():
    story = contacting()
    assert story.state.stage == "contacting"
    story.given(*at(1, receipt(SMS, "sent")))
    assert story.state.stage == "contacting"
    failure = receipt(SMS, "failed", reason="blocked")
    story.given(*at(2, failure, granted(1), receipt(CALL, "delivered")))
    assert story.state.stage == "idle"
    assert sent(1) in story.published


def test_a_letter_gives_more_time_than_a_message():
    letter = Choice(channel="letter", point_id="P2", template="letter.first")
    assert contacting((letter,)).effects[0].request["pay_by_on"] == "2026-03-16"
