"""What the scheduler knows of a customer: facts by business key, the episode, and what is under way."""

from datetime import date, datetime
from typing import Any

import msgspec

from shared.compliance.entries import Entry
from shared.decision import CaseState
from shared.events.core_banking import Allocation, Party, PointKind, StatedInstalment
from shared.events.permits import Permit, PermitChannel, PermitRefused
from shared.events.scheduler import Channel, FollowUpKind, HaltReason
from shared.permits.running import Terms


class Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the stored state; what has its default is left out, to keep the state small."""


class Point(Stored, frozen=True):
    """A contact point without its value."""

    kind: PointKind
    party: Party
    zones: tuple[str, ...] = ()
    place: str = ""


class Customer(Stored, frozen=True):
    """The latest record of the customer: the later (time, id) wins."""

    time: datetime
    id: str
    language: str
    time_zones: tuple[str, ...] = ()
    region: str = ""
    country: str = ""
    state: str = ""
    city: str = ""
    risk_grade: str | None = None
    flags: tuple[str, ...] = ()
    preferred_channel: str | None = None
    points: dict[str, Point] = {}


class Instalment(Stored, frozen=True):
    """
    What is known of an instalment by the assertion that wins: the later (as_of, time, id).

    `owed` is False while only `payment.due` speaks of it: it will fall due, but is not known unpaid.
    """

    due_on: date
    amount_minor: int
    currency: str
    as_of: datetime
    time: datetime
    id: str
    owed: bool = True


class Payment(Stored, frozen=True):
    """A payment; `currency` is empty while only its reversal is known. `inferred`: an import concluded it."""

    amount_minor: int = 0
    currency: str = ""
    value_on: date | None = None
    time: datetime | None = None
    id: str = ""
    allocations: tuple[Allocation, ...] = ()
    reversed_at: datetime | None = None
    inferred: bool = False


class Opening(Stored, frozen=True):
    """The earliest statement: the opening balance where no earlier fact speaks of amounts."""

    time: datetime
    id: str
    as_of_on: date
    overdue_minor: int
    currency: str
    oldest_due_on: date | None = None
    instalments: tuple[StatedInstalment, ...] = ()


class Statement(Stored, frozen=True):
    """A statement to compare with the facts: what core banking's books said was overdue on `as_of_on`."""

    time: datetime
    id: str
    as_of_on: date
    overdue_minor: int
    currency: str


class Account(Stored, frozen=True):
    """
    An account: its record (`time`, `id` of the latest), and all facts about its money.

    `statement` is the latest by (as_of_on, time, id), unless that is the `opening`. `terms` are the record's, of
    legal periods. `given_up_at`: when a person closed the case of an ended customer whose account this was.
    """

    time: datetime | None = None
    id: str = ""
    product: str = ""
    creditor: str = ""
    role: str = ""
    secured: bool = False
    creditor_kind: str = ""
    terms: Terms | None = None
    closed: tuple[str, ...] = ()
    given_up_at: datetime | None = None
    first_amount_at: datetime | None = None
    opening: Opening | None = None
    statement: Statement | None = None
    instalments: dict[str, Instalment] = {}
    payments: dict[str, Payment] = {}


class Promise(Stored, frozen=True):
    """A live promise to pay; without an amount, all that is overdue."""

    promised_on: date
    made_at: datetime
    amount_minor: int | None = None
    currency: str | None = None


class Halt(Stored, frozen=True):
    """
    A hold that a person placed, or that the customer's word brought, from `at` on.

    `until_on` is its last day, if any. The rest is known of an awaited payment: `paid_on` when it is said to be made.
    """

    reason: HaltReason
    at: datetime
    until_on: date | None = None
    account_id: str = ""
    paid_on: date | None = None
    amount_minor: int | None = None
    currency: str = ""


class Offer(Stored, frozen=True):
    """One choice of a contact, as it was published."""

    channel: Channel
    point_id: str
    template: str


class Written(Stored, frozen=True):
    """What a person (`by`) wrote, while it waits for the gate: `content` is sealed for the customer, `tags` are what it says."""

    at: datetime
    by: str
    channel: Channel
    point_id: str
    purpose: str
    content: str
    tags: tuple[str, ...] = ()


