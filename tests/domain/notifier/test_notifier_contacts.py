"""What becomes of one contact, in sentences."""

import msgspec
import pytest

from services.notifier.service import NOTIFIER
from shared.clock import AT_ONCE
from shared.testing import START, fact, given, tick
from tests.domain.notifier.told import (
    CALL,
    CHOICES,
    LETTER,
    PROMISED_ON,
    SMS,
    WINDOW,
    answered,
    at,
    cancelled,
    contacting,
    delivered,
    due,
    effect,
    failed,
    granted,
    invalid,
    minutes,
    permit,
    promise,
    receipt,
    refused,
    sent,
    unknown,
    why_expired,
)


def test_a_due_contact_wants_a_tick_and_does_nothing_before_it():
    story = given(NOTIFIER).when(fact(due()))
    assert story.state.wake_at == AT_ONCE
    assert (story.published, story.effects) == ([], [])


def test_the_first_choice_leaves_on_the_tick_with_all_that_its_text_needs():
    story = given(NOTIFIER, fact(due())).when(tick())
    story.then().then_effects("contact.sms")
    (leaving,) = story.effects
    assert leaving.effect_id == SMS
    assert (leaving.not_before, leaving.not_after) == (START, START + WINDOW)
    assert leaving.request == {
        "follow_up_id": "F-S1",
        "episode": 1,
        "step": "S1",
        "attempt": 1,
        "channel": "sms",
        "point_id": "P0",
        "template": "sms.overdue",
        "language": "en",
        "as_of_on": "2026-03-02",
        "pay_by_on": "2026-03-07",
        "oldest_due_on": "2026-02-26",
        "dpd": 4,
        "overdue": [{"currency": "CNY", "amount_minor": 123450}],
        "accounts": ["6222-0001"],
        "creditor": "BANK-1",
        "region": "",
        "permit": msgspec.to_builtins(permit(0)),
    }
    assert story.state.wake_at is None


def test_a_contact_leaves_once_however_often_the_case_is_looked_at():
    contacting().when(tick(minutes(1))).then_nothing()


def test_a_contact_that_falls_due_twice_leaves_once():
    story = contacting().when(fact(due(), minutes(1))).then_nothing()
    assert story.state.wake_at is None
    story.when(tick(minutes(1))).then_nothing()


def test_each_attempt_of_a_step_has_contacts_of_its_own():
    story = contacting().given(*at(1, due(attempt=2, follow_up_id="F2")))
    assert len({leaving.effect_id for leaving in story.effects}) == 2


def test_visits_and_legal_steps_are_not_ours():
    given(NOTIFIER).when(fact(due(kind="visit"))).then_nothing()


@pytest.mark.parametrize(
    "missing", [{"choices": ()}, {"not_before": None}, {"not_after": None}, {"situation": None}]
)
def test_a_contact_without_choice_permit_or_situation_does_not_leave(missing):
    given(NOTIFIER).when(fact(due(**missing))).then_nothing()


def test_a_receipt_wants_a_tick_and_is_reported_on_it():
    story = contacting().when(fact(receipt(SMS, "sent")))
    assert story.state.wake_at == AT_ONCE
    assert story.published == []


def test_a_contact_that_left_is_reported_with_its_choice():
    contacting().given(fact(receipt(SMS, "sent"))).when(tick()).then(sent(0))


def test_what_is_reported_is_kept_no_longer():
    assert contacting().given(*at(1, receipt(SMS, "sent"))).state.receipts == ()


def test_a_case_is_contacting_while_one_of_its_follow_ups_is():
    story = contacting().given(fact(due("S2")), fact(receipt(effect(0, "S2"), "delivered")))
    assert story.when(tick()).state.stage == "contacting"


def test_a_delivery_is_reported():
    contacting().given(*at(1, receipt(SMS, "sent")), fact(receipt(SMS, "delivered"))).when(
        tick(minutes(2))
    ).then(delivered(0))


