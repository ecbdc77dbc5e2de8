"""Compare core banking's latest statement of an account with our fold of its facts (DESIGN.md, section 3).

The first statement is the opening where no earlier fact speaks of amounts: it is not compared with itself.
What counts is what was overdue on the statement's date: instalments due before it, less the payments whose
value date is not after it.
"""

from dataclasses import dataclass
from datetime import date

from msgspec.structs import replace

from services.scheduler.domain import ledger
from services.scheduler.domain.state import Account, Opening, Payment, Statement


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the statement and our facts say was overdue on its date, in minor units of its currency.

    `is_opening`: our facts rest on this statement. `superseded`: core banking has since stated an instalment
    anew that was overdue on that date, so the facts of that day are not known any more.
    """

    statement: Statement
    derived_minor: int
    agrees: bool
    is_opening: bool = False
    superseded: bool = False

    @property
    def diverges(self) -> bool:
        """Whether contact about the account has to wait for facts or a statement that agree."""
        return not (self.agrees or self.is_opening or self.superseded)


def compare(account_id: str, account: Account) -> Comparison | None:
    """Answer the comparison of an account; None without a statement, or where nothing is collected any more."""
    statement = latest(account)
    if statement is None or not ledger.NOT_COLLECTED.isdisjoint(account.closed):
        return None
    derived = _overdue(account_id, account, statement, _booked(account, statement))
    if account.statement is None and ledger.opening_counts(account):
        return Comparison(statement, derived, agrees=True, is_opening=True)
    if any(
        instalment.owed
        and instalment.as_of > statement.time
        and instalment.due_on < statement.as_of_on
        for instalment in account.instalments.values()
    ):
        return Comparison(statement, derived, agrees=False, superseded=True)
    stated = statement.overdue_minor
    agrees = stated == derived or stated == _overdue(
        account_id, account, statement, _known_then(account, statement)
    )
    return Comparison(statement, derived, agrees)


def latest(account: Account) -> Statement | None:
    """Answer the latest statement: where only the opening is known, that."""
    if account.statement is not None or account.opening is None:
        return account.statement
    return as_statement(account.opening)


def as_statement(opening: Opening) -> Statement:
    """Answer what can be compared of an opening."""
    return Statement(
        time=opening.time,
        id=opening.id,
        as_of_on=opening.as_of_on,
        overdue_minor=opening.overdue_minor,
        currency=opening.currency,
    )


def order(statement: Statement) -> tuple[date, object, str]:
    """Order statements of an account: the later (as_of_on, time, id) counts."""
    return (statement.as_of_on, statement.time, statement.id)


def _overdue(
    account_id: str, account: Account, statement: Statement, payments: dict[str, Payment]
) -> int:
    entries = ledger.of_account(account_id, replace(account, payments=payments))
    return sum(
        entry.amount_minor
        for entry in entries
        if entry.owed
        and entry.currency == statement.currency
        and (entry.due_on < statement.as_of_on or entry.instalment_id == ledger.OPENING)
    )


def _booked(account: Account, statement: Statement) -> dict[str, Payment]:
    """The payments with a value date up to the statement's."""
    return {
        key: payment
        for key, payment in account.payments.items()
        if payment.value_on is None or payment.value_on <= statement.as_of_on
    }


def _known_then(account: Account, statement: Statement) -> dict[str, Payment]:
    """
    The same as core banking knew them when it made the statement.

    A payment booked back, or taken back, after that is no difference: the next statement will hold it.
    """
    return {
        key: replace(payment, reversed_at=None)
        if payment.reversed_at is not None and payment.reversed_at > statement.time
        else payment
        for key, payment in _booked(account, statement).items()
        if payment.time is None or payment.time <= statement.time
    }
