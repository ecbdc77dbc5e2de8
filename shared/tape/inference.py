"""Find the facts that make a row's months past due true at each close, and say which were inferred. Pure.

At the close of month m a status k >= 1 means: the instalments that fell due k to 1 months before the
due date of m are unpaid; 0 means that none is. So at each close:

- older instalments that were unpaid are paid: by the month's payment, else by what was left of the
  month before's, and where that does not reach by an adjusting payment (inferred);
- the others are missed, if they were not known missed before; only the youngest is news, an older one
  was reported late (inferred).

Payments are booked at 10:00 UTC of the day of the close, misses at 22:00 UTC: so no payment is netted
in the amount of an instalment that it pays, and each payment names its instalments.

Reasons why a fact was inferred:

- `before_tape`: it fell due before the first month; its amount is taken from the first statement;
- `late_reported`: the status jumped over it, for example from 0 to 2;
- `unpaid_again`: an instalment that counted as paid is past due again;
- `no_amount_due`: past due in time, but its statement asks for nothing: the mapping's least amount;
- `cured_without_payment`: nothing is past due any more, and neither this month nor the last saw a payment;
- `reduced_without_payment`: the same, where later instalments stay past due;
- `paid_too_little`: there was a payment, and it does not reach.

What the tape says and no fact can hold: a payment that ended no arrear although it was large enough to
(`months`: "payment without effect"). Payments of customers who owe nothing overdue make no event.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.events.core_banking import Allocation, PaymentMissed, PaymentReceived
from shared.events.envelope import Fact
from shared.tape.months import CLOSED, PAID, at, before
from shared.tape.rows import Row


@dataclass(frozen=True, slots=True)
class Told:
    """A fact, when the bank recorded it, its id within the tape, and why it was inferred (if it was)."""

    at: datetime
    id: str
    fact: Fact
    reason: str = ""


@dataclass(slots=True)
class Arrears:
    """
    The arrears of one account, close by close.

    `unpaid` and `told` hold instalments by the month they fell due in (0: the tape's first, negative:
    before it); `left` is what of the last month's payment paid nothing yet; `months` collects
    contradictions.
    """

    row: Row
    least: int
    unpaid: dict[int, int] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    left: int = 0
    months: Counter[str] = field(default_factory=Counter)

    def facts(self) -> Iterator[Told]:
        """Answer the facts of all months, in the order of their times."""
        if any(self.row.status):
            for month in range(len(self.row.status)):
                yield from self._payments(month)
                yield from self._misses(month)

    def _payments(self, month: int) -> Iterator[Told]:
        row = self.row
        first = month - row.status[month]
        paid = row.paid[month]
        due = sorted(index for index in self.unpaid if index < first)
        if not due:
            yield from self._partial(month)
            return
        owed = sum(self.unpaid[index] for index in due)
        real = min(owed, paid + self.left)
        if real:
            yield self._payment(month, real, due, "")
        if real < owed:
            yield self._payment(month, owed - real, due, self._why_adjusted(month))
        self.left = max(paid - real, 0)

    def _partial(self, month: int) -> Iterator[Told]:
        """Book a payment that is too small to end an arrear."""
        paid = self.left = self.row.paid[month]
        oldest = min(self.unpaid, default=None)
        if oldest is None or not paid:
            return
        if paid < self.unpaid[oldest]:
            self.left = 0
            yield self._payment(month, paid, [oldest], "")
        else:
            self.months["payment without effect"] += 1

    def _payment(self, month: int, amount: int, due: list[int], reason: str) -> Told:
        """Pay *amount* of the instalments *due*, the oldest first."""
        parts, rest = [], amount
        for index in due:
            part = min(rest, self.unpaid.get(index, 0))
            if part:
                parts.append(Allocation(instalment_id=self._name(index), amount_minor=part))
                rest -= part
                self.unpaid[index] -= part
                if not self.unpaid[index]:
                    del self.unpaid[index]
        row, closed_on = self.row, self.row.closes[month]
        what = f"{closed_on:%Y-%m}/{'adjusted' if reason else 'paid'}"
        fact = PaymentReceived(
            customer_id=row.customer_id,
            payment_id=f"{row.account_id}/{what}",
            account_id=row.account_id,
            amount_minor=amount,
            currency=row.currency,
            value_on=closed_on,
            allocations=tuple(parts),
            inferred=bool(reason),
        )
        return self._told(at(closed_on, PAID), what, fact, reason)

    def _why_adjusted(self, month: int) -> str:
        row = self.row
        if row.paid[month] or (month > 0 and row.paid[month - 1]):
            return "paid_too_little"
        return "reduced_without_payment" if row.status[month] else "cured_without_payment"

    def _misses(self, month: int) -> Iterator[Told]:
        status = self.row.status
        if month > 0 and status[month] > status[month - 1] + 1:
            self.months[f"jump {status[month - 1]} to {status[month]}"] += 1
        for index in range(month - status[month], month):
            if index not in self.unpaid:
                yield self._miss(month, index)

    def _miss(self, month: int, index: int) -> Told:
        row = self.row
        statement = row.due[max(index, 0)]
        self.unpaid[index] = statement or self.least
        reason = self._why_missed(month, index, statement)
        self.told.add(index)
        fact = PaymentMissed(
            customer_id=row.customer_id,
            account_id=row.account_id,
            instalment_id=self._name(index),
            due_on=self._due_on(index),
            amount_minor=self.unpaid[index],
            currency=row.currency,
            inferred=bool(reason),
        )
        closed_on = row.closes[month]
        what = f"{closed_on:%Y-%m}/missed/{self._name(index)}"
        return self._told(at(closed_on, CLOSED), what, fact, reason)

    def _why_missed(self, month: int, index: int, statement: int) -> str:
        if month == 0:
            return "before_tape"
        if index in self.told:
            return "unpaid_again"
        if index < month - 1:
            return "late_reported"
        return "" if statement else "no_amount_due"

    def _told(self, moment: datetime, what: str, fact: Fact, reason: str) -> Told:
        told_id = f"{self.row.account_id}/{what}"
        return Told(moment, f"{told_id}/{reason}" if reason else told_id, fact, reason)

    def _due_on(self, index: int) -> date:
        return self.row.dues[index] if index >= 0 else before(self.row.dues[0], -index)

    def _name(self, index: int) -> str:
        return f"{self._due_on(index):%Y-%m}"
