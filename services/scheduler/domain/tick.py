"""Look at a case: derive from the facts, the strategy and the hour what has to be said, and when to look again."""

from datetime import date, datetime, timedelta

from msgspec.structs import replace

from services.scheduler.domain import (
    asking,
    following,
    hours,
    logbook,
    merging,
    situation,
    standing,
    taking,
)
from services.scheduler.domain.gatekeeping import rules_of
from services.scheduler.domain.state import CollectionCase
from services.scheduler.domain.view import View
from services.scheduler.domain.writing import send as send_messages
from services.scheduler.policy import Strategy
from shared.decision import Decision, placed


def look(
    case: CollectionCase, customer_id: str, now: datetime, strategy: Strategy, *, fresh: bool
) -> Decision[CollectionCase]:
    """
    Decide a tick. A stale one (not *fresh*) only cancels what must not go on and keeps `wake_at`.

    The order is part of the language: what ends comes first, then how the case stands, then what is due. A case whose
    record ended only ends, and hands over.
    """
    view = View(customer_id, case, now, strategy)
    standing.cancel(view)
    view.case, handed_over = merging.hand_over(view.case, customer_id)
    view.out += handed_over
    if fresh and view.heir:
        standing.regret(view)
        standing.open_or_close(view)
        standing.announce_divergence(view)
        standing.announce_holds(view)
        asking.take_back(view)
        asking.answer(view)
        asking.forget_answers(view)
        send_messages(view)
        _forget(view)
        view.case = replace(view.case, requests={}, wake_at=None)
    elif fresh:
        view.case = placed(view.case, *situation.place(view.case, view.overdue))
        standing.regret(view)
        standing.settle_promises(view)
        standing.end_halts(view)
        standing.open_or_close(view)
        standing.announce_divergence(view)
        standing.announce_holds(view)
        asking.take_back(view)
        asking.answer(view)
        asking.forget_answers(view)
        following.move_on(view)
        taking.fire_requests(view)
        taking.remind_before_due(view)
        send_messages(view)
        taking.take_steps(view)
        _forget(view)
        view.case = replace(view.case, wake_at=_next_wake(view))
    return Decision(view.case, tuple(view.out))


def _next_wake(view: View) -> datetime | None:
    """Answer the next instant at which time alone changes something: a step, a bucket, a promise's end."""
    strategy = view.strategy
    dates: list[date | None] = [
        promise.promised_on + timedelta(days=strategy.promise_grace_days + 1)
        for promise in view.case.promises.values()
    ]
    if view.overdue:
        dates.append(strategy.next_bucket_on(view.overdue[0].due_on, view.dpd))
    else:
        dates += [
            entry.due_on + timedelta(days=1)
            for entry in view.unpaid
            if entry.owed and entry.due_on >= view.today
        ]
    wakes = view.wakes + [
        hours.at_local(day, strategy.at, strategy.business_zone) for day in dates if day is not None
    ]
    return min(wakes, default=None)


def _forget(view: View) -> None:
    """Drop what was spent so long ago that nothing refers to it any more."""
    case, before = view.case, view.now - timedelta(days=view.strategy.forget_days)
    for name in ("spent", "cancelled", "reminded"):
        known: dict[str, datetime] = getattr(case, name)
        if known and min(known.values()) < before:
            kept = {key: at for key, at in known.items() if at >= before}
            case = replace(case, **{name: kept})
    view.case = logbook.pruned(
        case, view.now, rules_of(view.strategy).reach, view.strategy.forget_days
    )
