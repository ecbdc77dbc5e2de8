"""What the scheduler publishes: the case, its bucket and ladder, and every timed follow-up."""

from typing import Literal

import msgspec

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name
from shared.events.permits import GRANTED, Permit

Channel = Literal["sms", "call", "email", "wechat", "letter"]
FollowUpKind = Literal["contact", "visit", "legal", "requested"]
CaseStage = Literal["reminder", "contact", "letter", "visit", "legal"]
HaltReason = Literal["person", "says_paid", "dispute", "complaint", "hardship", "attorney"]
"""Why a person, or a customer's word, stopped contact."""


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in one currency; amounts of different currencies are never summed."""

    currency: Currency
    amount_minor: AmountMinor


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One way to make a contact: the channel, the contact point, the text; the first choice bears its permit.

    `content` is a person's free text within the frame `template`, sealed under the customer's key for `message_id`.
    """

    channel: Channel
    point_id: Name
    template: Name
    permit: Permit | None = None
    content: str = ""
    message_id: str = ""


class Situation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    How the case stands when a step is taken: all that the receiving service may judge by.

    `dpd` counts days past due of the oldest unpaid instalment; `cures` and `broken_promises` are the
    credit history that Arrears has seen; `address_point_id` is the debtor's postal point, if any;
    `accounts` lists the accounts with something overdue; `unreachable`: no electronic contact point of
    the debtor works.
    """

    dpd: int
    bucket: str
    overdue: tuple[Amount, ...]
    oldest_due_on: DateOn
    accounts: tuple[Name, ...]
    language: str = "zh-CN"
    region: str = ""
    time_zones: tuple[str, ...] = ()
    country: str = ""
    risk_grade: str | None = None
    flags: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    secured: bool = False
    creditor: str = ""
    cures: int = 0
    kept_promises: int = 0
    broken_promises: int = 0
    address_point_id: str | None = None
    unreachable: bool = False


class CaseOpened(Fact, frozen=True, kw_only=True):
    """Something became overdue: episode 1 is the customer's first, a later one a reopening."""

    episode: int
    oldest_due_on: DateOn
    dpd: int
    bucket: str
    overdue: tuple[Amount, ...]


class BucketChanged(Fact, frozen=True, kw_only=True):
    """The case rolled from one DPD bucket to another (either way); M0 is nothing overdue."""

    episode: int
    from_bucket: str
    to_bucket: str
    dpd: int
    as_of_on: DateOn


class SegmentAssigned(Fact, frozen=True, kw_only=True):
    """Which segment, and so which ladder, the case of this episode follows."""

    episode: int
    segment: str
    strategy: str


class StageEntered(Fact, frozen=True, kw_only=True):
    """The ladder reached a further stage."""

    episode: int
    stage: str
    step: str


class FollowUpDue(Fact, frozen=True, kw_only=True):
    """
    It is time: a step of the ladder (kinds contact, visit, legal), or what a service requested.

    Act not before `not_before` and not from `not_after` on. A contact is tried in the order of `choices`.
    """

    follow_up_id: Name
    kind: FollowUpKind
    episode: int = 0
    stage: str = ""
    step: str = ""
    attempt: int = 1
    purpose: str = ""
    choices: tuple[Choice, ...] = ()
    not_before: Instant | None = None
    not_after: Instant | None = None
    situation: Situation | None = None


class FollowUpCancelled(Fact, frozen=True, kw_only=True):
    """A step that was due is not to be taken any more; whatever of it is under way stops."""

    follow_up_id: Name
    kind: FollowUpKind
    reason: str


class StepSkipped(Fact, frozen=True, kw_only=True):
    """A step of the ladder was not taken, and why: `skipped_stale`, `no_contact_point`, `points_exhausted`."""

    episode: int
    step: str
    reason: str


class HoldApplied(Fact, frozen=True, kw_only=True):
    """
    Nothing is done about the case while the hold stands.

    `reason`: deceased, bankrupt, promise, diverged, or one of HaltReason. It ends with the business
    date `until_on`, or at `until_at`, unless something ends it before; neither: only a fact ends it.
    """

    hold_id: Name
    reason: str
    until_on: DateOn | None = None
    until_at: Instant | None = None


class HoldLifted(Fact, frozen=True, kw_only=True):
    """The hold does not stand any more."""

    hold_id: Name
    reason: str


class PromiseKept(Fact, frozen=True, kw_only=True):
    """The promised money came in time, wholly or partly."""

    promise_id: Name
    partly: bool = False


class PromiseBroken(Fact, frozen=True, kw_only=True):
    """The promised money did not come."""

    promise_id: Name


class StepRegretted(Fact, frozen=True, kw_only=True):
    """A contact left although its step had been withdrawn: it could not be stopped any more."""

    follow_up_id: Name
    effect_id: Name


class CaseDiverged(Fact, frozen=True, kw_only=True):
    """Core banking's statement and our fold of its facts differ on this account."""

    account_id: Name
    as_of_on: DateOn
    stated_minor: AmountMinor
    derived_minor: AmountMinor
    currency: Currency


class CaseMerged(Fact, frozen=True, kw_only=True):
    """
    The case of `from_customer_id` goes on in this customer's; `facts` by business key, those that are new.

    The first one holds everything, and each fact that still arrives at the ended case is handed on by another.
    """

    from_customer_id: Name
    facts: dict[str, object] = {}


ClosingCause = Literal["cured", "nothing_collectable", "closed_by_person", "merged"]
"""Paid; nothing left to collect; a person decided so; it goes on in the case of another record of the same person."""


class CaseClosed(Fact, frozen=True, kw_only=True):
    """Nothing is pursued here any more; `cause` says why."""

    episode: int
    cause: ClosingCause
    paid: tuple[Amount, ...] = ()


TYPES: dict[str, type[Fact]] = {
    "case.opened": CaseOpened,
    "bucket.changed": BucketChanged,
    "segment.assigned": SegmentAssigned,
    "stage.entered": StageEntered,
    "follow_up.due": FollowUpDue,
    "follow_up.cancelled": FollowUpCancelled,
    "step.skipped": StepSkipped,
    "hold.applied": HoldApplied,
    "hold.lifted": HoldLifted,
    "promise.kept": PromiseKept,
    "promise.broken": PromiseBroken,
    "step.regretted": StepRegretted,
    "case.diverged": CaseDiverged,
    "case.merged": CaseMerged,
    "case.closed": CaseClosed,
    **GRANTED,
}
