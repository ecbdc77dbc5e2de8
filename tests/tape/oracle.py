"""A second opinion on what is unpaid, written from DESIGN.md section 3 alone: slow, plain, and nobody else's code."""

from collections.abc import Iterable
from datetime import date, datetime

from shared.events.core_banking import (
    AccountStated,
    InstalmentChanged,
    PaymentMissed,
    PaymentReceived,
    PaymentReversed,
)
from shared.events.envelope import Event


def unpaid(events: Iterable[Event], until: datetime) -> dict[str, tuple[date, int]]:
    """Of one account with one currency: what is left of each instalment, by what was recorded until then."""
    known = [event for event in events if event.time <= until]
    said: dict[str, tuple[tuple, date, int]] = {}
    for event in known:
        for instalment_id, due_on, amount, as_of in assertions(event):
            rank = (as_of, event.time, event.id)
            if instalment_id not in said or said[instalment_id][0] < rank:
                said[instalment_id] = (rank, due_on, amount)
    as_of = {key: rank[0] for key, (rank, _, _) in said.items()}
    left = {key: amount for key, (_, _, amount) in said.items()}
    reversals = {e.data.payment_id: e.time for e in known if isinstance(e.data, PaymentReversed)}
    payments = [event for event in known if isinstance(event.data, PaymentReceived)]
    for event in sorted(payments, key=lambda e: (e.data.value_on, e.time, e.id)):
        reversed_at = reversals.get(event.data.payment_id)
        parts = [(part.instalment_id, part.amount_minor) for part in event.data.allocations]
        if reversed_at is not None:
            for key, amount in (part for part in parts if part[0] in left):
                left[key] += amount if event.time <= as_of[key] < reversed_at else 0
            continue
        counting = [key for key in left if event.time > as_of[key]]
        oldest = sorted(counting, key=lambda key: said[key][1])
        parts = parts or oldest_first(event.data.amount_minor, oldest, left)
        for key, amount in (part for part in parts if part[0] in counting):
            left[key] -= min(amount, left[key])
    return {key: (said[key][1], amount) for key, amount in left.items() if amount}


def oldest_first(amount: int, oldest: list[str], left: dict[str, int]) -> list[tuple[str, int]]:
    """Spread a payment that names no instalment."""
    parts = []
    for key in oldest:
        parts.append((key, min(amount, left[key])))
        amount -= parts[-1][1]
    return parts


def assertions(event: Event) -> list[tuple[str, date, int, datetime]]:
    """What an event says is unpaid of which instalment, as of when."""
    match event.data:
        case PaymentMissed() as data:
            return [(data.instalment_id, data.due_on, data.amount_minor, data.as_of or event.time)]
        case InstalmentChanged() as data:
            return [(data.instalment_id, data.due_on, data.amount_minor, event.time)]
        case AccountStated() as data:
            return [
                (i.instalment_id, i.due_on, i.amount_minor, event.time) for i in data.instalments
            ]
        case _:
            return []


def months_past_due(left: dict[str, tuple[date, int]], due_on: date) -> int:
    """Count the months from the oldest unpaid due date to *due_on*; 0 when nothing older is unpaid."""
    oldest = min((due for due, _ in left.values()), default=due_on)
    return max((due_on.year - oldest.year) * 12 + due_on.month - oldest.month, 0)
