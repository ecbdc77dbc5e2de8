"""What visits publishes about field visits, and the field staff's reports that it takes in over HTTP."""

from typing import Literal

from shared.events.envelope import AmountMinor, Currency, DateOn, Fact, Instant, Name

VisitOutcome = Literal["met", "absent", "moved", "promised", "hardship", "refused"]


class VisitProposed(Fact, frozen=True, kw_only=True):
    """Screening speaks for a visit; `score` orders the proposals of a team (higher first)."""

    visit_id: Name
    follow_up_id: Name
    episode: int
    attempt: int
    region: str
    point_id: Name
    score: int


class VisitScheduled(Fact, frozen=True, kw_only=True):
    """Two named members of staff (staff ids), a day, and the identity card that they show."""

    visit_id: Name
    follow_up_id: Name
    visit_on: DateOn
    staff: tuple[Name, ...]
    identity_card: Name
    permit_id: str = ""


class VisitCompleted(Fact, frozen=True, kw_only=True):
    """The staff stood at the door and report what came of it."""

    visit_id: Name
    follow_up_id: Name
    outcome: VisitOutcome
    permit_id: str = ""


class VisitFailed(Fact, frozen=True, kw_only=True):
    """No visit is made or none came about: `screened_out:<criterion>`, `no_permit`, `absent`, `expired` ..."""

    visit_id: Name
    follow_up_id: Name
    reason: str
    final: bool
    permit_id: str = ""


class VisitCancelled(Fact, frozen=True, kw_only=True):
    """A visit that was planned is not made: the follow-up was cancelled, or its permit was taken back."""

    visit_id: Name
    follow_up_id: Name
    reason: str
    permit_id: str = ""


class VisitPromiseMade(Fact, frozen=True, kw_only=True):
    """At the door the debtor promised to pay by a date; without an amount, all that is overdue."""

    promise_id: Name
    follow_up_id: Name
    promised_on: DateOn
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None


class FieldReport(Fact, frozen=True, kw_only=True):
    """
    What the field staff (or our own effect worker) report of an order.

    `outcome`: sent (the staff have the order), one of VisitOutcome, or failed, refused, unknown as for
    every effect.
    """

    effect_id: Name
    outcome: Literal[
        "sent",
        "met",
        "absent",
        "moved",
        "promised",
        "hardship",
        "refused_to_talk",
        "failed",
        "refused",
        "unknown",
    ]
    reason: str = ""
    promised_on: DateOn | None = None
    at: Instant | None = None


PUBLISHED: dict[str, type[Fact]] = {
    "visit.proposed": VisitProposed,
    "visit.scheduled": VisitScheduled,
    "visit.completed": VisitCompleted,
    "visit.failed": VisitFailed,
    "visit.cancelled": VisitCancelled,
    "visit.promise_made": VisitPromiseMade,
}

BY_HTTP: dict[str, type[Fact]] = {"field.report": FieldReport}
