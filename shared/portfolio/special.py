"""Customers in arrears to whom something else happens: death, bankruptcy, a merger, a closed account, a deferral."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from shared.events.core_banking import (
    AccountClosed,
    CustomerBankrupt,
    CustomerDeceased,
    CustomerMerged,
)
from shared.portfolio.book import DAY, AccountBook, evening, morning
from shared.sandbox.chance import Draws
from shared.tape.months import before

EVERY = 100
"""Of each hundred customers one has each of these fates; the merger happens once, in the first hundred."""


def fate_of(index: int) -> str | None:
    """Name what happens to the customer No. *index* (from 0); None: nothing special."""
    if index >= EVERY and index % EVERY in _ONCE:
        return None
    return _BY_PLACE.get(index % EVERY)


def write(book: AccountBook, fate: str, draws: Draws, partner_id: str) -> None:
    """Write two missed instalments, and then the customer's fate; *partner_id* is the other of a merger."""
    first_due = before(book.book.start - timedelta(days=draws.within(2, 9)), 1)
    for due_on in (first_due, before(first_due, -1)):
        book.miss(due_on, morning(book.book.start))
    _FATES[fate](book, draws.within(5, 20), partner_id)


def _deceased(book: AccountBook, day: int, _: str) -> None:
    fact = CustomerDeceased(customer_id=book.book.customer_id)
    book.book.tell(morning(book.book.start + timedelta(days=day)), "deceased", fact)


def _bankrupt(book: AccountBook, day: int, _: str) -> None:
    """The proceedings end after two months."""
    customer_id, case_no = book.book.customer_id, f"{book.book.start.year}-BK-{day}"
    opened = morning(book.book.start + timedelta(days=day))
    book.book.tell(opened, "bankrupt", CustomerBankrupt(customer_id=customer_id, case_no=case_no))
    ended = CustomerBankrupt(customer_id=customer_id, case_no=case_no, ended=True)
    book.book.tell(opened + timedelta(days=60), "bankrupt/ended", ended)


def _settled(book: AccountBook, day: int, _: str) -> None:
    """Everything is paid, and the account closed the day after."""
    paid_on = book.book.start + timedelta(days=day)
    book.pay(sorted(book.unpaid), evening(paid_on))
    _close(book, "settled", day + 2)


def _written_off(book: AccountBook, day: int, _: str) -> None:
    _close(book, "written_off", day + 60)


def _sold(book: AccountBook, day: int, _: str) -> None:
    _close(book, "sold", day + 30)


def _close(book: AccountBook, cause: str, day: int) -> None:
    fact = AccountClosed(
        customer_id=book.book.customer_id,
        account_id=book.account.account_id,
        cause=cause,  # type: ignore[arg-type]  # one of the contract's, see the callers
    )
    book.book.tell(morning(book.book.start + timedelta(days=day)), f"closed/{cause}", fact)


def _deferred(book: AccountBook, day: int, _: str) -> None:
    """Both instalments move two months on, and are paid before they fall due again."""
    deferred = morning(book.book.start + timedelta(days=day))
    dues = sorted(book.unpaid)
    for due_on in dues:
        book.change(due_on, deferred, "deferred", book.unpaid[due_on], before(due_on, -3))
    book.pay(dues, evening(before(dues[0], -3) - 2 * DAY))


def _merged(book: AccountBook, day: int, partner_id: str) -> None:
    """The partner's record turns out to be this customer's."""
    fact = CustomerMerged(customer_id=book.book.customer_id, from_customer_id=partner_id)
    book.book.tell(morning(book.book.start + timedelta(days=day + 20)), "merged", fact)


def _nothing(_: AccountBook, __: int, ___: str) -> None:
    """The one whose record ends: the merger is told of the survivor."""


_FATES: Mapping[str, Callable[[AccountBook, int, str], None]] = {
    "deceased": _deceased,
    "bankrupt": _bankrupt,
    "settled": _settled,
    "written_off": _written_off,
    "sold": _sold,
    "deferred": _deferred,
    "merges": _merged,
    "merged_away": _nothing,
}
_BY_PLACE = {
    10: "deceased",
    12: "bankrupt",
    14: "settled",
    16: "deferred",
    18: "written_off",
    20: "merged_away",
    21: "merges",
    30: "sold",
}
_ONCE = frozenset({20, 21})
"""Neighbours: the one before the survivor is the one whose record ends."""
