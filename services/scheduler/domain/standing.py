"""Say how the case stands: what is cancelled, opened, closed, promised and held."""

from datetime import timedelta

from msgspec.structs import replace

from services.scheduler.domain import following, halts, ledger, situation
from services.scheduler.domain.state import OpenStep, Promise, Taken
from services.scheduler.domain.view import View
from services.scheduler.domain.writing import NOTE, is_note, replies
from shared.events.scheduler import (
    BucketChanged,
    CaseClosed,
    CaseDiverged,
    CaseOpened,
    ClosingCause,
    FollowUpCancelled,
    HoldApplied,
    HoldLifted,
    PromiseBroken,
    PromiseKept,
    SegmentAssigned,
    StepRegretted,
)
from shared.ids import derive

HALTS = frozenset(halts.REASONS.values())


def cancel(view: View) -> None:
    """
    Cancel what must not go on: all of it once nothing is overdue, contacts while a hold stands.

    Visits and legal see the hold themselves and go on after it, so their steps stay open under one.
    """
    if not view.case.open:
        return
    held = view.held()
    late = {entry.account_id for entry in view.overdue}
    if not held and (view.diverged.keys() - view.case.diverged.keys()) & late:
        held = ["diverged:"]  # what is under way names an amount that is contradicted
    pending = {f"{entry.account_id}/{entry.instalment_id}" for entry in view.unpaid}
    pending |= {NOTE} if view.overdue else set()
    for follow_up_id, step in sorted(view.case.open.items()):
        reason = _why_not(view, step, held, pending)
        if reason:
            cancelled = FollowUpCancelled(
                customer_id=view.customer_id,
                follow_up_id=follow_up_id,
                kind=step.kind,
                reason=reason,
            )
            view.say(follow_up_id, cancelled)
            _close_step(view, follow_up_id, step)


def _why_not(view: View, step: OpenStep, held: list[str], pending: set[str]) -> str:
    """Say why the step must not go on; empty when it may. *pending* are the unpaid instalments."""
    if view.heir:
        return "merged"
    gone = step.about.rpartition("/")[0] not in pending if step.about else not view.overdue
    if gone:
        return "closed by a person" if view.late and not step.about else "nothing overdue"
    if held and step.kind == "contact" and not replies(view.case, step):
        return f"held: {held[0].partition(':')[0]}"
    if step.about and view.overdue and not is_note(step):
        return "overdue by now"
    return following.in_the_way(view, step)


def _close_step(view: View, follow_up_id: str, step: OpenStep) -> None:
    case = view.case
    steps, cancelled = case.steps, case.cancelled
    if not step.about:
        taken = Taken(attempt=step.attempt, result="cancelled", again=not step.sent)
        steps = {**steps, step.step: taken}
    if step.kind == "contact":
        cancelled = {**cancelled, **dict.fromkeys((follow_up_id, *step.sent), view.now)}
    left = {key: value for key, value in case.open.items() if key != follow_up_id}
    view.case = replace(case, open=left, cancelled=cancelled, steps=steps)


def regret(view: View) -> None:
    """Say so when a contact left although its step had been cancelled."""
    regrets = view.case.regrets
    for effect_id, follow_up_id in sorted(regrets.items()):
        regretted = StepRegretted(
            customer_id=view.customer_id, follow_up_id=follow_up_id, effect_id=effect_id
        )
        view.say(effect_id, regretted)
    if regrets:
        cancelled = {**view.case.cancelled, **dict.fromkeys(regrets, view.now)}
        view.case = replace(view.case, regrets={}, cancelled=cancelled)


def settle_promises(view: View) -> None:
    """Judge the promises: kept once the money is there, partly kept or broken after the days of grace."""
    for promise_id, promise in sorted(view.case.promises.items()):
        paid = ledger.paid_since(view.case.accounts, promise.made_at)
        over = view.today > promise.promised_on + timedelta(days=view.strategy.promise_grace_days)
        if not view.late or _kept(promise, paid):
            view.say(promise_id, PromiseKept(customer_id=view.customer_id, promise_id=promise_id))
            case = replace(view.case, kept=view.case.kept + 1)
        elif over and _partly(promise, paid):
            partly = PromiseKept(customer_id=view.customer_id, promise_id=promise_id, partly=True)
            view.say(promise_id, partly)
            case = view.case
        elif over:
            broken = PromiseBroken(customer_id=view.customer_id, promise_id=promise_id)
            view.say(promise_id, broken)
            case = replace(view.case, broken=view.case.broken + 1)
        else:
            continue
        left = {key: value for key, value in case.promises.items() if key != promise_id}
        view.case = replace(case, promises=left, spent={**case.spent, promise_id: view.now})


def _kept(promise: Promise, paid: dict[str, int]) -> bool:
    if promise.amount_minor is None or promise.currency is None:
        return False  # all that is overdue was promised
    return paid.get(promise.currency, 0) >= promise.amount_minor


def _partly(promise: Promise, paid: dict[str, int]) -> bool:
    return bool(paid) if promise.currency is None else promise.currency in paid


