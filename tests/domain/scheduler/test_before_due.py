"""Reminders before the due date: once per instalment, and never after an early payment."""

from shared.events.permits import PermitRefused
from shared.events.scheduler import FollowUpCancelled, FollowUpDue, StepSkipped
from shared.testing import days, of_type, tick
from tests.domain.scheduler.cases import (
    at,
    changed,
    contact_step,
    customer,
    deceased,
    delivered,
    due,
    follow_ups,
    invalid,
    missed,
    opted_in,
    opted_out,
    received,
    refused,
    story,
    taken_back,
)

KNOWN = at("2026-02-01", "06:00")
THREE_BEFORE = at("2026-02-26")
TOLD = (customer(KNOWN), due(KNOWN), tick(KNOWN))
TWO_STEPS = (contact_step("early", -5), contact_step("late", -1), contact_step("first", 1))


def reminders(told):
    return [entry for entry in follow_ups(told) if entry.episode == 0]


def cancelled(told):
    return [entry.reason for entry in of_type(told.published, FollowUpCancelled)]


def test_the_customer_is_reminded_three_days_before_the_due_date():
    told = story(*TOLD)
    assert told.state.wake_at == THREE_BEFORE
    told.run_until(at("2026-03-20"))
    (reminder,) = reminders(told)
    assert (reminder.step, reminder.stage, reminder.not_before) == (
        "before_due",
        "reminder",
        THREE_BEFORE,
    )
    assert reminder.situation.overdue[0].amount_minor == 1000
    assert (reminder.situation.dpd, reminder.situation.bucket) == (-3, "M0")
    assert told.state.stage == "idle", "nothing is overdue"


def test_each_instalment_is_reminded_of_once():
    told = story(*TOLD, due(KNOWN, instalment_id="I2"), due(KNOWN, account_id="B"))
    told.run_until(at("2026-02-28"))
    assert len({entry.follow_up_id for entry in reminders(told)}) == 3
    told.given(due(at("2026-02-28"), amount_minor=900)).when(tick(at("2026-02-28"))).then()


def test_an_early_payment_cancels_what_is_to_come_and_what_is_under_way():
    before = story(*TOLD, received(KNOWN + days(1))).run_until(at("2026-03-20"))
    assert before.published == []
    after = story(*TOLD).run_until(THREE_BEFORE)
    after.given(received(THREE_BEFORE + days(0.1))).when(tick(THREE_BEFORE + days(0.1)))
    assert after.types() == ["follow_up.cancelled"]
    assert cancelled(after) == ["nothing overdue"]
    after.given(taken_back(THREE_BEFORE + days(1))).run_until(at("2026-03-20"))
    assert len(reminders(after)) == 1, "the same reminder is not sent twice"


def test_a_reminder_under_way_stops_when_something_is_overdue():
    told = story(*TOLD).run_until(THREE_BEFORE)
    told.given(missed(THREE_BEFORE, instalment_id="I0", due_on="2026-02-20")).when(
        tick(THREE_BEFORE)
    )
    assert cancelled(told) == ["overdue by now"]
    assert told.types()[:2] == ["follow_up.cancelled", "case.opened"]


def test_a_reminder_under_way_stops_on_a_hold_and_says_which():
    told = story(*TOLD).run_until(THREE_BEFORE)
    told.given(deceased(THREE_BEFORE)).when(tick(THREE_BEFORE))
    assert cancelled(told) == ["held: deceased"]


def test_who_is_overdue_already_is_not_reminded_of_what_comes():
    overdue = missed(KNOWN, instalment_id="I0", due_on="2026-01-20")
    told = story(*TOLD, overdue).run_until(at("2026-03-20"))
    assert reminders(told) == []


def test_no_reminder_while_a_hold_stands_and_one_after_it():
    told = story(*TOLD, deceased(KNOWN)).run_until(at("2026-02-27"))
    assert reminders(told) == []
    told.given(deceased(at("2026-02-27"), ended=True)).when(tick(at("2026-02-27")))
    assert len(reminders(told)) == 1


def test_no_reminder_without_a_record_of_the_customer():
    assert story(due(KNOWN)).run_until(at("2026-02-28")).published == []


def test_no_reminder_on_the_due_date_or_later():
    for late in (at("2026-03-01"), at("2026-03-05")):
        told = story(customer(KNOWN), due(late)).when(tick(late)).then()
        assert told.state.wake_at is None


def test_a_reminder_that_cannot_come_before_the_due_date_is_none():
    evening = at("2026-02-28", "22:00")
    story(customer(KNOWN), due(evening)).when(tick(evening)).then()


def test_a_deferred_instalment_is_reminded_of_before_its_new_date():
    told = story(customer(KNOWN), changed(KNOWN, cause="deferred", due_on="2026-04-01"))
    told.run_until(at("2026-03-31"))
    assert [entry.not_before for entry in reminders(told)] == [at("2026-03-29")]


def test_of_several_reminders_already_past_only_the_latest_is_taken():
    last_day = at("2026-02-28", "12:00")
    told = story(customer(KNOWN), due(last_day), ladder=TWO_STEPS).when(tick(last_day))
    assert [entry.step for entry in reminders(told)] == ["late"]
    (skipped,) = of_type(told.published, StepSkipped)
    assert (skipped.step, skipped.reason, skipped.episode) == ("early", "skipped_stale", 0)


def test_a_reminder_without_a_contact_point_is_skipped_with_its_reason():
    dead = (invalid("p-mobile", KNOWN), invalid("p-wechat", KNOWN))
    told = story(*TOLD, *dead).run_until(at("2026-02-28"))
    assert [entry.reason for entry in of_type(told.published, StepSkipped)] == ["no_contact_point"]
    assert of_type(told.published, FollowUpDue) == []


def test_a_reminder_that_no_way_allows_is_refused_once_and_never_made():
    mute = (opted_out(KNOWN, channel="sms"), opted_out(KNOWN, channel="wechat"))
    told = story(*TOLD, *mute).run_until(at("2026-02-28"))
    told.given(tick(at("2026-02-28")))
    (refusal,) = of_type(told.published, PermitRefused)
    assert [reason.rule for reason in refusal.reasons] == ["FIRM.OPTOUT.CHANNEL"]
    assert (refusal.step, refusal.earliest_next) == ("before_due", None)
    assert of_type(told.published, FollowUpDue) == []


def test_a_refused_reminder_is_made_once_the_customer_opts_in_again():
    mute = (opted_out(KNOWN, channel="sms"), opted_out(KNOWN, channel="wechat"))
    told = story(*TOLD, *mute).run_until(THREE_BEFORE)
    soon = THREE_BEFORE + days(0.1)
    told.given(opted_in(soon, channel="wechat"), tick(soon))
    assert [choice.channel for choice in reminders(told)[0].choices] == ["wechat"]
    assert told.state.refusals == {}


def test_a_reminder_that_is_over_leaves_no_trace_in_the_ladder():
    for outcome in (delivered, refused):
        told = story(*TOLD).run_until(THREE_BEFORE)
        told.given(outcome(reminders(told)[0].follow_up_id, THREE_BEFORE)).when(
            tick(THREE_BEFORE)
        ).then()
        assert (told.state.open, told.state.steps) == ({}, {})


def test_reminders_are_forgotten_after_a_while():
    told = story(*TOLD).run_until(THREE_BEFORE)
    assert told.state.reminded
    later = THREE_BEFORE + days(91)
    told.when(tick(later))
    assert told.state.reminded == {}