class OpenStep(Stored, frozen=True):
    """
    A follow-up of the ladder that was published and is not over yet.

    `about` is empty for a step of the episode; for a reminder before the due date it names the instalment
    (account/instalment/step). `sent` names the effects of it that have left. A contact has `offers`, its choices;
    `turn` is the one that has a permit, `permit_id`; `failed` are the permits of those that were told failed while
    another was left. It is over at `not_after`.
    """

    step: str
    kind: FollowUpKind
    attempt: int = 1
    sent: tuple[str, ...] = ()
    about: str = ""
    offers: tuple[Offer, ...] = ()
    turn: int = 0
    permit_id: str = ""
    failed: tuple[str, ...] = ()
    not_after: datetime | None = None


class Taken(Stored, frozen=True):
    """What became of a step of the ladder in this episode; `again` lets it be taken once more, from `after` on."""

    attempt: int = 1
    result: str = ""
    again: bool = False
    after: datetime | None = None


class Asked(Stored, frozen=True):
    """
    A permit that was asked for at `at`: by a person (`by`), who wants to act at once, or by a service, for a contact
    of its follow-up within [`not_before`, `not_after`).

    `accounts` are the debts to be spoken of (none: all that is overdue); the rest says what would be done.
    """

    at: datetime
    channel: PermitChannel
    point_id: str
    by: str = ""
    follow_up_id: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    purpose: str = ""
    accounts: tuple[str, ...] = ()
    contacted: str = ""
    place: str = ""
    topic: str = ""
    template: str = ""
    tags: tuple[str, ...] = ()
    conduct: dict[str, Any] = {}


class Answer(Stored, frozen=True):
    """What a person who asked for a permit was told at `at`: the permit, or what stood in the way."""

    at: datetime
    permit: Permit | None = None
    refused: PermitRefused | None = None


class Request(Stored, frozen=True):
    """A follow-up that another service asked for."""

    due_at: datetime
    purpose: str


class Merger(Stored, frozen=True):
    """Core banking's word that the record `ended` goes on in the record `survivor`; the earliest (time, id) of it."""

    ended: str
    survivor: str
    time: datetime
    id: str


class CollectionCase(CaseState, frozen=True, kw_only=True):
    """
    The case of a customer over all accounts.

    `stage` is idle (nothing overdue), open (no step yet) or the furthest stage of the ladder. `open` and `requests`
    are keyed by follow_up_id; `spent` holds ids of follow-ups that were fired or withdrawn and of promises that were
    settled, with the instant from which they are remembered; `cancelled` holds follow-ups of which a contact may
    still turn out to have left, and the effects that are known to have; `regrets` maps effects that left too late to
    their follow-up; `changes` numbers repeated announcements. `log` is what the gate knows, by (source, id); `asked`
    the permits that wait for an answer; `answers` what people were told lately, for who asks again; `given` those
    that services got and have not used; `refusals` the sets of rules that were told to be in the way of a step, by
    step and attempt. `shared` maps a point whose number stands in k customers' files to (k, rank), rank 0 being the
    oldest. `mergers` are all that are known, in their order; `heard_of` names the ended customers whose facts were
    handed over to this case. At a case that ended, `handed` tells for each survivor named whether the facts went
    there, and `to_hand` what changed since (a field, or field/key).
    """

    customer: Customer | None = None
    accounts: dict[str, Account] = {}
    deceased: tuple[datetime, bool] | None = None
    bankrupt: dict[str, tuple[datetime, bool]] = {}
    mergers: tuple[Merger, ...] = ()
    heard_of: tuple[str, ...] = ()
    handed: dict[str, bool] = {}
    to_hand: tuple[str, ...] = ()
    invalid: dict[str, datetime] = {}
    shared: dict[str, tuple[int, int]] = {}
    log: dict[str, Entry] = {}
    promises: dict[str, Promise] = {}
    halts: dict[str, Halt] = {}
    closure: datetime | None = None
    episode: int = 0
    opened_at: datetime | None = None
    bucket: str = "M0"
    steps: dict[str, Taken] = {}
    open: dict[str, OpenStep] = {}
    cancelled: dict[str, datetime] = {}
    regrets: dict[str, str] = {}
    reminded: dict[str, datetime] = {}
    holds: tuple[str, ...] = ()
    diverged: dict[str, str] = {}
    cures: int = 0
    kept: int = 0
    broken: int = 0
    changes: int = 0
    messages: dict[str, Written] = {}
    requests: dict[str, Request] = {}
    asked: dict[str, Asked] = {}
    answers: dict[str, Answer] = {}
    given: dict[str, Asked] = {}
    refusals: dict[str, tuple[str, ...]] = {}
    spent: dict[str, datetime] = {}
