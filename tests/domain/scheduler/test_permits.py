"""Permits: the first choice of a contact bears one and reserves, a fallback takes its own, a refusal says why, once."""

from datetime import timedelta

import pytest

from services.scheduler.domain import logbook
from services.scheduler.policy import Step, Way
from shared.events import contacts, notifier
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import FollowUpCancelled, FollowUpDue
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    SHIPPED,
    account,
    answered,
    at,
    contact_step,
    customer,
    delivered,
    failed,
    follow_ups,
    invalid,
    local,
    missed,
    opted_in,
    opted_out,
    permit_of,
    refused,
    said,
    sent,
    story,
    unknown,
)
from tests.domain.scheduler.commanded import disputed, let_go, represented
from tests.domain.scheduler.declared import conversations

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), account(), MISS, tick(START))
SOON = START + timedelta(minutes=10)
EVENING = at("2026-03-02", "21:00")
CALLS = (contact_step("call_1", 1, "call"),)
LAW = {
    "packs": SHIPPED.packs,
    "content": SHIPPED.content,
    "ladder": (
        Step(
            name="call_1",
            day=1,
            stage="contact",
            ways=(Way(channel="call", template="call.first"),),
        ),
    ),
}


def reserved(told, index=0):
    """The log's entry of the permit of a choice of the last contact; none where it is gone."""
    follow_up_id = follow_ups(told)[-1].follow_up_id
    return told.state.log.get(logbook.permit_key(permit_of(follow_up_id, index)))


def test_the_first_choice_bears_its_permit_and_reserves_in_the_same_state():
    told = story(*OPENED)
    (due,) = of_type(told.published, FollowUpDue)
    first, *others = due.choices
    assert others
    assert all(choice.permit is None for choice in others)
    assert first.permit is not None
    assert (first.permit.permit_id, first.permit.channel) == (permit_of(due.follow_up_id), "sms")
    assert (first.permit.not_before, first.permit.not_after) == (START, EVENING)
    assert [pack.partition("@")[0] for pack in first.permit.packs] == ["firm-standard"]
    entry = reserved(told)
    assert (entry.result, entry.expires, entry.at) == ("pending", EVENING, START)
    assert (entry.point, entry.channel, entry.party) == ("p-mobile", "sms", "debtor")
    assert (entry.debts, entry.creditor, entry.collector) == (("A",), "BANK", "bank")


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (lambda due: sent(due, SOON), "delivered"),
        (lambda due: delivered(due.follow_up_id, SOON), "delivered"),
        (lambda due: answered(due.follow_up_id, SOON), "effective"),
        (lambda due: failed(due.follow_up_id, SOON), "no_answer"),
        (lambda due: failed(due.follow_up_id, SOON, reason="invalid_point"), "not_connected"),
        (lambda due: failed(due.follow_up_id, SOON, reason="blocked"), "failed"),
        (lambda due: unknown(due.follow_up_id, SOON), "pending"),
    ],
    ids=["sent", "delivered", "answered", "unreachable", "invalid", "blocked", "unknown"],
)
def test_the_outcome_replaces_the_reservation(outcome, result):
    told = story(*OPENED)
    told.given(outcome(follow_ups(told)[0]))
    entry = reserved(told)
    assert (entry.result, entry.expires, entry.at) == (result, None, SOON)


def test_what_the_notifier_refuses_gives_its_place_back():
    told = story(*OPENED)
    told.given(refused(follow_ups(told)[0].follow_up_id, SOON))
    assert (reserved(told).result, reserved(told).expires) == ("pending", START)


def test_what_was_refused_and_had_left_after_all_counts():
    told = story(*OPENED)
    follow_up_id = follow_ups(told)[0].follow_up_id
    told.given(refused(follow_up_id, SOON), delivered(follow_up_id, SOON + days(0.1)))
    entry = reserved(told)
    assert (entry.result, entry.expires, entry.at) == ("delivered", None, SOON + days(0.1))


def test_what_the_notifier_refuses_is_derived_anew_when_it_says_that_it_is_of_use():
    told = story(*OPENED)
    pause = SOON + timedelta(hours=2)
    refusal = refused(follow_ups(told)[0].follow_up_id, SOON, earliest_next=pause)
    told.given(refusal).when(tick(SOON)).then()
    told.run_until(pause)
    assert [entry.not_before for entry in follow_ups(told)] == [START, pause]


