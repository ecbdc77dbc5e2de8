"""Holds: while one stands nobody is contacted, and when the last is lifted the ladder goes on."""

import pytest

from shared.events.scheduler import FollowUpCancelled, HoldApplied, HoldLifted
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    at,
    bankrupt,
    customer,
    deceased,
    follow_ups,
    missed,
    promised,
    received,
    sent,
    steps_taken,
    story,
)

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), MISS, tick(START))
SOON = START + days(0.1)
HOLDS = {
    "deceased": deceased(SOON), "bankrupt": bankrupt(SOON), "promise": promised(SOON, "2026-03-12"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLDS)
def test_a_hold_is_told_and_cancels_the_contact_under_way(name):
    told = story(*OPENED).given(HOLDS[name]).when(tick(SOON))
    cancelled, applied = (entry.data for entry in told.decision.publish)
    assert (cancelled.kind, cancelled.reason) == ("contact", f"held: {name}")
    assert applied.reason == name
    told.when(tick(SOON)).then_nothing()


@pytest.mark.parametrize("name", HOLDS)
def test_no_step_is_taken_while_a_hold_stands(name):
    told = story(customer(), MISS, HOLDS[name]).run_until(at("2026-03-11"))
    assert steps_taken(told) == []
    assert told.state.stage == "open"


def test_a_hold_from_before_the_case_is_told_when_it_opens():
    told = story(deceased(START - days(9))).when(tick(START)).then()
    told.given(MISS).when(tick(START))
    assert told.types() == ["case.opened", "segment.assigned", "bucket.changed", "hold.applied"]


def test_what_is_lifted_lets_the_ladder_go_on_with_the_latest_step():
    told = story(*OPENED, deceased(SOON), tick(SOON), deceased(at("2026-03-09"), ended=True))
    told.when(tick(at("2026-03-09")))
    assert told.types()[0] == "hold.lifted"
    assert steps_taken(told)[1:] == ["call_1 2026-03-09 09:30"]


def test_a_contact_cancelled_before_it_left_may_be_tried_again():
    told = story(*OPENED, deceased(SOON), tick(SOON), deceased(SOON, ended=True)).when(tick(SOON))
    first, second = follow_ups(told)
    assert (first.step, second.step, second.attempt) == ("reminder_1", "reminder_1", 2)


def test_a_contact_that_had_left_is_not_repeated_after_the_hold():
    told = story(*OPENED)
    told.given(
        sent(follow_ups(told)[0], SOON), deceased(SOON), tick(SOON), deceased(SOON, ended=True)
    )
    told.when(tick(SOON))
    assert told.types() == ["hold.lifted"]


def test_insolvency_counts_per_case_number():
    told = story(*OPENED, bankrupt(SOON, "N1"), bankrupt(SOON, "N2"), tick(SOON))
    assert len(of_type(told.published, HoldApplied)) == 2
    told.given(bankrupt(SOON + days(1), "N1", ended=True)).when(tick(SOON + days(1)))
    assert told.types() == ["hold.lifted"]
    assert len(told.state.holds) == 1
    told.given(bankrupt(SOON + days(2), "N2", ended=True)).when(tick(SOON + days(2)))
    assert told.state.holds == ()


def test_an_unordered_end_of_a_hold_lifts_it_all_the_same():
    told = story(*OPENED, deceased(SOON + days(1), ended=True), deceased(SOON))
    told.when(tick(SOON)).then()


def test_a_visit_and_a_filing_stay_open_under_a_hold():
    for day, kind in (("2026-05-05", "visit"), ("2026-06-04", "legal")):
        told = story(customer(), MISS).run_until(at(day))
        told.given(deceased(at(day))).when(tick(at(day)))
        kinds = [step.kind for step in told.state.open.values()]
        assert kind in kinds
        assert "contact" not in kinds


def test_a_payment_under_a_hold_closes_the_case_and_lifts_the_hold():
    told = story(*OPENED, deceased(SOON), tick(SOON), received(SOON)).when(tick(SOON))
    assert told.types() == ["bucket.changed", "case.closed", "hold.lifted"]


def test_a_hold_that_comes_again_is_told_again():
    told = story(*OPENED)
    for day in (1, 2):
        told.given(bankrupt(START + days(day)), tick(START + days(day)))
        told.given(bankrupt(START + days(day + 0.5), ended=True), tick(START + days(day + 0.5)))
    assert (
        len(of_type(told.published, HoldApplied)) == len(of_type(told.published, HoldLifted)) == 2
    )


def test_each_telling_of_a_hold_is_an_event_of_its_own():
    told, abouts = story(*OPENED), []
    for event in (bankrupt(SOON), bankrupt(SOON + days(1), ended=True), bankrupt(SOON + days(2))):
        told.given(event).when(tick(event.time))
        abouts += [
            p.about for p in told.decision.publish if isinstance(p.data, HoldApplied | HoldLifted)
        ]
    assert len(abouts) == len(set(abouts)) == 3


def test_the_first_hold_is_the_reason_when_several_stand():
    told = story(*OPENED, deceased(SOON), promised(SOON, "2026-03-12"), tick(SOON))
    assert [entry.reason for entry in of_type(told.published, FollowUpCancelled)] == [
        "held: promise"
    ]
