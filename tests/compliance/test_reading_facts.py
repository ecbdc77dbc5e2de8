"""The table of ways in and the reader of facts say the same: each fact brings the types that its rows name, and no other."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.events import commands, core_banking, declarations, legal, notifier, visits
from shared.events.envelope import Event
from shared.events.registry import EVENT_TYPES
from shared.permits import outcomes, reading
from shared.permits.ways_in import WAYS
from shared.testing import START, days
from tests.domain.scheduler import commanded
from tests.domain.scheduler.cases import (
    answered,
    bankrupt,
    customer,
    delivered,
    failed,
    invalid,
    merged,
    opted_out,
    refused,
    said,
    unknown,
    visit_failed,
    visited,
)
from tests.domain.scheduler.declared import FIELDS, declared

OF_A_PERMIT = "contact"
FACTS: list[Event] = [
    *(declared(model, START) for model in FIELDS),
    declared(
        next(model for model in FIELDS if model.__name__ == "ConsentGiven"),
        START,
        kind="work_email",
    ),
    commanded.do_not_call(START),
    commanded.declared_opt_out(START, channel="wechat"),
    commanded.inconvenient(START, ("09:00", "11:00"), ("20:30", "08:30"), days=(1, 2)),
    commanded.disputed(START),
    commanded.represented(START),
    commanded.let_go(START),
    customer(),
    merged(START),
    bankrupt(START),
    invalid("p-mobile", START),
    opted_out(START, point_id="p-mobile"),
    said(
        legal.LegalLetterSent,
        START,
        follow_up_id="F",
        effect_id="E",
        reply_by_on=date(2026, 4, 1),
        accounts=("A",),
    ),
]
TOLD = {event.type: event for event in FACTS}


def types_of(event: Event) -> set[str]:
    """The types that the fact brings, those of a hold's release as the gate would read them."""
    found = {entry.type for entry in reading.entries(event)}
    if reading.RELEASED in found:
        found = set(reading.ENDS_OF.values())
    return found


def rows_of(event: Event) -> set[str]:
    return {way.log for way in WAYS if way.event == event.type}


@pytest.mark.parametrize("event", FACTS, ids=lambda event: event.type)
def test_a_fact_brings_what_its_rows_name(event):
    by_kind = {"consent.work_email", "consent.renewed"}
    received = {"consumer.text"} if event.type == "contact.received" else set()
    expected = rows_of(event) - by_kind - received
    if outcomes.result_of(event.data):
        expected -= {OF_A_PERMIT}
    assert types_of(event) == expected


OUTCOMES = {
    "contact.sent": "delivered", "contact.delivered": "delivered", "contact.answered": "effective",
    "contact.failed": "no_answer", "contact.refused": "gone", "contact.unknown": "pending",
    "visit.completed": "effective", "visit.failed": "gone", "visit.cancelled": "gone",
    "contact.reported": "no_answer", "legal.letter_sent": "delivered",
}  # fmt: skip
TOLD_OF_CONTACTS = [
    delivered("F", START), answered("F", START), failed("F", START), refused("F", START), unknown("F", START),
    visited("F", START), visit_failed("F", START),
    said(visits.VisitCancelled, START, visit_id="V", follow_up_id="F", reason="hold: person"),
    said(
        notifier.ContactSent, START, follow_up_id="F", effect_id="E", channel="sms", point_id="p", template="t",
        episode=1, step="s", attempt=1,
    ),
    TOLD["contact.reported"], TOLD["legal.letter_sent"],
]  # fmt: skip


@pytest.mark.parametrize("event", TOLD_OF_CONTACTS, ids=lambda event: event.type)
def test_an_outcome_is_told_in_the_gate_s_words(event):
    assert outcomes.result_of(event.data) == OUTCOMES[event.type]


NO_END = {"until_on": None, "until": None, "days": None}


@pytest.mark.parametrize("end", [{"until_on": date(2026, 4, 1)}, {"until": START}, {"days": 3}])
def test_the_end_of_a_consent_is_read_as_what_it_is(end):
    """A last day is no instant: the gate would not know how to compare them."""
    told = declared(declarations.ConsentGiven, START, **{**NO_END, **end})
    (entry,) = reading.entries(told)
    assert {name: getattr(entry, name) for name in NO_END} == {**NO_END, **end}