def test_a_reservation_whose_contact_left_is_not_given_back():
    told = story(*OPENED)
    due = follow_ups(told)[0]
    told.given(sent(due, SOON), refused(due.follow_up_id, SOON))
    assert reserved(told).result == "delivered"


def test_the_weightiest_outcome_counts_in_any_order_at_the_first_instant():
    told = story(*OPENED)
    due = follow_ups(told)[0].follow_up_id
    words = (failed(due, SOON, final=False), delivered(due, SOON + days(1)))
    entries = [reserved(story(*OPENED, *order)) for order in (words, words[::-1])]
    assert entries[0] == entries[1]
    assert (entries[0].result, entries[0].at) == ("delivered", SOON)


def test_a_fallback_takes_its_permit_when_its_turn_comes():
    told = story(*OPENED)
    due = follow_ups(told)[0]
    told.given(failed(due.follow_up_id, SOON, final=False)).when(tick(SOON))
    (granted,) = of_type(told.published, PermitGranted)
    assert granted.follow_up_id == due.follow_up_id
    assert granted.permit.permit_id == permit_of(due.follow_up_id, 1)
    assert (granted.permit.channel, granted.permit.not_before) == ("wechat", SOON)
    assert (reserved(told).result, reserved(told, 1).result) == ("no_answer", "pending")
    told.when(tick(SOON)).then()


def test_a_fallback_that_is_forbidden_is_passed_over():
    told = story(*OPENED, opted_out(SOON, channel="wechat"), tick(SOON))
    due = follow_ups(told)[0]
    told.given(failed(due.follow_up_id, SOON, final=False)).when(tick(SOON))
    (granted,) = of_type(told.published, PermitGranted)
    assert (granted.permit.channel, granted.permit.permit_id) == (
        "email",
        permit_of(due.follow_up_id, 2),
    )


def test_a_fallback_whose_point_does_not_work_any_more_is_passed_over():
    told = story(*OPENED, invalid("p-wechat", SOON))
    told.given(failed(follow_ups(told)[0].follow_up_id, SOON, final=False)).when(tick(SOON))
    assert of_type(told.published, PermitGranted)[0].permit.channel == "email"


def test_without_another_choice_the_follow_up_ends_for_want_of_a_permit():
    told = story(*OPENED, opted_out(SOON, channel="wechat"), opted_out(SOON, channel="email"))
    told.given(failed(follow_ups(told)[0].follow_up_id, SOON, final=False)).when(tick(SOON))
    (ended,) = of_type(told.published, FollowUpCancelled)
    assert ended.reason == "no_permit"
    assert told.state.open == {}
    told.run_until(START + days(1))
    assert len(follow_ups(told)) == 1, "no time will allow it"


def test_a_fallback_that_only_the_hour_forbids_is_tried_again_in_the_morning():
    night = at("2026-03-02", "22:00")
    told = story(*OPENED)
    told.given(failed(follow_ups(told)[0].follow_up_id, night, final=False)).when(tick(night))
    assert of_type(told.published, FollowUpCancelled)[0].reason == "no_permit"
    told.run_until(at("2026-03-03", "09:30"))
    again = follow_ups(told)[-1]
    assert (again.step, again.attempt, local(again.not_before)) == (
        "reminder_1",
        2,
        "2026-03-03 09:30",
    )


def test_a_rule_that_comes_in_the_way_calls_off_what_has_not_left():
    told = story(*OPENED, opted_out(SOON, point_id="p-mobile")).when(tick(SOON))
    cancelled, *_ = of_type(told.published, FollowUpCancelled)
    assert cancelled.reason == "FIRM.OPTOUT.POINT"
    again = follow_ups(told)[-1]
    assert (again.step, again.attempt) == ("reminder_1", 2)
    assert "p-mobile" not in {choice.point_id for choice in again.choices}


def test_a_stale_tick_calls_it_off_too_and_makes_nothing_new():
    told = story(*OPENED, opted_out(SOON, point_id="p-mobile")).when(tick(SOON, fresh=False))
    assert told.types() == ["follow_up.cancelled"]


