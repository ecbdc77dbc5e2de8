"""What visits knows of one customer: each visit and how far it has come, and the holds that stand."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from shared.decision import CaseState
from shared.events.commands import VisitOutcomeRecorded
from shared.events.envelope import DateOn, Fact, Instant
from shared.events.permits import Permit
from shared.events.scheduler import Situation
from shared.events.visits import FieldReport
from shared.ids import derive

Stage = Literal["due", "waiting", "asked", "scheduled", "ordered", "ended"]
STAGES: tuple[Stage, ...] = ("due", "waiting", "asked", "scheduled", "ordered")
"""The stages of a visit under way, the furthest last; the case shows the furthest of its visits."""

AT_THE_DOOR = ("absent", "moved", "refused_to_talk", "hardship", "met", "promised")
NOT_MADE = ("failed", "refused", "unknown")
_WEIGHT = {name: index for index, name in enumerate(("", "sent", *NOT_MADE, *AT_THE_DOOR))}
CLOSED = "case_closed"


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was reported of an order and is not acted upon yet: the weightiest report counts."""

    outcome: str
    reason: str = ""
    promised_on: DateOn | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the scheduler said last, at `at`, of a permit that was asked: the permit, or none and when to ask again."""

    at: Instant
    permit: Permit | None = None
    earliest_next: Instant | None = None


class Visit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One follow-up of kind visit.

    `permit_id` is asked for the current plan, `answer` what was said of it and not acted upon yet,
    `granted_at` when the order's permit was given, `refused` counts the refusals.
    `attempt` numbers the plans (0: none yet), `made` counts those that were used up, `asked` the
    requests to the clock. `wanted` is the requested follow-up that is awaited, `came` that it is due.
    `told` is the outcome of the current order that was acted upon, `report` the one that was not yet.
    `stop` and `recalled` are why it must end, or was called back; `held`: a tick found it due while
    a hold stood.
    """

    episode: int
    stage: Stage = "due"
    situation: Situation | None = None
    not_after: Instant | None = None
    attempt: int = 0
    made: int = 0
    asked: int = 0
    region: str = ""
    visit_on: DateOn | None = None
    staff: tuple[str, ...] = ()
    wanted: str = ""
    came: bool = False
    permit_id: str = ""
    answer: Answer | None = None
    granted_at: Instant | None = None
    refused: int = 0
    told: str = ""
    report: Report | None = None
    stop: str = ""
    recalled: str = ""
    held: bool = False
    ended_at: Instant | None = None


class FieldBook(CaseState, frozen=True, kw_only=True):
    """The visits to one customer by follow_up_id, and the holds that stand (hold_id -> reason)."""

    visits: dict[str, Visit] = {}
    holds: dict[str, str] = {}


def visit_id(customer_id: str, follow_up_id: str, attempt: int) -> str:
    """Answer the id of one attempt to visit."""
    return derive("visits", customer_id, follow_up_id, attempt)


def order_id(customer_id: str, follow_up_id: str, attempt: int) -> str:
    """Answer the effect id of the order for one attempt."""
    return derive("visits", customer_id, follow_up_id, attempt, "order")


def permit_id(customer_id: str, follow_up_id: str, attempt: int) -> str:
    """Answer the id of the permit for one attempt."""
    return derive("visits", customer_id, visit_id(customer_id, follow_up_id, attempt), "permit")


def later(one: Answer, other: Answer) -> Answer:
    """Choose what counts of two answers: the one given later, of two at once the refusal."""
    return max(one, other, key=lambda each: (each.at, each.permit is None, repr(each)))


def is_known(book: FieldBook, customer_id: str, wanted: str) -> bool:
    """Tell whether *wanted* is the latest attempt of one of the visits."""
    return any(
        visit.attempt and visit_id(customer_id, key, visit.attempt) == wanted
        for key, visit in book.visits.items()
    )


def as_told(said: Fact, book: FieldBook) -> Fact:
    """Answer a fact as it is, but what a person recorded of a visit as the report of its order."""
    if not isinstance(said, VisitOutcomeRecorded):
        return said
    orders = (
        order_id(said.customer_id, key, visit.attempt)
        for key, visit in book.visits.items()
        if visit_id(said.customer_id, key, visit.attempt) == said.visit_id
    )
    return FieldReport(
        customer_id=said.customer_id,
        effect_id=next(orders, said.visit_id),
        outcome=said.outcome,
        promised_on=said.promised_on,
    )


def stage_of(visits: Iterable[Visit]) -> str:
    """Name the furthest stage of the visits under way; idle when there is none."""
    under_way = {visit.stage for visit in visits}
    return next((stage for stage in reversed(STAGES) if stage in under_way), "idle")


def rank(outcome: str) -> int:
    """Order what is known: nothing, handed over, not made (it may still prove wrong), seen at the door."""
    return 3 if outcome in AT_THE_DOOR else 2 if outcome in NOT_MADE else int(outcome == "sent")


def weight(report: Report) -> tuple[int, str, str]:
    return _WEIGHT[report.outcome], str(report.promised_on or ""), report.reason
