"""Fold what the other services report into the case: contacts, promises, visits, requests to the clock."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from services.scheduler.domain.state import CollectionCase, OpenStep, Promise, Request, Taken
from shared.events import commands, common, legal, notifier, visits
from shared.events.envelope import Event

Fold = Callable[[CollectionCase, Any, Event], CollectionCase]


def contact_sent(case: CollectionCase, data: notifier.ContactSent, _: Event) -> CollectionCase:
    if data.follow_up_id in case.cancelled:
        if data.effect_id in case.cancelled or data.effect_id in case.regrets:
            return case
        return replace(case, regrets={**case.regrets, data.effect_id: data.follow_up_id})
    known = case.open.get(data.follow_up_id)
    if known is None or data.effect_id in known.sent:
        return case
    sent = replace(known, sent=(*known.sent, data.effect_id))
    return replace(case, open={**case.open, data.follow_up_id: sent})


def contact_over(case: CollectionCase, data: Any, _: Event) -> CollectionCase:
    """Close the follow-up: it was delivered or answered, or nobody knows. Nothing more leaves for it."""
    return _close(case, data.follow_up_id, "done")


def contact_failed(case: CollectionCase, data: notifier.ContactFailed, _: Event) -> CollectionCase:
    """Close the follow-up, or note that its next choice has its turn: that one needs a permit of its own."""
    if data.final:
        return _close(case, data.follow_up_id, "failed")
    known = case.open.get(data.follow_up_id)
    if known is None:
        return case
    failed = data.permit_id or known.permit_id
    if failed in known.failed:
        return case
    noted = replace(known, failed=tuple(sorted({*known.failed, failed})))
    return replace(case, open={**case.open, data.follow_up_id: noted})


def contact_refused(
    case: CollectionCase, data: notifier.ContactRefused, _: Event
) -> CollectionCase:
    """Take the step anew, but not before the instant from which on the notifier says that it is of use."""
    reason = f"refused: {data.reason}"
    return _close(case, data.follow_up_id, reason, again=True, after=data.earliest_next)


def point_invalidated(
    case: CollectionCase, data: notifier.ContactPointInvalidated, event: Event
) -> CollectionCase:
    known = case.invalid.get(data.point_id)
    if known is not None and known >= event.time:
        return case
    return replace(case, invalid={**case.invalid, data.point_id: event.time})


def point_shared(
    case: CollectionCase, data: notifier.ContactPointShared, _: Event
) -> CollectionCase:
    """Note who shares the number: the notifier's last word counts."""
    shared = {key: share for key, share in case.shared.items() if key != data.point_id}
    if data.k > 1:
        shared[data.point_id] = (data.k, data.rank)
    return case if shared == case.shared else replace(case, shared=shared)


def promise_made(
    case: CollectionCase,
    data: notifier.PromiseMade | visits.VisitPromiseMade | commands.PromiseTaken,
    event: Event,
) -> CollectionCase:
    if data.promise_id in case.promises or data.promise_id in case.spent:
        return case
    promise = Promise(
        promised_on=data.promised_on,
        made_at=event.time,
        amount_minor=data.amount_minor,
        currency=data.currency,
    )
    return replace(case, promises={**case.promises, data.promise_id: promise})


def visit_completed(case: CollectionCase, data: visits.VisitCompleted, _: Event) -> CollectionCase:
    """Close the follow-up, unless nobody was at home: then another attempt may follow, which must stay stoppable."""
    return case if data.outcome == "absent" else _close(case, data.follow_up_id, data.outcome)


def visit_failed(case: CollectionCase, data: visits.VisitFailed, _: Event) -> CollectionCase:
    return _close(case, data.follow_up_id, f"failed: {data.reason}") if data.final else case


def legal_over(case: CollectionCase, data: legal.LegalWithdrawn, _: Event) -> CollectionCase:
    return _close(case, data.follow_up_id, f"withdrawn: {data.reason}")


def follow_up_requested(
    case: CollectionCase, data: common.FollowUpRequested, _: Event
) -> CollectionCase:
    if data.follow_up_id in case.spent or data.follow_up_id in case.requests:
        return case
    request = Request(due_at=data.due_at, purpose=data.purpose)
    return replace(case, requests={**case.requests, data.follow_up_id: request})


def follow_up_withdrawn(
    case: CollectionCase, data: common.FollowUpWithdrawn, event: Event
) -> CollectionCase:
    if data.follow_up_id in case.spent:
        return case
    requests = {key: value for key, value in case.requests.items() if key != data.follow_up_id}
    return replace(case, requests=requests, spent={**case.spent, data.follow_up_id: event.time})


def _close(
    case: CollectionCase,
    follow_up_id: str,
    result: str,
    *,
    again: bool = False,
    after: datetime | None = None,
) -> CollectionCase:
    known = case.open.get(follow_up_id)
    if known is None:
        return case
    left: dict[str, OpenStep] = {k: v for k, v in case.open.items() if k != follow_up_id}
    if known.about:
        return replace(case, open=left)
    taken = Taken(attempt=known.attempt, result=result, again=again, after=after)
    return replace(case, open=left, steps={**case.steps, known.step: taken})


FOLDS: dict[type[Any], Fold] = {
    notifier.ContactSent: contact_sent,
    notifier.ContactDelivered: contact_over,
    notifier.ContactAnswered: contact_over,
    notifier.ContactUnknown: contact_over,
    notifier.ContactFailed: contact_failed,
    notifier.ContactRefused: contact_refused,
    notifier.ContactPointInvalidated: point_invalidated,
    notifier.ContactPointShared: point_shared,
    notifier.PromiseMade: promise_made,
    visits.VisitPromiseMade: promise_made,
    visits.VisitCompleted: visit_completed,
    visits.VisitFailed: visit_failed,
    legal.LegalWithdrawn: legal_over,
    common.FollowUpRequested: follow_up_requested,
    common.FollowUpWithdrawn: follow_up_withdrawn,
}