def test_what_is_delivered_has_left_although_nobody_told_so():
    story = contacting().given(fact(receipt(SMS, "delivered"))).when(tick())
    story.then(sent(0), delivered(0))
    story.given(fact(receipt(SMS, "sent"))).when(tick(minutes(1))).then()


def test_who_answers_was_called():
    contacting().given(fact(receipt(SMS, "answered", result="hardship"))).when(tick()).then(
        sent(0), answered(0, "hardship")
    )


def test_an_answer_of_somebody_else_is_not_a_right_party_contact():
    contacting().given(fact(receipt(SMS, "answered", result="wrong_party"))).when(tick()).then(
        sent(0), answered(0, "wrong_party", right_party=False)
    )


def test_a_promise_is_published_with_its_date():
    told = receipt(SMS, "answered", result="promised", promised_on=PROMISED_ON)
    contacting().given(fact(told)).when(tick()).then(sent(0), answered(0, "promised"), promise(0))


def test_a_promise_without_a_date_is_only_an_answer():
    contacting().given(fact(receipt(SMS, "answered", result="promised"))).when(tick()).then(
        sent(0), answered(0, "promised")
    )


def test_a_date_without_a_promise_is_only_an_answer():
    told = receipt(SMS, "answered", result="hardship", promised_on=PROMISED_ON)
    contacting().given(fact(told)).when(tick()).then(sent(0), answered(0, "hardship"))


def test_after_a_failure_the_next_choice_leaves_with_its_own_permit_and_not_before():
    story = contacting().given(fact(receipt(SMS, "failed", reason="unreachable"))).when(tick())
    story.then(failed(0, "unreachable")).then_effects()
    assert story.state.wake_at is None
    story.given(fact(granted(1))).when(tick()).then().then_effects("contact.call")
    assert story.effects[-1].effect_id == CALL
    assert story.effects[-1].request["point_id"] == "P1"
    assert story.effects[-1].request["permit"] == msgspec.to_builtins(permit(1))


def test_the_choices_are_tried_in_their_order_and_the_last_failure_is_final():
    story = contacting().given(
        *at(1, receipt(SMS, "failed", reason="blocked"), granted(1)),
        *at(2, receipt(CALL, "failed", reason="unreachable"), granted(2)),
        fact(receipt(LETTER, "failed", reason="provider"), minutes(3)),
    )
    story.when(tick(minutes(3))).then(failed(2, "provider", final=True)).then_effects()
    assert [leaving.effect_id for leaving in story.effects] == [SMS, CALL, LETTER]


def test_a_number_that_does_not_exist_is_not_used_again():
    contacting().given(fact(receipt(SMS, "failed", reason="invalid_point"))).when(tick()).then(
        failed(0, "invalid_point"), invalid(0)
    )


def test_a_reason_that_we_do_not_know_is_the_providers():
    contacting().given(fact(receipt(SMS, "failed", reason="E-4711"))).when(tick()).then(
        failed(0, "provider")
    )


def test_a_mailbox_that_bounces_after_delivery_is_reported_and_nothing_more_is_tried():
    story = contacting().given(*at(1, receipt(SMS, "sent")), *at(2, receipt(SMS, "delivered")))
    assert story.state.stage == "idle"
    story.given(fact(receipt(SMS, "failed", reason="invalid_point"))).when(tick(minutes(3)))
    story.then(failed(0, "invalid_point"), invalid(0)).then_effects()
    assert story.state.stage == "idle"


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (receipt(SMS, "answered", result="hardship"), [sent(0), answered(0, "hardship")]),
        (receipt(SMS, "refused", reason="expired"), [refused(0, **why_expired(0, START))]),
        (
            receipt(SMS, "refused", reason="observed"),
            [refused(0, "observed", inputs=why_expired(0, START)["inputs"])],
        ),
        (receipt(SMS, "unknown"), [unknown(0)]),
    ],
)
def test_nothing_more_is_tried_after_an_answer_a_refusal_or_a_doubt(end, told):
    story = contacting().given(fact(end)).when(tick()).then(*told).then_effects()
    assert story.state.stage == "idle"
    late = receipt(SMS, "failed", reason="unreachable")
    story.given(fact(late)).when(tick(minutes(1))).then(failed(0, "unreachable")).then_effects()


