"""Fold the facts about money into what is unpaid, in canonical order (DESIGN.md, section 3).

Any order of arrival, a duplicate under a new event id and a reversal before its payment give the same
result: nothing here depends on when a fact came in, only on what it says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from services.scheduler.domain.state import Account, Instalment, Opening, Payment

NOT_COLLECTED = frozenset({"settled", "sold", "withdrawn"})
"""Causes of closing after which nothing is collected; a write-off does not end the claim."""

OPENING = "opening"
"""The instalment_id of an opening balance that names no instalments."""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What is left of one instalment, in minor units of its currency."""

    account_id: str
    instalment_id: str
    due_on: date
    amount_minor: int
    currency: str
    owed: bool


def unpaid(accounts: dict[str, Account]) -> list[Unpaid]:
    """Answer every instalment with something left, the oldest first; nothing of accounts that are done."""
    left = [
        entry
        for account_id, account in accounts.items()
        if NOT_COLLECTED.isdisjoint(account.closed)
        for entry in of_account(account_id, account)
    ]
    left.sort(key=lambda entry: (entry.due_on, entry.account_id, entry.instalment_id))
    return left


def of_account(account_id: str, account: Account) -> Iterable[Unpaid]:
    """Answer each instalment of one account with something left, closed or not, in no particular order."""
    instalments = _with_opening(account)
    if not instalments:
        return
    remaining = {key: instalment.amount_minor for key, instalment in instalments.items()}
    if account.payments:
        oldest_first = sorted(
            instalments, key=lambda key: (not instalments[key].owed, instalments[key].due_on, key)
        )
        _take_back(account.payments.values(), instalments, remaining)
        for payment in _in_order(account.payments.values()):
            _book(payment, instalments, remaining, oldest_first)
    for key, amount in remaining.items():
        if amount > 0:
            instalment = instalments[key]
            yield Unpaid(
                account_id, key, instalment.due_on, amount, instalment.currency, instalment.owed
            )


def _in_order(payments: Iterable[Payment]) -> list[Payment]:
    """Answer the payments that stand by (value_on, time, id)."""
    known = [
        (payment.value_on, payment.time, payment.id, payment)
        for payment in payments
        if payment.reversed_at is None and payment.value_on is not None and payment.time is not None
    ]
    known.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in known]


def _take_back(
    payments: Iterable[Payment], instalments: dict[str, Instalment], remaining: dict[str, int]
) -> None:
    """Owe again what netted payments had paid that did not hold; before any is booked, as credit may pay it."""
    for payment in payments:
        if payment.reversed_at is None:
            continue
        for part in payment.allocations:
            known = instalments.get(part.instalment_id)
            if known is not None and _netted_but_not_its_reversal(payment, known):
                remaining[part.instalment_id] += part.amount_minor


def _book(
    payment: Payment,
    instalments: dict[str, Instalment],
    remaining: dict[str, int],
    oldest_first: list[str],
) -> None:
    credit = payment.amount_minor
    for part in payment.allocations:
        known = instalments.get(part.instalment_id)
        if known is None and OPENING in instalments:
            continue  # the opening sum stands for instalments that nobody named
        if known is None or not _counts(payment, known):
            credit -= part.amount_minor  # for an instalment still unknown, or netted in its amount
        else:
            booked = min(part.amount_minor, remaining[part.instalment_id])
            remaining[part.instalment_id] -= booked
            credit -= booked
    for key in oldest_first:
        if credit <= 0:
            return
        if remaining[key] > 0 and _counts(payment, instalments[key]):
            booked = min(credit, remaining[key])
            remaining[key] -= booked
            credit -= booked


def _netted_but_not_its_reversal(payment: Payment, instalment: Instalment) -> bool:
    """Whether the bank counted the payment when it said what is unpaid, and did not know it reversed."""
    return (
        payment.currency == instalment.currency
        and payment.time is not None
        and payment.reversed_at is not None
        and payment.time <= instalment.as_of < payment.reversed_at
    )


def _counts(payment: Payment, instalment: Instalment) -> bool:
    """Whether the payment reduces the instalment: same currency, and not netted already."""
    return (
        payment.currency == instalment.currency
        and payment.time is not None
        and payment.time > instalment.as_of
    )


def _with_opening(account: Account) -> dict[str, Instalment]:
    opening = account.opening
    if opening is None or not opening_counts(account):
        return account.instalments
    instalments = dict(account.instalments)
    for key, stated in _stated(opening).items():
        known = instalments.get(key)
        if known is None or not known.owed or rank(stated) > rank(known):
            instalments[key] = stated
    return instalments


def opening_counts(account: Account) -> bool:
    """Whether the account has an opening, and no earlier fact speaks of amounts."""
    first = account.first_amount_at
    return account.opening is not None and (first is None or first >= account.opening.time)


def _stated(opening: Opening) -> dict[str, Instalment]:
    lines = {line.instalment_id: (line.due_on, line.amount_minor) for line in opening.instalments}
    if not lines and opening.overdue_minor > 0:
        lines = {OPENING: (opening.oldest_due_on or opening.as_of_on, opening.overdue_minor)}
    return {
        key: Instalment(
            due_on=due_on,
            amount_minor=amount,
            currency=opening.currency,
            as_of=opening.time,
            time=opening.time,
            id=opening.id,
        )
        for key, (due_on, amount) in lines.items()
    }


def rank(instalment: Instalment) -> tuple[datetime, datetime, str]:
    """Order the assertions about one instalment: the later (as_of, time, id) wins."""
    return (instalment.as_of, instalment.time, instalment.id)


def by_currency(entries: Iterable[Unpaid]) -> dict[str, int]:
    """Sum amounts per currency, sorted by currency; currencies are never summed together."""
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount_minor
    return dict(sorted(sums.items()))


def paid_since(accounts: dict[str, Account], since: datetime) -> dict[str, int]:
    """Sum the payments that stand and were recorded from *since* on, per currency."""
    sums: dict[str, int] = {}
    for account in accounts.values():
        for payment in account.payments.values():
            if payment.time is not None and payment.reversed_at is None and payment.time >= since:
                sums[payment.currency] = sums.get(payment.currency, 0) + payment.amount_minor
    return dict(sorted(sums.items()))
