"""Facts and beginnings of stories about visits to customer C1."""

from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from services.visits.domain.state import order_id, permit_id, visit_id
from services.visits.policy import VisitPolicy
from services.visits.service import VISITS
from shared.events.commands import VisitOutcomeRecorded
from shared.events.common import FollowUpWithdrawn
from shared.events.envelope import Event
from shared.events.permits import InTheWay, Permit, PermitGranted, PermitRefused
from shared.events.scheduler import (
    Amount,
    CaseClosed,
    FollowUpCancelled,
    FollowUpDue,
    HoldApplied,
    HoldLifted,
    Situation,
)
from shared.events.visits import FieldReport, VisitCompleted, VisitFailed
from shared.ids import derive
from shared.testing import START, Story, days, fact, given, of_type, tick

C1 = "C1"
POLICY = VisitPolicy()
SITUATION = Situation(
    dpd=45,
    bucket="M2",
    overdue=(Amount(currency="CNY", amount_minor=500_000),),
    oldest_due_on=date(2026, 1, 16),
    accounts=("A1",),
    region="Beijing",
    time_zones=("Asia/Shanghai",),
    country="CN",
    risk_grade="C",
    address_point_id="P1",
)


def situation(**changes: Any) -> Situation:
    return replace(SITUATION, **changes)


def due(follow_up_id: str = "F1", at: datetime = START, **fields: Any) -> Event:
    values = {"kind": "visit", "episode": 1, "situation": SITUATION, **fields}
    return fact(FollowUpDue(customer_id=C1, follow_up_id=follow_up_id, **values), at)


def asked(number: int, follow_up_id: str = "F1", at: datetime = START, **fields: Any) -> Event:
    """The requested follow-up with that number comes due."""
    wanted = derive("visits", C1, follow_up_id, "ask", number)
    return due(wanted, at, kind="requested", **{"episode": 0, "situation": None, **fields})


def cancelled(follow_up_id: str = "F1", at: datetime = START, reason: str = "paid up") -> Event:
    data = FollowUpCancelled(customer_id=C1, follow_up_id=follow_up_id, kind="visit", reason=reason)
    return fact(data, at)


def closed(episode: int = 1, at: datetime = START) -> Event:
    return fact(CaseClosed(customer_id=C1, episode=episode, cause="cured"), at)


def held(hold_id: str = "H1", at: datetime = START, reason: str = "dispute") -> Event:
    return fact(HoldApplied(customer_id=C1, hold_id=hold_id, reason=reason), at)


def lifted(hold_id: str = "H1", at: datetime = START, reason: str = "dispute") -> Event:
    return fact(HoldLifted(customer_id=C1, hold_id=hold_id, reason=reason), at)


NOON, EVENING = datetime(2026, 3, 4, 4, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)
"""The hours of the first visit."""


def leave(attempt: int = 1, follow_up_id: str = "F1", **fields: Any) -> Permit:
    usual = {
        "permit_id": permit_id(C1, follow_up_id, attempt),
        "channel": "visit",
        "point_id": "P1",
        "not_before": START,
        "not_after": START + days(90),
        "packs": ("firm@1:abc",),
    }
    return Permit(**{**usual, **fields})


def granted(attempt: int = 1, follow_up_id: str = "F1", at: datetime = START, **f: Any) -> Event:
    permit = leave(attempt, follow_up_id, **f)
    data = PermitGranted(customer_id=C1, permit=permit, follow_up_id=follow_up_id)
    return fact(data, at)


def refused(attempt: int = 1, at: datetime = START, earliest_next: datetime | None = None) -> Event:
    data = PermitRefused(
        customer_id=C1, permit_id=permit_id(C1, "F1", attempt), channel="visit", point_id="P1",
        follow_up_id="F1", reasons=(InTheWay(rule="CN.TIME.QUIET"),), earliest_next=earliest_next,
    )  # fmt: skip
    return fact(data, at)


def report(
    outcome: str, attempt: int = 1, follow_up_id: str = "F1", at: datetime = START, **fields: Any
) -> Event:
    order = order_id(C1, follow_up_id, attempt)
    return fact(FieldReport(customer_id=C1, effect_id=order, outcome=outcome, **fields), at)


def recorded(outcome: str, attempt: int = 1, at: datetime = START, **fields: Any) -> Event:
    """A person records what came of a visit."""
    data = VisitOutcomeRecorded(
        customer_id=C1, by="u-7", reason="told by phone", visit_id=visit(attempt), outcome=outcome, **fields,
    )  # fmt: skip
    return fact(data, at)


def visit(attempt: int = 1, follow_up_id: str = "F1") -> str:
    return visit_id(C1, follow_up_id, attempt)


def ask(number: int, follow_up_id: str = "F1") -> str:
    return derive("visits", C1, follow_up_id, "ask", number)


def failed(
    reason: str, *, final: bool, attempt: int = 1, follow_up_id: str = "F1", planned: bool = True
) -> VisitFailed:
    """A visit that was *planned*, not screened out, had asked for leave."""
    planned = planned and not reason.startswith("screened_out")
    return VisitFailed(
        customer_id=C1,
        visit_id=visit(attempt, follow_up_id),
        follow_up_id=follow_up_id,
        reason=reason,
        final=final,
        permit_id=permit_id(C1, follow_up_id, attempt) if planned else "",
    )


def completed(outcome: str) -> VisitCompleted:
    return VisitCompleted(
        customer_id=C1,
        visit_id=visit(),
        follow_up_id="F1",
        outcome=outcome,  # type: ignore[arg-type]
        permit_id=permit_id(C1, "F1", 1),
    )


def withdrawn(number: int) -> FollowUpWithdrawn:
    return FollowUpWithdrawn(customer_id=C1, follow_up_id=ask(number))


def reasons(story: Story) -> list[tuple[str, bool]]:
    return [(f.reason, f.final) for f in of_type(story.published, VisitFailed)]


def idle() -> Story:
    return given(VISITS)


def due_under_hold() -> Story:
    return given(VISITS, held("H0"), due(), tick())


def asking() -> Story:
    return given(VISITS, due(), tick())


def scheduled() -> Story:
    return asking().given(granted(), tick())


def ordered() -> Story:
    return scheduled().given(report("sent"), tick())


def waiting() -> Story:
    return ordered().given(report("absent"), tick())


def ended() -> Story:
    return ordered().given(report("hardship"), tick())


STAGES = {
    "idle": idle,
    "due": due_under_hold,
    "asked": asking,
    "scheduled": scheduled,
    "ordered": ordered,
    "waiting": waiting,
    "ended": ended,
}