def test_an_answer_that_comes_late_takes_the_next_choice_back():
    story = contacting().given(*at(1, receipt(SMS, "failed", reason="unreachable"), granted(1)))
    story.given(fact(receipt(SMS, "answered", result="hardship"))).when(tick(minutes(2)))
    story.then(sent(0), answered(0, "hardship"))
    assert story.withdrawn == [CALL]
    story.when(tick(minutes(3))).then_nothing()


def test_what_had_left_by_then_is_not_taken_back_but_reported():
    story = contacting().given(
        *at(1, receipt(SMS, "failed", reason="unreachable"), granted(1)),
        fact(receipt(CALL, "sent"), minutes(2)),
        fact(receipt(SMS, "answered", result="hardship"), minutes(2)),
    )
    story.when(tick(minutes(2))).then(sent(0), answered(0, "hardship"), sent(1))
    assert story.withdrawn == []


def test_while_payments_may_wait_in_the_queue_nothing_leaves_and_nothing_is_forgotten():
    story = given(NOTIFIER, fact(due())).when(tick(fresh=False)).then_nothing()
    assert story.state.wake_at == AT_ONCE
    story.when(tick()).then_effects("contact.sms")


def test_a_receipt_for_an_unknown_effect_changes_nothing_that_anybody_sees():
    given(NOTIFIER, fact(receipt("nobody's", "sent"))).when(tick()).then()


def test_a_receipt_that_comes_before_its_contact_is_due_is_reported_when_it_left():
    early = [fact(receipt(SMS, "sent")), tick(), tick(minutes(1))]
    story = given(NOTIFIER, *early, fact(due(), minutes(2))).when(tick(minutes(2)))
    story.then(sent(0)).then_effects("contact.sms")


def test_a_receipt_for_a_choice_that_has_not_had_its_turn_waits_for_it():
    story = contacting().given(fact(receipt(CALL, "sent"))).when(tick()).then()
    story.given(fact(receipt(SMS, "failed", reason="blocked"))).when(tick(minutes(1)))
    story.then(failed(0, "blocked")).then_effects()
    story.given(fact(granted(1))).when(tick(minutes(2))).then(sent(1)).then_effects("contact.call")


def test_two_steps_that_are_due_together_both_leave():
    story = given(NOTIFIER, fact(due("S2")), fact(due("S1"))).when(tick())
    assert [leaving.effect_id for leaving in story.effects] == [effect(0), effect(0, "S2")]


def test_each_of_many_receipts_of_one_tick_is_reported_in_the_order_of_a_contacts_life():
    promised = receipt(SMS, "answered", result="promised", promised_on=PROMISED_ON)
    story = contacting(CHOICES[:1]).given(
        fact(receipt(SMS, "unknown"), minutes(1)),
        fact(receipt(SMS, "refused", reason="expired"), minutes(2)),
        fact(receipt(SMS, "failed", reason="invalid_point"), minutes(3)),
        fact(promised, minutes(4)),
        fact(receipt(SMS, "delivered"), minutes(5)),
    )
    story.when(tick(minutes(6))).then(
        sent(0),
        delivered(0),
        answered(0, "promised"),
        promise(0),
        failed(0, "invalid_point", final=True),
        invalid(0),
        refused(0, **why_expired(0, minutes(2))),
        unknown(0),
    )


@pytest.mark.parametrize("second_at", [1, 2])
def test_of_two_answers_that_differ_one_counts_in_whatever_order_they_come(second_at):
    first = fact(receipt(SMS, "answered", result="hardship"), minutes(1))
    second = fact(receipt(SMS, "answered", result="refused"), minutes(second_at))
    for order in ([first, second], [second, first]):
        contacting().given(*order).when(tick(minutes(3))).then(sent(0), answered(0, "hardship"))


def test_another_service_s_cancellation_is_not_kept():
    given(NOTIFIER).when(fact(cancelled(kind="visit"))).then_nothing()