def test_every_row_is_read_by_somebody():
    """What the scheduler itself publishes it writes down as it does."""
    of_its_own = {"follow_up.due", "permit.granted"}
    read = {name for name, kind in EVENT_TYPES.items() if kind.model in reading.READ}
    assert {way.event for way in WAYS} - of_its_own == read | set(OUTCOMES)


def test_a_text_of_the_customer_is_evidence_of_its_number():
    event = declared(
        next(m for m in FIELDS if m.__name__ == "ContactReceived"),
        START,
        channel="sms",
        result="delivered",
    )
    contact, text = reading.entries(event)
    assert (contact.direction, contact.channel, contact.result) == ("in", "sms", "delivered")
    assert (text.type, text.point) == ("consumer.text", "p-mobile")


def test_what_happened_before_it_was_told_is_known_from_when_it_was_told():
    earlier = START - days(2)
    event = declared(
        next(m for m in FIELDS if m.__name__ == "CeaseWritten"), START, occurred_at=earlier
    )
    (entry,) = reading.entries(event)
    assert (entry.at, entry.rec) == (earlier, START)


def test_times_and_channels_are_in_the_gate_s_words():
    windows = reading.entries(TOLD["inconvenient.declared"])
    assert [(entry.local, entry.weekdays) for entry in windows] == [
        (("09:00-11:00",), (1, 2)), (("20:30-08:30",), (1, 2)),
    ]  # fmt: skip
    (optout,) = reading.entries(TOLD["opt_out.declared"])
    assert (optout.scope, optout.channel) == ("channel", "im")
    (optout,) = reading.entries(TOLD["do_not_call.declared"])
    assert (optout.scope, optout.channel) == ("channel", "call")


def test_an_agency_s_contact_is_one_fact_under_its_own_id():
    event = TOLD["agency.contacted"]
    (entry,) = reading.entries(event)
    assert (entry.src, entry.id) == ("/agencies/AG1", "C1")
    assert (entry.collector, entry.direction, entry.creditor) == ("AG1", "out", "")


def test_an_insolvency_that_ended_ends_no_stay():
    assert reading.entries(bankrupt(START, ended=True)) == ()
    (filed,) = reading.entries(bankrupt(START))
    assert (filed.type, filed.case) == ("bankruptcy.filed", "N1")


def test_a_release_ends_what_it_was_given_for_and_nothing_else():
    begun = reading.entries(commanded.disputed(START, "H1")) + reading.entries(
        commanded.represented(START, "H2")
    )
    later = reading.entries(commanded.let_go(START + timedelta(days=1), "H2"))
    read = list(reading.completed(begun + later, ("A", "B")))
    assert [entry.type for entry in read] == [
        "dispute.opened",
        "attorney.known",
        "attorney.released",
    ]
    assert read[-1].debts == ("A", "B"), "a release of no debt in particular is one of all"
    alone = list(reading.completed(later, ("A",)))
    assert alone == []


def test_a_reservation_that_came_to_nothing_goes_only_while_it_is_one():
    reserved = Entry(
        id="P",
        src=outcomes.SRC,
        type="contact",
        at=START,
        result="pending",
        expires=START + days(1),
    )
    soon = START + days(0.1)
    over = outcomes.with_outcome(reserved, outcomes.GONE, soon)
    assert (over.result, over.at, over.expires, over.rec) == ("pending", START, START, soon)
    assert outcomes.with_outcome(over, outcomes.GONE, START + days(1)) == over
    ahead = replace(reserved, at=START + days(2), expires=START + days(3))
    over = outcomes.with_outcome(ahead, outcomes.GONE, soon)
    assert (over.at, over.expires) == (soon, soon), "it counts neither now nor on its day"
    left = outcomes.with_outcome(reserved, "pending", START)
    assert left.expires is None
    assert outcomes.with_outcome(left, outcomes.GONE, START) == left


def test_other_facts_bring_nothing():
    paid = core_banking.PaymentReversed(
        customer_id="C1", payment_id="P", account_id="A", reason="x"
    )
    assert (
        reading.entries(
            Event(id="1", source="/s", type="payment.reversed", subject="C1", time=START, data=paid)
        )
        == ()
    )
    assert not outcomes.result_of(
        commands.NoteTaken(customer_id="C1", by="u", reason="r", text="t")
    )
    assert (
        outcomes.permit_of(
            notifier.ContactUnknown(
                customer_id="C1", follow_up_id="F", effect_id="E", channel="sms"
            )
        )
        == ""
    )
