"""What a permit is in the gate's log: a contact that is pending until its outcome is told. Pure.

The entry of a permit is known by (`permit`, permit_id), whoever speaks of it. Outcomes only ever add to what is
known: the instant is that of the first one told, the result the weightiest, in whatever order they come.
"""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.canonical import canonical
from shared.compliance.entries import Entry
from shared.compliance.proposal import Proposal
from shared.events import contacts, legal, notifier, visits
from shared.events.permits import Permit

SRC = "permit"
GONE = "gone"
"""Nothing came of it and nothing will: the reservation ends, unless something did come of it."""
NOBODY_KNOWS = frozenset({"unknown", "unreported"})
"""Why a visit counts as failed although the order had left: they may have been at the door."""
_FAILED = {"unreachable": "no_answer", "invalid_point": "not_connected"}
_AT_THE_DOOR = {"absent": "no_answer", "moved": "answered"}
_WEIGHT = {"pending": 0, "delivered": 2, "answered": 3, "effective": 4}
"""All other results are failures (1): what is told to have arrived after all has arrived."""


def reservation(permit: Permit, proposals: tuple[Proposal, ...], now: datetime) -> Entry:
    """
    Answer the entry that the permit for the contact is, granted at *now*: pending until `not_after`.

    Where the debts have several creditors none is named, so that the contact counts for each.
    """
    first = proposals[0]
    creditors = {proposal.creditor for proposal in proposals}
    return Entry(
        id=permit.permit_id,
        src=SRC,
        type="contact",
        at=max(permit.not_before, now),
        rec=now if permit.not_before > now else None,
        person=first.person,
        contacted=first.contacted,
        debts=tuple(sorted({debt for proposal in proposals for debt in proposal.debts})),
        point=first.point,
        channel=first.channel,
        direction="out",
        result="pending",
        party=first.party,
        purpose=first.purpose,
        creditor=first.creditor if len(creditors) == 1 else "",
        collector=first.collector,
        expires=permit.not_after,
    )


def permit_of(data: Any) -> str:
    """Answer the permit under which what the fact tells of was done; "" for none."""
    return getattr(data, "permit_id", "") or ""


def result_of(data: Any) -> str:
    """Answer the result in the gate's words, GONE, or "" for a fact that tells no outcome."""
    match data:
        case notifier.ContactSent():
            return "pending" if data.channel == "call" else "delivered"
        case notifier.ContactDelivered() | legal.LegalLetterSent():
            return "delivered"
        case notifier.ContactAnswered():
            return "effective" if data.right_party else "answered"
        case notifier.ContactFailed():
            return _FAILED.get(data.reason, "failed")
        case notifier.ContactUnknown() | legal.LegalWithdrawn():
            return "pending"  # legal names the permit only of a letter that may have left
        case contacts.ContactReported():
            return data.result
        case visits.VisitCompleted():
            return _AT_THE_DOOR.get(data.outcome, "effective")
        case visits.VisitFailed():
            return "pending" if data.reason in NOBODY_KNOWS else GONE
        case notifier.ContactRefused() | visits.VisitCancelled():
            return GONE
        case _:
            return ""


def with_outcome(known: Entry, result: str, at: datetime) -> Entry:
    """
    Answer the permit's entry after *result* was told of it at *at*.

    A reservation that ends without a contact stays, over: what was withdrawn may have left after all, and counts then.
    """
    reserved = known.expires is not None
    if result == GONE:
        over = not reserved or _is_over(known)
        return known if over else gone(known, at)
    heavier = _heavier(known.result, result)
    return replace(
        known,
        at=at if reserved else min(known.at, at),
        rec=at if reserved or known.rec is None else max(known.rec, at),
        result=heavier,
        expires=None,
    )


def without_leave(data: Any, at: datetime) -> Entry | None:
    """
    Answer the entry of a visit of which no leave is known: it was made, so it counts. None for any other fact.

    It names no debt, no creditor and no party: it counts for each.
    """
    if not isinstance(data, visits.VisitCompleted):
        return None
    return Entry(
        id=data.permit_id or data.visit_id,
        src=SRC,
        type="contact",
        at=at,
        person=data.customer_id,
        channel="visit",
        direction="out",
        result=result_of(data),
    )


def gone(known: Entry, at: datetime) -> Entry:
    """Answer the reservation as it ended at *at*, for nothing: it counts no more, neither now nor at its hour."""
    over = min(known.at, at)
    return replace(known, at=over, rec=at if over < at else None, expires=over)


def joined(one: Entry, other: Entry) -> Entry:
    """Join two tellings of a permit's entry by those who heard of different outcomes: as if one had heard of all."""
    settled = [each for each in (one, other) if each.expires is None]
    if len(settled) == 1:
        return settled[0]
    if not settled:
        return max(one, other, key=_end_of_reservation)
    known = max(one, other, key=canonical)
    return replace(
        known,
        at=min(one.at, other.at),
        rec=max(one.rec or one.at, other.rec or other.at),
        result=_heavier(one.result, other.result),
    )


def _end_of_reservation(entry: Entry) -> tuple[bool, datetime, bytes]:
    return _is_over(entry), entry.rec or entry.at, canonical(entry)


def _is_over(entry: Entry) -> bool:
    return entry.expires is not None and entry.expires <= entry.at


def _heavier(one: str, other: str) -> str:
    return max(one, other, key=lambda each: (_WEIGHT.get(each, 1), each))
