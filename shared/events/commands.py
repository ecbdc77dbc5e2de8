"""What people do to a case, and what customers declare: facts that enter by HTTP, each with who said so and why.

`by` is the caller's subject, an opaque id; `reason` is free text of the bank's people: it never holds a card,
identity or telephone number (the routes refuse it). A `hold_id` is used once: its release wins for ever.
"""

from datetime import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name
from shared.events.scheduler import Channel

Reason = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")
]
"""Why, in a person's words: printable text of at most 500 characters."""
NoteText = Annotated[
    str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")
]

OptOutScope = Literal["point", "channel", "topic", "caller"]


class Said(Fact, frozen=True, kw_only=True):
    """A command or a declaration: `by` gave it or took it in, for this `reason`."""

    by: Name
    reason: Reason


class Happened(Said, frozen=True, kw_only=True):
    """
    Something that was so before anybody told it: at `occurred_at` (none: at the event's time), never in the future.

    A letter that is scanned two days late, an opt-out told at the counter: order and periods go by it.
    """

    occurred_at: Instant | None = None


class HoldPlaced(Said, frozen=True, kw_only=True):
    """Somebody stops all contact, up to and including the business date `until_on` (None: until released)."""

    hold_id: Name
    until_on: DateOn | None = None


class HoldReleased(Said, frozen=True, kw_only=True):
    """Somebody lets go a hold of any kind below: a hold, a dispute that is resolved, a complaint that is answered."""

    hold_id: Name


class NoteTaken(Said, frozen=True, kw_only=True):
    """Something worth remembering; nothing follows from it."""

    text: NoteText


class MessageWritten(Said, frozen=True, kw_only=True):
    """
    Somebody wrote to the customer in free words; the lexicon found them harmless and `tags` in them.

    `content` is the text sealed under the customer's key (shared/vault/sentences.py); it leaves within the frame of the
    `channel`, in `language`, when the gate allows it.
    """

    message_id: Name
    channel: Literal["sms", "email", "wechat"]
    point_id: Name
    purpose: Literal["collect", "reply", "verification", "dispute_outcome"] = "reply"
    language: Name
    tags: tuple[Name, ...] = ()
    content: Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"^txt:1:[\w=-]+$")]


class ClosureDecided(Said, frozen=True, kw_only=True):
    """Somebody ends the episode: the debt stands, but is not pursued until something newer becomes overdue."""

    cause: Literal["uncollectable", "fraud", "bank_error", "goodwill", "other"]


class PromiseTaken(Said, frozen=True, kw_only=True):
    """The debtor promised to pay by a date, to this person; without an amount, all that is overdue."""

    promise_id: Name
    promised_on: DateOn
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None


class PaymentClaimed(Said, frozen=True, kw_only=True):
    """
    The debtor says that they paid, on `paid_on` (None: the day of this event): contact waits for the money.

    Without an account any payment of the customer counts, without an amount a payment of any size.
    """

    hold_id: Name
    account_id: Name | None = None
    paid_on: DateOn | None = None
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None


class DoNotCallDeclared(Happened, frozen=True, kw_only=True):
    """The debtor does not want to be called any more; other channels go on."""


class DisputeRaised(Happened, frozen=True, kw_only=True):
    """The debt is contested (of one account, or all): contact rests until somebody releases the hold."""

    hold_id: Name
    account_id: Name | None = None
    written: bool = False


class ComplaintRaised(Said, frozen=True, kw_only=True):
    """The conduct of the collection is contested: contact rests until somebody releases the hold."""

    hold_id: Name


class HardshipDeclared(Said, frozen=True, kw_only=True):
    """The debtor cannot pay for reasons to be looked into: contact rests up to and including `until_on`.

    Without a date it rests for the days that the strategy says.
    """

    hold_id: Name
    until_on: DateOn | None = None


class OptOutDeclared(Happened, frozen=True, kw_only=True):
    """
    The customer does not want this point (of any channel), this channel, this topic, or us (`caller`) any more.

    Topic and caller concern what machines send and say; people may still call.
    """

    scope: OptOutScope
    point_id: Name | None = None
    channel: Channel | None = None
    topic: str = ""


class LocalWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From `start` to `end` (not included) of the customer's local time, on `days` (ISO: 1 is Monday; none: all)."""

    start: time
    end: time
    days: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = ()


class InconvenientDeclared(Happened, frozen=True, kw_only=True):
    """The customer named times at which contact is not convenient; a later declaration adds to earlier ones."""

    windows: Annotated[tuple[LocalWindow, ...], Meta(min_length=1, max_length=21)]


class AttorneyAppointed(Happened, frozen=True, kw_only=True):
    """The customer is represented (at the contact point `point_id`, if it is known): nobody contacts them directly."""

    hold_id: Name
    point_id: Name | None = None


class VisitOutcomeRecorded(Said, frozen=True, kw_only=True):
    """Somebody records what came of a visit, like the report of the field staff."""

    visit_id: Name
    outcome: Literal["met", "absent", "moved", "promised", "hardship", "refused_to_talk"]
    promised_on: DateOn | None = None


class CourtOutcomeRecorded(Said, frozen=True, kw_only=True):
    """Somebody records what a court date brought, like the notice of the court; `filing_id` names the filing."""

    filing_id: Name
    outcome: Literal[
        "accepted", "rejected", "granted", "dismissed", "settled", "recovered", "no_assets"
    ]
    case_no: str = ""


SCHEDULER: dict[str, type[Said]] = {
    "hold.placed": HoldPlaced,
    "hold.released": HoldReleased,
    "note.taken": NoteTaken,
    "message.written": MessageWritten,
    "closure.decided": ClosureDecided,
    "promise.taken": PromiseTaken,
    "payment.claimed": PaymentClaimed,
    "do_not_call.declared": DoNotCallDeclared,
    "dispute.raised": DisputeRaised,
    "complaint.raised": ComplaintRaised,
    "hardship.declared": HardshipDeclared,
    "opt_out.declared": OptOutDeclared,
    "inconvenient.declared": InconvenientDeclared,
    "attorney.appointed": AttorneyAppointed,
}
VISITS: dict[str, type[Said]] = {"visit.outcome_recorded": VisitOutcomeRecorded}
LEGAL: dict[str, type[Said]] = {"court.outcome_recorded": CourtOutcomeRecorded}
TYPES: dict[str, type[Said]] = {**SCHEDULER, **VISITS, **LEGAL}
