"""Promises to pay: a live one holds the ladder; it is kept, partly kept, or broken after the days of grace."""

import pytest

from shared.events.scheduler import HoldApplied, PromiseBroken, PromiseKept
from shared.events.visits import VisitPromiseMade
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    at,
    customer,
    follow_ups,
    missed,
    promised,
    received,
    said,
    steps_taken,
    story,
)

MISS = missed(at("2026-03-01", "06:00"))
MADE = START + days(0.1)
WHOLE = (customer(), MISS, tick(START), promised(MADE, "2026-03-10"), tick(MADE))
PART = (
    customer(),
    MISS,
    tick(START),
    promised(MADE, "2026-03-10", amount_minor=400, currency="CNY"),
    tick(MADE),
)
AFTER_GRACE = at("2026-03-13")
KEPT = PromiseKept(customer_id="C1", promise_id="R1")
PARTLY = PromiseKept(customer_id="C1", promise_id="R1", partly=True)
BROKEN = PromiseBroken(customer_id="C1", promise_id="R1")


def settled(told):
    return of_type(told.published, PromiseKept) + of_type(told.published, PromiseBroken)


def test_a_promise_holds_the_ladder_until_its_date_is_told():
    told = story(*WHOLE)
    assert of_type(told.published, HoldApplied)[0].until_on.isoformat() == "2026-03-10"
    assert told.state.wake_at == AFTER_GRACE


def test_a_promise_of_all_is_kept_when_nothing_is_overdue_any_more():
    told = story(*WHOLE, received(at("2026-03-09"))).when(tick(at("2026-03-09")))
    assert told.types() == ["promise.kept", "bucket.changed", "case.closed", "hold.lifted"]
    assert settled(told) == [KEPT]
    assert told.state.kept == 1


def test_a_promise_of_all_is_not_kept_by_a_part():
    told = story(*WHOLE, received(at("2026-03-09"), 999)).when(tick(at("2026-03-09"))).then()
    told.run_until(AFTER_GRACE)
    assert settled(told) == [PARTLY]
    assert (told.state.kept, told.state.broken) == (0, 0)


def test_a_promised_amount_is_kept_as_soon_as_it_is_there_and_the_ladder_goes_on():
    told = story(*PART, received(at("2026-03-08"), 400)).when(tick(at("2026-03-08")))
    assert told.types()[:2] == ["promise.kept", "hold.lifted"]
    assert steps_taken(told)[1:] == ["call_1 2026-03-08 09:30"]


def test_a_part_of_the_promised_amount_is_partly_kept_after_the_days_of_grace():
    told = story(*PART, received(at("2026-03-08"), 399)).run_until(AFTER_GRACE)
    assert settled(told) == [PARTLY]


def test_money_in_another_currency_keeps_no_promise():
    foreign = received(at("2026-03-08"), 400, currency="USD")
    assert settled(story(*PART, foreign).run_until(AFTER_GRACE)) == [BROKEN]


def test_money_from_before_the_promise_keeps_nothing():
    early = received(START - days(0.1), 500)
    assert settled(story(early, *PART).run_until(AFTER_GRACE)) == [BROKEN]


@pytest.mark.parametrize("day", ["2026-03-10", "2026-03-12"])
def test_a_promise_is_not_broken_before_the_days_of_grace_are_over(day):
    story(*WHOLE).when(tick(at(day, "23:00"))).then()


def test_a_broken_promise_lifts_the_hold_and_the_ladder_goes_on():
    told = story(*WHOLE).run_until(AFTER_GRACE)
    assert told.types()[:2] == ["promise.broken", "hold.lifted"]
    assert steps_taken(told)[1:] == ["email_1 2026-03-13 09:30"]
    assert told.state.broken == 1


def test_how_promises_ended_travels_with_the_next_step():
    told = story(*WHOLE).run_until(AFTER_GRACE)
    situation = follow_ups(told)[-1].situation
    assert situation is not None
    assert (situation.broken_promises, situation.kept_promises, situation.cures) == (1, 0, 0)


def test_a_promise_told_again_after_it_was_settled_holds_nothing():
    told = story(*WHOLE).run_until(AFTER_GRACE)
    told.when(promised(AFTER_GRACE, "2026-04-10")).then_nothing()


def test_a_live_promise_told_again_keeps_its_first_date():
    told = story(*WHOLE).when(promised(AFTER_GRACE, "2026-04-10")).then_nothing()
    assert told.state is told.before


def test_two_promises_are_judged_each_by_itself():
    told = story(*WHOLE, promised(MADE, "2026-03-20", "R2"), tick(MADE)).run_until(at("2026-03-23"))
    assert [entry.promise_id for entry in settled(told)] == ["R1", "R2"]
    assert len(steps_taken(told)) == 2, "the second promise held on until it was broken too"


def test_a_promise_at_the_door_counts_like_one_on_the_phone():
    at_the_door = said(
        VisitPromiseMade, MADE, promise_id="R1", follow_up_id="F", promised_on=AFTER_GRACE.date()
    )
    told = story(customer(), MISS, tick(START), at_the_door).when(tick(MADE))
    assert told.types() == ["follow_up.cancelled", "hold.applied"]


def test_a_promise_of_somebody_who_has_paid_by_then_is_kept():
    told = story(
        customer(), MISS, tick(START), received(MADE), tick(MADE), promised(MADE, "2026-03-10")
    )
    told.when(tick(MADE)).then(KEPT)
