"""The ladder: when each step is taken, what is stale, what a back-dated fact changes, who is contacted by what."""

import pytest

from shared.events.scheduler import FollowUpDue, StageEntered, StepSkipped
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    answered,
    at,
    contact_step,
    customer,
    delivered,
    failed,
    follow_ups,
    invalid,
    missed,
    opted_out,
    received,
    refused,
    steps_taken,
    story,
    taken_back,
    unknown,
)

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), MISS, tick(START))


def ended(told, day):
    return told.run_until(at(day))


def skipped(told):
    return [(entry.step, entry.reason) for entry in of_type(told.published, StepSkipped)]


def test_the_whole_ladder_of_a_customer_who_never_pays():
    told = story(customer(), MISS).run_until(at("2026-07-01"))
    assert steps_taken(told) == [
        "reminder_1 2026-03-02 09:30", "reminder_2 2026-03-04 09:30", "call_1 2026-03-08 09:30",
        "email_1 2026-03-13 09:30", "call_2 2026-03-19 09:30", "sms_urgent 2026-03-26 09:30",
        "letter_1 2026-04-05 09:30", "call_3 2026-04-15 09:30", "letter_2 2026-04-25 09:30",
        "visit_1 2026-05-05 09:30", "call_4 2026-05-15 09:30", "visit_2 2026-05-25 09:30",
        "legal_1 2026-06-04 09:30",
    ]  # fmt: skip
    stages = [(entry.stage, entry.step) for entry in of_type(told.published, StageEntered)]
    assert stages == [
        ("reminder", "reminder_1"), ("contact", "call_1"), ("letter", "letter_1"), ("visit", "visit_1"),
        ("legal", "legal_1"),
    ]  # fmt: skip
    assert not skipped(told)


def test_of_several_steps_of_one_kind_already_past_only_the_latest_is_taken():
    told = story(customer(), MISS).when(tick(at("2026-05-26")))
    assert steps_taken(told) == ["call_4 2026-05-26 09:30", "visit_2 2026-05-26 09:30"]
    stale = {"reminder_1", "reminder_2", "call_1", "email_1", "call_2", "sms_urgent", "letter_1",
             "call_3", "letter_2", "visit_1"}  # fmt: skip
    assert set(skipped(told)) == {(name, "skipped_stale") for name in stale}
    assert told.state.stage == "visit"


def test_a_step_whose_hour_has_passed_is_taken_at_once_by_day_and_at_its_hour_after_a_night():
    noon = story(customer(), missed(at("2026-03-02", "12:00"))).when(
        tick(at("2026-03-02", "12:00"))
    )
    assert steps_taken(noon) == ["reminder_1 2026-03-02 12:00"]
    night = story(customer(), missed(at("2026-03-02", "22:00"))).when(
        tick(at("2026-03-02", "22:00"))
    )
    assert steps_taken(night) == []
    assert night.state.wake_at == at("2026-03-03", "09:30")


def test_what_a_night_held_up_and_what_is_due_that_morning_is_one_contact():
    told = story(customer(), missed(at("2026-03-04", "06:00"))).run_until(at("2026-03-05"))
    assert steps_taken(told) == ["reminder_2 2026-03-04 09:30"]
    assert skipped(told) == [("reminder_1", "skipped_stale")]


def test_a_back_dated_payment_moves_the_future_and_repeats_no_step():
    older = missed(at("2026-03-01", "06:00"), instalment_id="I0", due_on="2026-02-20")
    told = story(customer(), MISS, older).run_until(at("2026-03-03"))
    assert steps_taken(told) == ["call_1 2026-03-01 09:30"], "nine days late, thinks the scheduler"
    told.given(received(at("2026-03-03", "06:00"), 1000, value_on="2026-02-21"))
    ended(told, "2026-03-25")
    names = [name.split()[0] for name in steps_taken(told)]
    assert names == ["call_1", "email_1", "call_2"]
    assert steps_taken(told)[1:] == ["email_1 2026-03-13 09:30", "call_2 2026-03-19 09:30"]


