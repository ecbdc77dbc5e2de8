"""Fold what people command and customers declare into the case, and tell which of their holds stand.

Whatever order these facts come in, the state is the same: a hold is known by its id, its release wins for
ever, and of two closings the later counts.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from msgspec.structs import replace

from services.scheduler.domain import hours
from services.scheduler.domain.reports import promise_made
from services.scheduler.domain.state import CollectionCase, Halt, Payment
from services.scheduler.policy import Strategy
from shared.events import commands, declarations
from shared.events.envelope import Event
from shared.events.scheduler import HaltReason

Fold = Callable[[CollectionCase, Any, Event], CollectionCase]
REASONS: dict[type[Any], HaltReason] = {
    commands.HoldPlaced: "person",
    commands.PaymentClaimed: "says_paid",
    commands.DisputeRaised: "dispute",
    commands.ComplaintRaised: "complaint",
    commands.HardshipDeclared: "hardship",
    commands.AttorneyAppointed: "attorney",
}


def placed(case: CollectionCase, data: Any, event: Event) -> CollectionCase:
    """Note a hold of any kind, unless it was released or is over already."""
    if data.hold_id in case.halts or data.hold_id in case.spent:
        return case
    halt = Halt(
        reason=REASONS[type(data)],
        at=event.time,
        until_on=getattr(data, "until_on", None),
        account_id=getattr(data, "account_id", None) or "",
        paid_on=getattr(data, "paid_on", None),
        amount_minor=getattr(data, "amount_minor", None),
        currency=getattr(data, "currency", None) or "",
    )
    return replace(case, halts={**case.halts, data.hold_id: halt})


def released(
    case: CollectionCase, data: commands.HoldReleased | declarations.AttorneyReleased, event: Event
) -> CollectionCase:
    """Note that the hold is over: before it was placed, too, and by whom it was released first."""
    known = case.spent.get(data.hold_id)
    if known is not None and known <= event.time:
        return case
    halts = {key: halt for key, halt in case.halts.items() if key != data.hold_id}
    return replace(case, halts=halts, spent={**case.spent, data.hold_id: event.time})


def attorney_released(
    case: CollectionCase, data: declarations.AttorneyReleased, event: Event
) -> CollectionCase:
    """End the attorney's hold; one who is released for some debts only still stands between us and the customer."""
    return case if data.account_ids else released(case, data, event)


def note_taken(case: CollectionCase, _: commands.NoteTaken, __: Event) -> CollectionCase:
    """Change nothing: the inbox keeps the note."""
    return case


def closure_decided(
    case: CollectionCase, _: commands.ClosureDecided, event: Event
) -> CollectionCase:
    if case.closure is not None and case.closure >= event.time:
        return case
    return replace(case, closure=event.time)


def ends_at(halt: Halt, strategy: Strategy) -> datetime | None:
    """Answer the instant (UTC) at which time alone ends the hold; None: only a fact does."""
    if halt.reason == "says_paid":
        return halt.at + timedelta(hours=strategy.says_paid_hours)
    until_on = halt.until_on
    if until_on is None and halt.reason == "hardship":
        until_on = hours.business_date(halt.at, strategy) + timedelta(days=strategy.hardship_days)
    if until_on is None:
        return None
    return hours.at_local(until_on + timedelta(days=1), time.min, strategy.business_zone)


def stands(halt: Halt, case: CollectionCase, now: datetime, strategy: Strategy) -> bool:
    """Whether the hold stands at *now*: its time is not over, and the money that it awaits has not come."""
    end = ends_at(halt, strategy)
    if end is not None and now >= end:
        return False
    return halt.reason != "says_paid" or not _money_came(halt, case, strategy)


def _money_came(halt: Halt, case: CollectionCase, strategy: Strategy) -> bool:
    paid_on = halt.paid_on or hours.business_date(halt.at, strategy)

    def awaited(payment: Payment) -> bool:
        if payment.time is None or payment.value_on is None or payment.reversed_at is not None:
            return False
        if halt.currency and payment.currency != halt.currency:
            return False
        return payment.time >= halt.at or payment.value_on >= paid_on

    came = [
        payment.amount_minor
        for account_id, account in case.accounts.items()
        if halt.account_id in {"", account_id}
        for payment in account.payments.values()
        if awaited(payment)
    ]
    return bool(came) and sum(came) >= (halt.amount_minor or 0)


FOLDS: dict[type[Any], Fold] = {
    **dict.fromkeys(REASONS, placed),
    commands.HoldReleased: released,
    declarations.AttorneyReleased: attorney_released,
    commands.NoteTaken: note_taken,
    commands.ClosureDecided: closure_decided,
    commands.PromiseTaken: promise_made,
}
