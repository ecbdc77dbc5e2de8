"""The labelled stratum: customers whose lives are written to meet the rare situations, beside the roll rates.

One customer in twenty (Nos. 4, 24, 44 ...). The id tells: S-REV-00001 is the first, with the situations of REV.
From 24 customers on every situation occurs, from 1,000 on at least 12 times each.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from msgspec.structs import replace

from shared.portfolio.book import DAY, AccountBook, Book, evening, morning, noon
from shared.portfolio.people import Account, account_record, customer_record
from shared.sandbox.chance import Draws
from shared.tape.months import before

EVERY, FIRST = 20, 3
SITUATIONS = (
    "reversal",
    "back_dated_payment",
    "exhausted_contact_points",
    "visit",
    "filing",
    "reopening",
)
"""What a demonstration must show."""
STRATUM: Mapping[str, tuple[str, ...]] = {
    "REV": ("reversal", "back_dated_payment", "reopening"),
    "EXH": ("exhausted_contact_points", "visit", "filing"),
    "BDP": ("reversal", "back_dated_payment", "reopening"),
    "LEG": ("visit", "filing"),
}
"""Each kind of customer with the situations that are written into its life, in the order in which they take turns."""
REACHABLE = ("mobile-1", "mobile-2", "email-1", "wechat-1", "postal-1", "guarantor-1")
LARGE_MINOR = 3_000_000
"""An instalment (30,000 yuan) that is worth a visit and a lawsuit."""


def kind_of(index: int) -> str | None:
    """Name the kind of the customer No. *index* (from 0); None: not of the stratum."""
    if index % EVERY != FIRST:
        return None
    return tuple(STRATUM)[index // EVERY % len(STRATUM)]


def stratum_id(kind: str, index: int) -> str:
    """Answer the customer's id."""
    return f"S-{kind}-{index // EVERY + 1:05d}"


def situations(customer_id: str) -> tuple[str, ...]:
    """Name the situations written into the customer's life; none outside the stratum."""
    prefix, _, rest = customer_id.partition("-")
    return STRATUM.get(rest.partition("-")[0], ()) if prefix == "S" else ()


def write(book: Book, kind: str, draws: Draws) -> None:
    """Write the life of a customer of the stratum."""
    large = kind in {"EXH", "LEG"}
    account = Account(
        account_id=f"{book.customer_id}-1",
        product="consumer_loan",
        currency="CNY",
        base_minor=LARGE_MINOR + draws.within(0, 9) * 100_000
        if large
        else draws.within(8, 40) * 10_000,
        swing=False,
    )
    person = customer_record(
        book.customer_id, draws, only=("postal-1",) if kind == "EXH" else REACHABLE, grade="C"
    )
    at = morning(book.start)
    book.tell(at, "customer", replace(person, preferred_channel=None))
    book.tell(at, "account", account_record(book.customer_id, account, draws, book.start))
    _LIVES[kind](AccountBook(book, account), draws, book.start)


def _silent(book: AccountBook, draws: Draws, start: date) -> None:
    """Long and large arrears, and nothing is paid at all."""
    last_due = start - timedelta(days=draws.within(3, 12))
    for back in (3, 2, 1, 0):
        book.miss(before(last_due, back), morning(start))
    due_on = before(last_due, -1)
    while due_on < book.book.end:
        book.miss(due_on, morning(due_on + DAY))
        due_on = before(due_on, -1)


def _reversed(book: AccountBook, draws: Draws, start: date) -> None:
    """Cured; the payment comes back and the case opens again; the money had come on an earlier day."""
    due_on = start - timedelta(days=draws.within(3, 9))
    book.miss(due_on, morning(start))
    restored = dict(book.unpaid)
    paid_on = start + timedelta(days=draws.within(4, 7))
    payment_id = book.pay([due_on], evening(paid_on))
    back_on = paid_on + timedelta(days=draws.within(3, 5))
    book.reverse(payment_id, morning(back_on), restored)
    booked_on = back_on + timedelta(days=draws.within(6, 9))
    book.pay([due_on], noon(booked_on), value_on=paid_on + DAY)
    _miss_and_pay(book, before(due_on, -3), draws)


def _back_dated(book: AccountBook, draws: Draws, start: date) -> None:
    """A part, then the rest with an earlier value date; a later episode whose payment comes back."""
    due_on = start - timedelta(days=draws.within(10, 20))
    book.miss(due_on, morning(start))
    part_on = start + timedelta(days=draws.within(2, 4))
    book.pay([due_on], noon(part_on), amount=book.unpaid[due_on] // 3)
    rest_on = part_on + timedelta(days=draws.within(7, 9))
    book.pay([due_on], evening(rest_on), value_on=part_on - DAY)
    again = _next_due(due_on, rest_on)
    book.miss(again, morning(again + DAY))
    restored = dict(book.unpaid)
    paid_on = again + timedelta(days=draws.within(3, 6))
    payment_id = book.pay([again], noon(paid_on))
    book.reverse(payment_id, morning(paid_on + timedelta(days=draws.within(2, 4))), restored)
    book.pay([again], evening(paid_on + timedelta(days=draws.within(12, 20))))


def _miss_and_pay(book: AccountBook, due_on: date, draws: Draws) -> None:
    book.miss(due_on, morning(due_on + DAY))
    book.pay([due_on], evening(due_on + timedelta(days=draws.within(5, 25))))


def _next_due(due_on: date, after: date) -> date:
    while due_on <= after:
        due_on = before(due_on, -1)
    return due_on


_LIVES: Mapping[str, Callable[[AccountBook, Draws, date], None]] = {
    "REV": _reversed,
    "EXH": _silent,
    "BDP": _back_dated,
    "LEG": _silent,
}