def test_a_reversal_makes_the_case_as_old_as_it_truly_is():
    paid = received(at("2026-03-03", "06:00"))
    told = story(*OPENED, paid).when(tick(at("2026-03-03", "06:00")))
    told.given(taken_back(at("2026-03-10", "06:00"))).run_until(at("2026-03-10"))
    assert steps_taken(told)[1:] == ["call_1 2026-03-10 09:30"]
    assert {"reminder_1", "reminder_2"} == {name for name, _ in skipped(told)}


def test_an_older_miss_brings_later_steps_nearer():
    told = (
        story(*OPENED)
        .given(missed(START, instalment_id="I0", due_on="2026-02-20"))
        .when(tick(START))
    )
    assert [name.split()[0] for name in steps_taken(told)] == ["reminder_1", "call_1"]
    assert skipped(told) == [("reminder_2", "skipped_stale")]


def test_a_step_is_tried_by_its_ways_in_their_order():
    (step,) = follow_ups(story(*OPENED))
    assert [(c.channel, c.point_id, c.template) for c in step.choices] == [
        ("sms", "p-mobile", "sms.reminder"), ("wechat", "p-wechat", "wechat.reminder"),
        ("email", "p-email", "email.overdue"),
    ]  # fmt: skip


def test_the_preferred_channel_comes_first_and_the_rest_keep_their_order():
    (step,) = follow_ups(story(customer(preferred_channel="email"), MISS, tick(START)))
    assert [c.channel for c in step.choices] == ["email", "sms", "wechat"]


def test_several_points_of_a_channel_are_tried_in_the_order_of_their_ids():
    two = customer(points=(("p2", "mobile"), ("p1", "mobile"), ("p3", "landline")))
    (step,) = follow_ups(story(two, MISS, tick(START)))
    assert [c.point_id for c in step.choices] == ["p1", "p2"], "a landline takes no SMS"


def test_a_call_may_go_to_a_landline():
    only = customer(points=(("p3", "landline"),))
    told = story(only, MISS).when(tick(at("2026-03-08")))
    assert [c.point_id for c in follow_ups(told)[0].choices] == ["p3"]


def test_a_person_who_owes_nothing_is_never_contacted():
    for party in ("guarantor", "contact_person"):
        told = story(customer(party=party), MISS).when(tick(START))
        assert [entry.kind for entry in follow_ups(told)] == ["visit"], party
    assert follow_ups(story(customer(party="co_debtor"), MISS, tick(START)))[0].choices


def test_who_opted_out_of_a_channel_is_not_contacted_by_it():
    (step,) = follow_ups(
        story(customer(), opted_out(KNOWN_SINCE, channel="sms"), MISS, tick(START))
    )
    assert [c.channel for c in step.choices] == ["wechat", "email"]


def test_who_opted_out_of_a_point_is_not_contacted_there():
    (step,) = follow_ups(
        story(customer(), opted_out(KNOWN_SINCE, point_id="p-wechat"), MISS, tick(START))
    )
    assert [c.channel for c in step.choices] == ["sms", "email"]


def test_an_invalid_point_is_left_out_until_the_record_comes_again():
    told = story(customer(), invalid("p-mobile", KNOWN_SINCE), MISS).when(tick(START))
    assert [c.channel for c in follow_ups(told)[0].choices] == ["wechat", "email"]
    told.given(customer(START + days(1))).run_until(at("2026-03-04"))
    assert [c.channel for c in follow_ups(told)[-1].choices] == ["wechat", "sms"]


def test_a_point_found_invalid_when_the_record_came_stays_invalid():
    told = story(customer(KNOWN_SINCE), invalid("p-mobile", KNOWN_SINCE), MISS).when(tick(START))
    assert [c.channel for c in follow_ups(told)[0].choices] == ["wechat", "email"]


def test_a_contact_for_which_no_point_is_left_is_skipped_and_enters_no_stage():
    landline = customer(points=(("p3", "landline"),))
    told = story(landline, MISS).when(tick(START))
    assert skipped(told) == [("reminder_1", "no_contact_point")]
    assert told.state.stage == "open"


def test_without_a_record_of_the_customer_the_steps_wait_and_the_case_ages():
    told = story(MISS).run_until(at("2026-04-02"))
    assert steps_taken(told) == []
    assert skipped(told) == []
    assert (told.state.stage, told.state.bucket) == ("open", "M2")
    told.given(customer(at("2026-04-02", "10:00"))).when(tick(at("2026-04-02", "10:00")))
    assert steps_taken(told) == ["sms_urgent 2026-04-02 10:00"], "not exhaustion: no visit"


