"""Live the months of an ordinary account: a chain of states by the roll rates, and the facts that make it."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from shared.events.core_banking import Allocation, PaymentDue
from shared.portfolio.book import DAY, AccountBook, evening, morning, noon
from shared.portfolio.rates import (
    BACK_DATED,
    BRIEF,
    LATE_BY_REVERSAL,
    PARTLY_PAID,
    Row,
    stationary,
    used,
)
from shared.sandbox.chance import Draws
from shared.tape.months import before

TO_CLOSE = timedelta(days=15)
"""From a due date to the close at which the month's state is counted, so k months late lies in bucket Mk."""
LAST_DUE_DAY = 28
ANNOUNCED_DAYS = timedelta(days=7)
STATED = 0.3
"""The share of accounts in arrears at the start that open with a statement, not with single misses."""
ANNOUNCED = 0.1
"""The share of accounts of which every instalment is announced by `payment.due`."""
NAMED = 0.6
"""The share of accounts whose payments all say which instalments they pay."""
CHANGED = 0.04
"""The share of months in arrears in which the bank adds a fee or waives a part."""
SPLIT = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What will become of an account: `chain[n]` is its state (months past due) at `closes[n]`.

    `dues[n]` falls due between `closes[n - 1]` and `closes[n]`; `closes[0]` is the first day, and
    `dues[0]` the last due date before it.
    """

    dues: tuple[date, ...]
    closes: tuple[date, ...]
    chain: tuple[int, ...]


@cache
def _rates() -> tuple[tuple[Row, ...], Row]:
    rows = used()
    return rows, stationary(rows)


def plan(draws: Draws, start: date, days: int) -> Plan:
    """Draw the account's day of the month, the state that it starts in, and the states that follow."""
    first_due = start + timedelta(days=draws.within(0, LAST_DUE_DAY - 1))
    while first_due.day > LAST_DUE_DAY:
        first_due += DAY
    rows, spread = _rates()
    dues, closes, chain = [before(first_due, 1)], [start], [draws.one_of(spread)]
    # one month beyond the end, so that a longer run begins with the same facts
    while len(closes) < 2 or closes[-2] < start + timedelta(days=days):  # noqa: PLR2004
        dues.append(before(first_due, 1 - len(dues)))
        closes.append(dues[-1] + TO_CLOSE)
        chain.append(draws.one_of(rows[chain[-1]]))
    return Plan(tuple(dues), tuple(closes), tuple(chain))