def test_a_refusal_is_said_once_for_a_step_its_attempt_and_the_rules():
    told = story(opted_out(START - days(1), channel="call"), *OPENED, ladder=CALLS)
    (refusal,) = of_type(told.published, PermitRefused)
    assert [reason.rule for reason in refusal.reasons] == ["FIRM.OPTOUT.CHANNEL"]
    assert (refusal.step, refusal.channel, refusal.earliest_next) == ("call_1", "call", None)
    assert refusal.inputs["debts"] == ["A"]
    told.when(tick(SOON)).then()
    told.given(opted_out(SOON, point_id="p-mobile")).when(tick(SOON))
    assert [reason.rule for reason in of_type(told.published, PermitRefused)[-1].reasons] == [
        "FIRM.OPTOUT.CHANNEL", "FIRM.OPTOUT.POINT",
    ]  # fmt: skip


def test_under_the_law_of_the_place_a_fourth_conversation_of_the_day_waits_for_tomorrow():
    """CN.FREQ.EFFECTIVE3, counted over the bank and its agencies."""
    told = story(*OPENED[:-1], *conversations(START, 3), tick(START), **LAW)
    (refusal,) = of_type(told.published, PermitRefused)
    assert "CN.FREQ.EFFECTIVE3" in {reason.rule for reason in refusal.reasons}
    assert local(refusal.earliest_next) == "2026-03-03 09:30", "tomorrow, at the step's hour"
    told.run_until(at("2026-03-03", "09:30"))
    assert local(follow_ups(told)[0].not_before) == "2026-03-03 09:30"


def test_a_dispute_is_a_hold_of_the_case_and_of_the_debt_until_it_is_released():
    told = story(*OPENED, disputed(SOON), tick(SOON))
    entries = [
        entry for entry in logbook.entries(told.state, "C1") if entry.type.startswith("dispute")
    ]
    assert [(entry.type, entry.case, entry.debts) for entry in entries] == [
        ("dispute.opened", "H1", ("A",))
    ]
    for order in (
        (disputed(SOON), let_go(SOON + days(1))),
        (let_go(SOON + days(1)), disputed(SOON)),
    ):
        both = [
            entry.type
            for entry in logbook.entries(story(*OPENED, *order).state, "C1")
            if entry.type.startswith("dispute")
        ]
        assert sorted(both) == ["dispute.opened", "dispute.resolved"]


def test_an_attorney_that_is_let_go_is_let_go_for_every_debt():
    told = story(*OPENED, represented(SOON), let_go(SOON + days(1)))
    ended = [e for e in logbook.entries(told.state, "C1") if e.type == "attorney.released"]
    assert [entry.debts for entry in ended] == [("A",)]


def test_an_expired_reservation_is_forgotten_and_what_the_customer_said_is_not():
    told = story(*OPENED, opted_out(SOON, channel="email"))
    told.given(unknown(follow_ups(told)[0].follow_up_id, SOON))
    told.given(tick(START + days(20)))
    assert [entry.type for entry in told.state.log.values() if entry.at <= SOON] == ["optout"]


def test_a_number_that_does_not_work_is_known_to_the_gate_until_the_record_comes_again():
    told = story(*OPENED, invalid("p-mobile", SOON))
    known = {entry.type for entry in logbook.entries(told.state, "C1")}
    assert {"point.known", "point.invalidated"} <= known
    told.given(customer(SOON + days(1)))
    assert "point.invalidated" not in {e.type for e in logbook.entries(told.state, "C1")}


def test_a_person_s_promise_counts_like_any_other():
    reported = said(
        contacts.ContactReported, SOON, by="u-7", reason="rang", permit_id="P", result="effective",
        promised_on=at("2026-03-09").date(),
    )  # fmt: skip
    told = story(*OPENED, reported)
    assert len(told.state.promises) == 1
    told.when(reported).then_nothing()
    assert isinstance(follow_ups(told)[0], FollowUpDue)
    assert notifier.PromiseMade not in {type(fact) for fact in told.published}


def test_an_earlier_step_goes_on_while_the_later_one_waits():
    ladder = (contact_step("sms_1", 1), contact_step("call_2", 3, "call"))
    mute = (opted_out(START - days(1), channel="sms"), opted_out(START - days(1), channel="call"))
    told = story(*mute, customer(), account(), MISS, ladder=ladder).run_until(START + days(3))
    assert follow_ups(told) == []
    told.given(opted_in(START + days(3), channel="sms")).given(tick(START + days(3)))
    assert [entry.step for entry in follow_ups(told)] == ["sms_1"]
