"""Visits: send two members of staff to the debtor's door, and tell what came of it.

Each follow-up of kind visit is one visit, in up to `max_attempts` attempts:

    due --screened out--> ended                       (visit.failed screened_out:<criterion>)
    due --passed--> asked                             (visit.proposed, permit.requested)
    asked --permit.granted--> scheduled               (visit.scheduled, order waits)
    asked, scheduled --permit.refused--> waiting --its earliest instant--> due
    asked, scheduled --permit.refused for good, or too often--> ended    (visit.failed no_permit)
    scheduled --the staff have the order--> ordered
    asked, scheduled --hold--> due                           (visit.cancelled; after the hold a fresh look)
    scheduled, ordered --absent, expired, failed--> waiting --time--> due      (visit.failed)
    scheduled, ordered --met, promised, hardship, refused, moved--> ended      (visit.completed)
    scheduled, ordered --unknown, no report in time, last attempt--> ended     (visit.failed, final)
    any --cancelled, case closed--> ended             (visit.cancelled, if it was scheduled)

Facts are only noted; a tick reads them in one fixed order, so facts of different topics commute.
While a hold stands what is due waits. Afterwards, because the picture may have changed, the scheduler
is asked for a fresh look (a follow-up that is due at once). A report of an order that had left is
passed on even after the end: it happened.
"""

from datetime import datetime

from msgspec.structs import replace

from services.visits.domain.state import (
    CLOSED,
    Answer,
    FieldBook,
    Report,
    Visit,
    as_told,
    later,
    order_id,
    rank,
    stage_of,
    weight,
)
from services.visits.domain.tick import look
from services.visits.policy import VisitPolicy
from shared.clock import AT_ONCE
from shared.decision import Decision, placed
from shared.events.envelope import Event, Woken
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import (
    CaseClosed,
    FollowUpCancelled,
    FollowUpDue,
    HoldApplied,
    HoldLifted,
)
from shared.events.visits import FieldReport


def decide(
    book: FieldBook, event: Event, now: datetime, policy: VisitPolicy
) -> Decision[FieldBook]:
    """Answer one event; late, repeated and foreign ones change nothing."""
    match as_told(event.data, book):
        case Woken(fresh=fresh):
            if not fresh or book.wake_at is None or book.wake_at > now:
                return Decision(book)
            return look(book, event.data.customer_id, now, policy)
        case FollowUpDue(kind="visit") as due:
            return Decision(_open(_placed(book, due), due))
        case FollowUpDue(kind="requested") as due:
            return Decision(_remind(book, due))
        case FollowUpCancelled() as cancelled:
            ours = [key for key in book.visits if key == cancelled.follow_up_id]
            return _stop(book, ours, cancelled.reason, cancelled.customer_id)
        case CaseClosed() as closed:
            ours = [k for k, visit in book.visits.items() if visit.episode <= closed.episode]
            return _stop(book, ours, CLOSED, closed.customer_id)
        case HoldApplied() as hold:
            return _hold(book, hold)
        case HoldLifted(hold_id=hold_id) if hold_id in book.holds:
            holds = {key: reason for key, reason in book.holds.items() if key != hold_id}
            return Decision(_noted(replace(book, holds=holds), {}))
        case PermitGranted() | PermitRefused() | FieldReport() as said:
            return _told(book, said, event.time)
        case _:
            return Decision(book)


def _placed(book: FieldBook, due: FollowUpDue) -> FieldBook:
    seen = due.situation
    return book if seen is None else placed(book, seen.region, seen.creditor)


def _noted(book: FieldBook, changed: dict[str, Visit]) -> FieldBook:
    """Answer the book with *changed* visits; a tick has to look if anything is under way."""
    visits = {**book.visits, **changed}
    stage = stage_of(visits.values())
    wake_at = AT_ONCE if changed or stage != "idle" else book.wake_at
    return replace(book, visits=visits, stage=stage, wake_at=wake_at)


