"""Generate the portfolio, customer by customer.

Most follow the measured roll rates (rates.py, life.py); one in twenty is of the labelled stratum
(stratum.py), a few have a special fate (special.py). Facts lie at 06:00, 12:00 and 18:00 in Shanghai.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from msgspec.structs import replace

from shared.events.core_banking import ContactPoint, CustomerUpdated
from shared.events.envelope import Event
from shared.portfolio import special, stratum
from shared.portfolio.book import AccountBook, Book, morning
from shared.portfolio.life import Life, Plan, plan
from shared.portfolio.people import Account, account, account_record, customer_record
from shared.sandbox.chance import Draws

DEFAULT_START = date(2026, 3, 2)
"""A Monday."""
SECOND_ACCOUNT = 0.15
FOREIGN = {"CNY": 0.75, "HKD": 0.15, "USD": 0.10}
"""The currencies of second accounts."""
MOVED = 0.03
"""The share of customers whose record changes on the way: a new number."""


def generate(customers: int, days: int, seed: int, start: date = DEFAULT_START) -> Iterator[Event]:
    """
    Answer the facts of *customers* over *days* from *start* (06:00 in Shanghai) on, per customer by time.

    A customer's life follows from (seed, its number) alone: more customers change nobody else's.
    """
    for index in range(customers):
        yield from facts_of(index, days, seed, start)


def facts_of(index: int, days: int, seed: int, start: date = DEFAULT_START) -> list[Event]:
    """Answer the facts of the customer No. *index* (from 0), by their time."""
    book = Book(customer_id(index), start, start + timedelta(days=days))
    kind = stratum.kind_of(index)
    if kind is not None:
        stratum.write(book, kind, _draws(seed, index, "stratum"))
        return book.in_order()
    _write_person(book, _draws(seed, index, "person"))
    fate = special.fate_of(index)
    for number, (of, planned) in enumerate(accounts_of(index, days, seed, start), 1):
        draws = _draws(seed, index, f"life {number}")
        record = account_record(book.customer_id, of, draws, start)
        book.tell(morning(start), f"account/{number}", record)
        if fate is None:
            Life(AccountBook(book, of), draws, planned).live()
        elif number == 1:
            special.write(AccountBook(book, of), fate, draws, customer_id(index - 1))
    return book.in_order()


def accounts_of(index: int, days: int, seed: int, start: date) -> list[tuple[Account, Plan]]:
    """Answer the accounts of the customer No. *index*, and what the roll rates have in store for each."""
    draws = _draws(seed, index, "accounts")
    name = customer_id(index)
    accounts = [account(name, 1, draws)]
    if draws.share() < SECOND_ACCOUNT:
        accounts.append(account(name, 2, draws, draws.one_of(FOREIGN)))
    return [
        (of, plan(_draws(seed, index, f"plan {number}"), start, days))
        for number, of in enumerate(accounts, 1)
    ]


def customer_id(index: int) -> str:
    """Answer the id of the customer No. *index* (from 0)."""
    kind = stratum.kind_of(index)
    return f"C-{index + 1:06d}" if kind is None else stratum.stratum_id(kind, index)


def _write_person(book: Book, draws: Draws) -> None:
    person = customer_record(book.customer_id, draws)
    book.tell(morning(book.start), "customer", person)
    if draws.share() < MOVED:
        changed_on = book.start + timedelta(days=draws.within(5, 175))
        book.tell(morning(changed_on), "customer/2", _moved(person, draws))


def _moved(person: CustomerUpdated, draws: Draws) -> CustomerUpdated:
    number = ContactPoint(
        point_id="mobile-3",
        kind="mobile",
        value=f"+86101{draws.within(0, 99_999_999):08d}",
        zones=person.time_zones,
        party="debtor",
        obtained_via="self_service",
    )
    return replace(person, contact_points=(*person.contact_points, number))


def _draws(seed: int, index: int, what: str) -> Draws:
    return Draws("portfolio", seed, index, what)
