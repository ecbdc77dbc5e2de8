"""What customers declare: opt-outs, do not call, inconvenient times. They are honoured from the next tick on."""

from itertools import permutations

import pytest

from shared.canonical import digest
from shared.testing import START, days, tick
from tests.domain.scheduler.books import case_of
from tests.domain.scheduler.cases import (
    at,
    contact_step,
    customer,
    due,
    failed,
    follow_ups,
    local,
    missed,
    opted_in,
    sent,
    steps_taken,
    story,
)
from tests.domain.scheduler.commanded import declared_opt_out, do_not_call, inconvenient

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), MISS, tick(START))
SOON = START + days(0.01)
BOTH = {"ladder": (contact_step("call_1", 1, "call"), contact_step("sms_1", 5))}


def channels(told):
    return {choice.channel for entry in follow_ups(told) for choice in entry.choices}


def test_who_does_not_want_calls_is_reached_by_other_channels():
    told = story(do_not_call(START - days(1)), customer(), MISS).run_until(at("2026-04-30"))
    assert channels(told) >= {"sms", "letter"}
    assert "call" not in channels(told)


def test_an_opt_out_of_a_point_or_a_channel_takes_it_out_of_the_choices():
    for word in (
        declared_opt_out(SOON, point_id="p-email"),
        declared_opt_out(SOON, channel="email"),
    ):
        assert "email" not in channels(story(word, customer(), MISS).run_until(at("2026-04-30")))


def test_a_contact_under_way_by_that_channel_is_called_off_and_made_another_way():
    told = story(*OPENED, declared_opt_out(SOON, channel="sms")).when(tick(SOON))
    assert told.types() == ["follow_up.cancelled", "follow_up.due"]
    assert told.published[-2].reason == "FIRM.OPTOUT.CHANNEL"
    assert "sms" not in {choice.channel for choice in told.published[-1].choices}


def test_a_contact_that_had_left_is_not_made_again_another_way():
    told = story(*OPENED)
    told.given(sent(follow_ups(told)[0], SOON), declared_opt_out(SOON, channel="sms"))
    told.when(tick(SOON)).then()
    told.given(failed(follow_ups(told)[0].follow_up_id, SOON, final=False)).when(tick(SOON))
    assert told.types() == ["permit.granted"], "what failed goes on by what is still allowed"
    assert told.published[-1].permit.channel == "wechat"


def test_an_opt_out_of_another_channel_leaves_the_contact_alone():
    told = story(*OPENED, do_not_call(SOON)).when(tick(SOON)).then()
    assert len(told.state.open) == 1


def test_a_contact_waits_until_the_inconvenient_time_is_over():
    told = story(inconvenient(START - days(1), ("09:00", "11:00")), customer(), MISS)
    told.run_until(at("2026-03-03"))
    assert steps_taken(told) == ["reminder_1 2026-03-02 11:00"]


def test_a_contact_may_leave_only_until_the_next_inconvenient_time_begins():
    told = story(inconvenient(START - days(1), ("15:00", "16:00")), customer(), MISS)
    told.run_until(START)
    assert local(follow_ups(told)[0].not_after) == "2026-03-02 15:00"


def test_an_inconvenient_time_counts_on_its_days_only():
    monday = story(inconvenient(START - days(1), ("09:00", "11:00"), days=(1,)), customer(), MISS)
    tuesday = story(inconvenient(START - days(1), ("09:00", "11:00"), days=(2,)), customer(), MISS)
    assert steps_taken(monday.run_until(at("2026-03-02", "12:00"))) == [
        "reminder_1 2026-03-02 11:00"
    ]
    assert steps_taken(tuesday.run_until(at("2026-03-02", "12:00"))) == [
        "reminder_1 2026-03-02 09:30"
    ]


def test_a_reminder_before_the_due_date_keeps_off_inconvenient_times_too():
    words = (inconvenient(START - days(9), ("09:00", "11:00")), customer())
    told = story(*words, due(START, due_on="2026-03-06")).run_until(at("2026-03-05"))
    assert [line.rpartition(" ")[2] for line in steps_taken(told)] == ["11:00"]


def test_who_finds_no_time_convenient_is_not_contacted():
    told = story(inconvenient(START - days(1), ("00:00", "00:00")), customer(), MISS, **BOTH)
    assert steps_taken(told.run_until(at("2026-03-20"))) == []


def test_declarations_add_up_in_any_order():
    words = (
        inconvenient(SOON, ("09:00", "10:00")),
        inconvenient(SOON, ("11:00", "12:00")),
        do_not_call(SOON),
    )
    assert len({digest(case_of(*order)) for order in permutations(words)}) == 1
    assert len(case_of(*words).log) == 3


@pytest.mark.parametrize(
    "event",
    [
        inconvenient(SOON, ("09:00", "10:00")),
        do_not_call(SOON),
        declared_opt_out(SOON, point_id="p"),
    ],
    ids=lambda event: event.type,
)
def test_a_declaration_told_again_does_not_even_wake_the_case(event):
    told = story(event).when(tick(SOON)).when(event).then_nothing()
    assert told.state is told.before


def test_an_opt_out_that_is_taken_back_lets_the_ladder_go_on():
    words = (
        declared_opt_out(START - days(2), point_id="p-email"),
        opted_in(SOON, point_id="p-email"),
    )
    for told_first, told_last in (words, words[::-1]):
        told = story(told_first, told_last, customer(), MISS)
        assert "email" in channels(told.run_until(at("2026-04-30"))), "the later word counts"


def test_who_takes_every_electronic_point_back_is_visited_at_once():
    words = [
        declared_opt_out(START - days(1), point_id=f"p-{kind}")
        for kind in ("mobile", "email", "wechat")
    ]
    told = story(*words, customer(), MISS).run_until(START)
    assert [entry.kind for entry in follow_ups(told)] == ["visit"]


def test_of_an_opt_out_and_an_opt_in_at_one_instant_the_opt_out_counts():
    at_once = START - days(1)
    points = [f"p-{kind}" for kind in ("mobile", "email", "wechat")]
    words = [
        word(at_once, point_id=each) for each in points for word in (declared_opt_out, opted_in)
    ]
    for order in (words, words[::-1]):
        told = story(*order, customer(), MISS).run_until(START)
        assert [entry.kind for entry in follow_ups(told)] == ["visit"]
