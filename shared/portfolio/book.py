"""Keep the books of one made-up customer: every fact of the portfolio is written here, on the grid of instants."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from shared.events.core_banking import (
    AccountStated,
    Allocation,
    InstalmentChanged,
    PaymentMissed,
    PaymentReceived,
    PaymentReversed,
    StatedInstalment,
)
from shared.events.envelope import Event, Fact
from shared.events.registry import TYPE_OF
from shared.portfolio.people import Account

SOURCE = "/core-banking"
MORNING, NOON, EVENING = time(22, tzinfo=UTC), time(4, tzinfo=UTC), time(10, tzinfo=UTC)
"""06:00 (of the day after), 12:00 and 18:00 in Shanghai: the only instants at which facts are recorded."""
DAY = timedelta(days=1)


def morning(day: date) -> datetime:
    """Answer 06:00 of *day* in Shanghai: when misses, due dates and changed records come."""
    return datetime.combine(day - DAY, MORNING)


def noon(day: date) -> datetime:
    """Answer 12:00 of *day* in Shanghai: the first of two payment runs."""
    return datetime.combine(day, NOON)


def evening(day: date) -> datetime:
    """Answer 18:00 of *day* in Shanghai: the second of two payment runs."""
    return datetime.combine(day, EVENING)


@dataclass(slots=True)
class Book:
    """The facts about one customer; those after the last day (`end`, excluded) are not written."""

    customer_id: str
    start: date
    end: date
    events: list[Event] = field(default_factory=list)

    def tell(self, at: datetime, about: str, fact: Fact) -> None:
        """Record *fact* at *at*; *about* makes its id, unique within the customer."""
        if morning(self.start) <= at < morning(self.end):
            event_id = f"{self.customer_id}/{about}"
            name = TYPE_OF[type(fact)]
            self.events.append(
                Event(
                    id=event_id,
                    source=SOURCE,
                    type=name,
                    subject=self.customer_id,
                    time=at,
                    data=fact,
                )
            )

    def in_order(self) -> list[Event]:
        """Answer all facts by their time."""
        return sorted(self.events, key=lambda event: event.time)


@dataclass(slots=True)
class AccountBook:
    """One account's part of the book; `unpaid` is what is left of each instalment known missed."""

    book: Book
    account: Account
    unpaid: dict[date, int] = field(default_factory=dict)
    payments: int = 0

    def miss(self, due_on: date, at: datetime, amount: int | None = None) -> None:
        """The instalment of *due_on* is known unpaid from *at* on."""
        self.unpaid[due_on] = amount or self.account.instalment_minor(due_on)
        fact = PaymentMissed(
            customer_id=self.book.customer_id,
            account_id=self.account.account_id,
            instalment_id=self.name(due_on),
            due_on=due_on,
            amount_minor=self.unpaid[due_on],
            currency=self.account.currency,
        )
        self.book.tell(at, f"{self._account}/missed/{due_on}/{at:%m%d}", fact)

    def state(self, dues: list[date]) -> None:
        """Open with a statement instead of single misses."""
        for due_on in dues:
            self.unpaid[due_on] = self.account.instalment_minor(due_on)
        overdue = sum(self.unpaid.values())
        start = self.book.start
        fact = AccountStated(
            customer_id=self.book.customer_id,
            account_id=self.account.account_id,
            as_of_on=start - DAY,
            overdue_minor=overdue,
            total_due_minor=overdue,
            currency=self.account.currency,
            oldest_due_on=min(dues),
            dpd=(start - DAY - min(dues)).days,
            instalments=tuple(
                StatedInstalment(
                    instalment_id=self.name(due_on), due_on=due_on, amount_minor=self.unpaid[due_on]
                )
                for due_on in sorted(dues)
            ),
        )
        self.book.tell(morning(start), f"{self._account}/opening", fact)

    def pay(
        self,
        dues: list[date],
        at: datetime,
        *,
        amount: int | None = None,
        value_on: date | None = None,
        named: bool = True,
    ) -> str:
        """
        Pay *dues*, the oldest first, in full or up to *amount*; answer the payment_id.

        Without *named* the payment does not say what it pays, so it must be for the oldest. A
        *value_on* before the day of *at* makes it back-dated.
        """
        parts: list[Allocation] = []
        left = sum(self.unpaid[due_on] for due_on in dues) if amount is None else amount
        paid = left
        for due_on in sorted(dues):
            part = min(left, self.unpaid[due_on])
            if part:
                parts.append(Allocation(instalment_id=self.name(due_on), amount_minor=part))
                left -= part
                self.unpaid[due_on] -= part
                if not self.unpaid[due_on]:
                    del self.unpaid[due_on]
        return self.receive(paid, at, parts if named else [], value_on)

    def receive(
        self, amount: int, at: datetime, parts: list[Allocation], value_on: date | None = None
    ) -> str:
        """Record a payment as it is; answer the payment_id."""
        self.payments += 1
        payment_id = f"{self._account}-p{self.payments}"
        fact = PaymentReceived(
            customer_id=self.book.customer_id,
            payment_id=payment_id,
            account_id=self.account.account_id,
            amount_minor=amount,
            currency=self.account.currency,
            value_on=value_on or at.date(),
            allocations=tuple(parts),
        )
        self.book.tell(at, f"{payment_id}/received", fact)
        return payment_id

    def reverse(self, payment_id: str, at: datetime, restored: dict[date, int]) -> None:
        """Take the payment back; *restored* is what it had paid."""
        self.unpaid |= restored
        fact = PaymentReversed(
            customer_id=self.book.customer_id,
            payment_id=payment_id,
            account_id=self.account.account_id,
            reason="returned_debit",
        )
        self.book.tell(at, f"{payment_id}/reversed", fact)

    def change(
        self,
        due_on: date,
        at: datetime,
        cause: Literal["rescheduled", "deferred", "waived", "charged"],
        amount: int,
        new_due_on: date | None = None,
    ) -> None:
        """The bank changes an instalment that is unpaid: *amount* is what is left from *at* on."""
        self.unpaid[due_on] = amount
        fact = InstalmentChanged(
            customer_id=self.book.customer_id,
            account_id=self.account.account_id,
            instalment_id=self.name(due_on),
            due_on=new_due_on or due_on,
            amount_minor=amount,
            currency=self.account.currency,
            cause=cause,
        )
        self.book.tell(at, f"{self._account}/{cause}/{due_on}/{at:%m%d}", fact)

    def name(self, due_on: date) -> str:
        """Name the instalment that fell due on *due_on*."""
        return f"{due_on:%Y-%m}"

    @property
    def _account(self) -> str:
        return self.account.account_id.rpartition("-")[2]