def _open(book: FieldBook, due: FollowUpDue) -> FieldBook:
    if due.follow_up_id in book.visits:
        return book
    visit = Visit(episode=due.episode, situation=due.situation, not_after=due.not_after)
    return _noted(book, {due.follow_up_id: visit})


def _remind(book: FieldBook, due: FollowUpDue) -> FieldBook:
    """Note that a requested follow-up came; it may bring a fresher picture."""
    changed = {
        key: replace(
            visit,
            came=True,
            situation=due.situation or visit.situation,
            not_after=due.not_after,
        )
        for key, visit in book.visits.items()
        if visit.wanted == due.follow_up_id
    }
    return _noted(book, changed) if changed else book


def _stop(
    book: FieldBook, follow_up_ids: list[str], reason: str, customer_id: str
) -> Decision[FieldBook]:
    """End visits: by name, or because the case closed. The more exact reason stands, in any order."""
    changed: dict[str, Visit] = {}
    withdraw: list[str] = []
    for key in follow_up_ids:
        visit = book.visits[key]
        if visit.stage == "ended":
            continue
        reasons = {reason, visit.stop} - {""}
        changed[key] = replace(visit, stop=min(reasons - {CLOSED}, default=CLOSED))
        if visit.stage == "scheduled":
            withdraw.append(order_id(customer_id, key, visit.attempt))
    return Decision(_noted(book, changed) if changed else book, withdraw=tuple(sorted(withdraw)))


def _told(
    book: FieldBook, said: PermitGranted | PermitRefused | FieldReport, at: datetime
) -> Decision[FieldBook]:
    """Note what is said of an attempt: leave, no leave, or what came of its order."""
    match said:
        case PermitGranted(permit=permit):
            answer = Answer(at=at, permit=permit)
            return _answered(book, permit.permit_id, answer, said.customer_id)
        case PermitRefused(permit_id=permit_id):
            answer = Answer(at=at, earliest_next=said.earliest_next)
            return _answered(book, permit_id, answer, said.customer_id)
        case _:
            return Decision(_hear(book, said))


def _answered(
    book: FieldBook, permit_id: str, answer: Answer, customer_id: str
) -> Decision[FieldBook]:
    """Note what the scheduler says of a permit that is asked, or in use; what it takes back must not leave."""
    for key, visit in book.visits.items():
        if visit.permit_id != permit_id or visit.stage not in ("asked", "scheduled"):
            continue
        if visit.granted_at is not None and (answer.permit or answer.at < visit.granted_at):
            continue  # the order goes by the permit that it has
        changed = replace(visit, answer=later(answer, visit.answer or answer))
        withdraw = (order_id(customer_id, key, visit.attempt),) if visit.granted_at else ()
        return Decision(_noted(book, {key: changed}), withdraw=withdraw)
    return Decision(book)


def _hold(book: FieldBook, hold: HoldApplied) -> Decision[FieldBook]:
    """Note the hold, and call back the orders that have not left."""
    planned = {k: v for k, v in book.visits.items() if v.stage in ("asked", "scheduled")}
    changed = {key: replace(v, recalled=v.recalled or hold.reason) for key, v in planned.items()}
    held = replace(book, holds={**book.holds, hold.hold_id: hold.reason})
    withdraw = sorted(
        order_id(hold.customer_id, key, v.attempt)
        for key, v in planned.items()
        if v.stage == "scheduled"
    )
    return Decision(_noted(held, changed) if changed else held, withdraw=tuple(withdraw))


def _hear(book: FieldBook, data: FieldReport) -> FieldBook:
    """Note what is reported of the current order, unless as much is known already."""
    for key, visit in book.visits.items():
        if order_id(data.customer_id, key, visit.attempt) != data.effect_id:
            continue
        if rank(data.outcome) <= rank(visit.told):
            return book
        report = Report(outcome=data.outcome, reason=data.reason, promised_on=data.promised_on)
        known = (report,) if visit.report is None else (report, visit.report)
        return _noted(book, {key: replace(visit, report=max(known, key=weight))})
    return book