def test_when_no_electronic_point_works_the_visit_comes_at_once_and_only_once():
    told = story(*OPENED)
    for number, point in enumerate(("p-mobile", "p-email", "p-wechat")):
        told.given(invalid(point, START + days(1)), tick(START + days(1)))
        taken = [entry.step for entry in follow_ups(told)]
        assert ("visit_1" in taken) == (number == 2)
    assert (told.state.stage, steps_taken(told)[-1]) == ("visit", "visit_1 2026-03-03 09:30")
    told.run_until(at("2026-05-06"))
    assert [entry.step for entry in follow_ups(told)].count("visit_1") == 1
    assert "letter_1" in [entry.step for entry in follow_ups(told)], "the post still works"
    assert told.state.stage == "visit", "a letter after the visit brings no stage back"


def test_a_visit_brought_forward_by_night_waits_for_its_hour():
    told = story(customer(points=()), MISS).when(tick(at("2026-03-02", "00:10")))
    assert told.state.wake_at == at("2026-03-02", "09:30")


def test_an_exhausted_customer_of_a_ladder_without_visits_just_goes_on():
    told = story(customer(points=()), MISS, ladder=(contact_step("one", 1),)).when(tick(START))
    assert skipped(told) == [("one", "points_exhausted")]


def test_a_refused_contact_is_derived_anew_up_to_the_most_attempts():
    told = story(*OPENED)
    for attempt in (1, 2, 3):
        step = follow_ups(told)[-1]
        assert (step.step, step.attempt) == ("reminder_1", attempt)
        told.given(refused(step.follow_up_id, START)).when(tick(START))
    assert told.types() == [], "three are enough"
    ids = {entry.follow_up_id for entry in follow_ups(told)}
    assert len(ids) == 3


def test_a_permit_that_expired_in_the_evening_is_derived_anew_for_the_morning():
    told = story(*OPENED)
    told.given(refused(follow_ups(told)[0].follow_up_id, at("2026-03-02", "21:00")))
    told.run_until(at("2026-03-03"))
    assert steps_taken(told)[1:] == ["reminder_1 2026-03-03 09:30"]


@pytest.mark.parametrize("name", ["delivered", "answered", "failed", "unknown"])
def test_a_contact_that_is_over_is_not_repeated(name):
    told = story(*OPENED)
    follow_up_id = follow_ups(told)[0].follow_up_id
    outcome = {
        "delivered": delivered(follow_up_id, START),
        "answered": answered(follow_up_id, START),
        "failed": failed(follow_up_id, START),
        "unknown": unknown(follow_up_id, START),
    }[name]
    told.given(outcome).when(tick(START)).then()
    assert told.state.open == {}


def test_a_failure_with_choices_left_is_not_the_end_of_the_step():
    told = story(*OPENED)
    told.given(failed(follow_ups(told)[0].follow_up_id, START, final=False)).when(tick(START))
    assert told.types() == ["permit.granted"]
    assert list(told.state.open) == [follow_ups(told)[0].follow_up_id]


def test_an_outcome_of_an_older_episode_changes_nothing():
    told = story(*OPENED)
    old = follow_ups(told)[0].follow_up_id
    told.given(received(START + days(1)), tick(START + days(1)))
    told.given(
        missed(START + days(9), instalment_id="I2", due_on="2026-03-10"), tick(START + days(9))
    )
    assert [entry.episode for entry in follow_ups(told)] == [1, 2]
    for outcome in (delivered, failed, refused):
        told.when(outcome(old, START + days(9))).then_nothing()


def test_a_follow_up_says_all_that_the_receiver_needs():
    (step,) = of_type(story(*OPENED).published, FollowUpDue)
    assert (step.kind, step.stage, step.step, step.attempt) == (
        "contact",
        "reminder",
        "reminder_1",
        1,
    )
    assert (step.not_before, step.not_after) == (START, at("2026-03-02", "21:00"))


KNOWN_SINCE = START - days(9)