class Life:
    """The life of one account: writes the facts of its plan into the book, month by month."""

    def __init__(self, book: AccountBook, draws: Draws, planned: Plan) -> None:
        """Draw the account's habits; nothing is written yet."""
        self._book = book
        self._draws = draws
        self._plan = planned
        self._named = draws.share() < NAMED
        self._announced = draws.share() < ANNOUNCED
        self._to_reverse: tuple[str, dict[date, int]] | None = None

    def live(self) -> None:
        """Write everything from the first day on."""
        self._open()
        for month in range(1, len(self._plan.chain)):
            self._month(month)

    def _open(self) -> None:
        dues = self._wanted(0)
        if dues and self._draws.share() < STATED:
            self._book.state(dues)
        else:
            for due_on in dues:
                self._book.miss(due_on, morning(self._plan.closes[0]))

    def _wanted(self, month: int) -> list[date]:
        """The instalments that are unpaid at the close of *month*, the oldest first."""
        plan = self._plan
        return [before(plan.dues[month], back) for back in reversed(range(plan.chain[month]))]

    def _month(self, month: int) -> None:
        plan, book = self._plan, self._book
        opened, due_on, closed = plan.closes[month - 1], plan.dues[month], plan.closes[month]
        wanted = self._wanted(month)
        self._change(opened, [due for due in wanted if due in book.unpaid])
        self._announce(month, due_on)
        if self._to_reverse is not None:
            payment_id, restored = self._to_reverse
            book.reverse(payment_id, morning(self._day(opened, due_on)), restored)
            self._to_reverse = None
        leaving = [due for due in book.unpaid if due not in wanted]
        if leaving:
            self._pay(sorted(leaving), opened, closed)
        elif book.unpaid and self._draws.share() < PARTLY_PAID:
            self._pay_partly(opened, due_on)
        for due in wanted:
            if due not in book.unpaid:
                known = due_on + DAY if due == due_on else self._day(opened, due_on)
                book.miss(due, morning(known))
        if plan.chain[month - 1] == 0 and plan.chain[month] == 0:
            self._maybe_brief(month, due_on)

    def _maybe_brief(self, month: int, due_on: date) -> None:
        """Miss the due date by days, unseen at any close; before a jump the payment is taken back."""
        book, draws = self._book, self._draws
        following = self._plan.chain[month + 1] if month + 1 < len(self._plan.chain) else 0
        jumps = following > 1
        if draws.share() >= (LATE_BY_REVERSAL if jumps else BRIEF) or self._is_announced(due_on):
            return
        book.miss(due_on, morning(due_on + DAY))
        restored = dict(book.unpaid)
        paid_on = due_on + timedelta(days=draws.within(1, 12))
        payment_id = book.pay([due_on], evening(paid_on), named=self._named)
        if jumps:
            self._to_reverse = (payment_id, restored)

    def _pay(self, dues: list[date], opened: date, closed: date) -> None:
        """Pay *dues* between two closes, at once or the oldest first and then the others."""
        draws, parts = self._draws, [dues]
        if len(dues) > 1 and draws.share() < SPLIT:
            parts = [dues[:1], dues[1:]]
        for paid_on, part in zip(
            sorted(self._day(opened, closed) for _ in parts), parts, strict=True
        ):
            # a payment that is folded out of turn must say what it pays
            late = draws.share() < BACK_DATED
            value_on = paid_on - timedelta(days=draws.within(3, 8)) if late else None
            at = noon(paid_on) if draws.share() < 0.5 else evening(paid_on)  # noqa: PLR2004  two runs
            self._book.pay(part, at, value_on=value_on, named=self._named or late)

    def _pay_partly(self, opened: date, due_on: date) -> None:
        oldest = min(self._book.unpaid)
        amount = self._book.unpaid[oldest] * self._draws.within(10, 60) // 100
        if amount:
            at = noon(self._day(opened, due_on))
            self._book.pay([oldest], at, amount=amount, named=self._named)

    def _change(self, opened: date, staying: list[date]) -> None:
        """Add a fee to the oldest instalment that stays unpaid, or waive a part of it."""
        if not staying or not self._named or self._draws.share() >= CHANGED:
            return  # a payment that names no instalment would flow on to others once it is netted
        left = self._book.unpaid[staying[0]]
        at = morning(opened + 2 * DAY)
        if self._draws.share() < 0.5:  # noqa: PLR2004  as often one as the other
            self._book.change(staying[0], at, "charged", left + left // 20 + 1)
        else:
            self._book.change(staying[0], at, "waived", left - left // 10)

    def _announce(self, month: int, due_on: date) -> None:
        """Announce the instalment; where nothing is late at the close it is paid in time."""
        if not self._is_announced(due_on):
            return
        book, account = self._book, self._book.account
        amount, name = account.instalment_minor(due_on), book.name(due_on)
        fact = PaymentDue(
            customer_id=book.book.customer_id,
            account_id=account.account_id,
            instalment_id=name,
            due_on=due_on,
            amount_minor=amount,
            currency=account.currency,
        )
        book.book.tell(morning(due_on - ANNOUNCED_DAYS), f"{account.account_id}/due/{due_on}", fact)
        if not self._plan.chain[month]:
            paid = Allocation(instalment_id=name, amount_minor=amount)
            book.receive(amount, noon(due_on - 2 * DAY), [paid])

    def _is_announced(self, due_on: date) -> bool:
        return self._announced and due_on - ANNOUNCED_DAYS > self._plan.closes[0]

    def _day(self, opened: date, until: date) -> date:
        """Draw a day after the last close, up to *until*."""
        first = opened + 2 * DAY
        return first + timedelta(days=self._draws.within(0, max((until - first).days, 0)))