def open_or_close(view: View) -> None:
    """Open the case on something overdue, tell the bucket's changes, close it on nothing."""
    if view.overdue and view.case.opened_at is None:
        _open(view)
    _roll(view)
    if not view.overdue and view.case.opened_at is not None:
        _close(view)


def _open(view: View) -> None:
    episode = view.case.episode + 1
    view.case = replace(view.case, episode=episode, opened_at=view.now, stage="open")
    opened = CaseOpened(
        customer_id=view.customer_id,
        episode=episode,
        oldest_due_on=view.overdue[0].due_on,
        dpd=view.dpd,
        bucket=view.strategy.bucket(view.dpd),
        overdue=situation.amounts(ledger.by_currency(view.overdue)),
    )
    assigned = SegmentAssigned(
        customer_id=view.customer_id,
        episode=episode,
        segment=view.strategy.segment,
        strategy=view.strategy.name,
    )
    view.say(str(episode), opened)
    view.say(str(episode), assigned)


def _roll(view: View) -> None:
    case, bucket = view.case, view.strategy.bucket(view.dpd)
    if bucket == case.bucket:
        return
    changed = BucketChanged(
        customer_id=view.customer_id,
        episode=case.episode,
        from_bucket=case.bucket,
        to_bucket=bucket,
        dpd=view.dpd,
        as_of_on=view.today,
    )
    view.say(f"{case.episode}/{bucket}/{view.today}/{case.changes}", changed)
    view.case = replace(case, bucket=bucket, changes=case.changes + 1)


def _close(view: View) -> None:
    case = view.case
    paid = ledger.paid_since(case.accounts, case.opened_at) if case.opened_at is not None else {}
    cured = bool(paid) and not view.late and not view.heir
    cause: ClosingCause = "cured" if cured else "nothing_collectable"
    closed = CaseClosed(
        customer_id=view.customer_id,
        episode=case.episode,
        cause="merged" if view.heir else "closed_by_person" if view.late else cause,
        paid=situation.amounts(paid),
    )
    view.say(str(case.episode), closed)
    view.case = replace(
        case,
        opened_at=None,
        stage="idle",
        steps={},
        refusals={key: told for key, told in case.refusals.items() if key.startswith("~")},
        cures=case.cures + (1 if cured else 0),
    )


def end_halts(view: View) -> None:
    """Drop the holds that are over by time or by the money they awaited; the rest are looked at when they end."""
    case = view.case
    if not case.halts:
        return
    left = {
        hold_id: halt
        for hold_id, halt in case.halts.items()
        if halts.stands(halt, case, view.now, view.strategy)
    }
    if len(left) < len(case.halts):
        over = dict.fromkeys(case.halts.keys() - left.keys(), view.now)
        view.case = replace(case, halts=left, spent={**case.spent, **over})
    ends = (halts.ends_at(halt, view.strategy) for halt in left.values())
    view.wakes += [end for end in ends if end is not None]


def announce_divergence(view: View) -> None:
    """Tell of each statement that contradicts the facts of its account, once."""
    told = view.case.diverged
    if not (told or view.diverged):
        return
    for account_id, found in sorted(view.diverged.items()):
        statement, number = found.statement, view.case.changes
        if told.get(account_id) == statement.id:
            continue
        diverged = CaseDiverged(
            customer_id=view.customer_id,
            account_id=account_id,
            as_of_on=statement.as_of_on,
            stated_minor=statement.overdue_minor,
            derived_minor=found.derived_minor,
            currency=statement.currency,
        )
        view.say(f"{account_id}/{statement.as_of_on}/{number}", diverged)
        view.case = replace(view.case, changes=number + 1)
    now = {account_id: found.statement.id for account_id, found in sorted(view.diverged.items())}
    view.case = replace(view.case, diverged=now)


def announce_holds(view: View) -> None:
    """Tell the holds that ended and those that began since the last look, while a case is open."""
    stand = tuple(view.held()) if view.overdue else ()
    if stand == view.case.holds:
        return
    ended = sorted(set(view.case.holds) - set(stand))
    began = sorted(set(stand) - set(view.case.holds))
    for hold in (*ended, *began):
        reason, _, about = hold.partition(":")
        named = reason in HALTS  # then people know it by this id
        hold_id = about if named else derive("scheduler", view.customer_id, "hold", reason, about)
        number = view.case.changes
        if hold in stand:
            promise = view.case.promises.get(about) if reason == "promise" else None
            halt = view.case.halts.get(about) if named else None
            applied = HoldApplied(
                customer_id=view.customer_id,
                hold_id=hold_id,
                reason=reason,
                until_on=promise.promised_on if promise else halt.until_on if halt else None,
                until_at=halts.ends_at(halt, view.strategy) if halt else None,
            )
            view.say(f"{hold_id}/{number}", applied)
        else:
            lifted = HoldLifted(customer_id=view.customer_id, hold_id=hold_id, reason=reason)
            view.say(f"{hold_id}/{number}", lifted)
        view.case = replace(view.case, changes=number + 1)
    view.case = replace(view.case, holds=stand)
