"""The thread from fact to fact: who begins one, who goes on in it, and when a trace is over."""

from datetime import timedelta

import msgspec

from shared.events.notifier import ProviderReceipt
from shared.messaging.causes import NOTHING, Cause, cause_of, going_on
from shared.testing import START, fact, tick
from tests.database.support import missed

ONE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TWO = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RECEIPT = ProviderReceipt(customer_id="C1", effect_id="e", outcome="sent")


def test_a_fact_that_bears_no_thread_begins_one():
    event = fact(missed())
    assert cause_of(event, Cause("older", TWO, START), START) == Cause(event.id, "", START)


def test_a_fact_goes_on_in_the_thread_that_it_bears():
    event = msgspec.structs.replace(fact(missed()), correlationid="first", traceparent=ONE)
    assert cause_of(event, NOTHING, START) == Cause("first", ONE, START)
    assert cause_of(event, NOTHING, START, TWO).traceparent == TWO


def test_an_outcome_goes_on_in_the_thread_of_its_case():
    told = fact(RECEIPT, source="/providers/sandbox")
    assert cause_of(told, Cause("first", ONE, START), START) == Cause("first", ONE, START)
    assert cause_of(told, NOTHING, START).correlationid == told.id


def test_a_tick_of_the_night_after_belongs_to_the_fact_a_tick_of_the_week_after_only_to_its_thread():
    cause = Cause("first", ONE, START)
    night, week = START + timedelta(hours=11), START + timedelta(days=7)
    assert going_on(cause, tick(night), night) == Cause("first", ONE, night)
    assert going_on(cause, tick(week), week) == Cause("first", "", week)


def test_a_cause_survives_its_column():
    cause = Cause("an id with spaces", ONE, START)
    assert Cause.read(cause.stored()) == cause
    assert Cause.read("") == NOTHING
