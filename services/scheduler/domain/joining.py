"""Join what two cases know: each fact by its business key, so that the order and repeats of joining make no difference.

Which of two tellings of one fact wins is the same as when both are told to one case (facts.py, reports.py, halts.py).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from services.scheduler.domain import ledger, reconciling
from services.scheduler.domain.state import Account, Instalment, Opening, Payment, Statement
from shared.canonical import canonical
from shared.compliance.entries import Entry
from shared.permits import outcomes

T = TypeVar("T")


def by_key(one: dict[str, T], other: dict[str, T], join: Callable[[T, T], T]) -> dict[str, T]:
    """Answer all entries of both; *join* answers for a key that both have. *one* itself where nothing is new."""
    new = {key: join(one[key], value) if key in one else value for key, value in other.items()}
    new = {key: value for key, value in new.items() if key not in one or one[key] != value}
    return {**one, **new} if new else one


def either(one: T, other: T) -> T:
    """Answer one of two tellings that should not differ: the same one whichever came first."""
    return min(one, other, key=canonical)


def earliest(one: Any, other: Any) -> Any:
    """Answer the lesser of two, of which either may be None: not known."""
    return min((each for each in (one, other) if each is not None), default=None)


def latest(one: Any, other: Any) -> Any:
    """Answer the greater of two, of which either may be None: not known."""
    return max((each for each in (one, other) if each is not None), default=None)


def accounts(one: Account, other: Account) -> Account:
    """Join what is known of one account: its later record, and all of its money."""
    told = [each for each in (one, other) if each.time is not None]
    record = max(told, key=lambda each: (each.time, each.id), default=one)
    opening, statement = _statements(one, other)
    return replace(
        record,
        closed=tuple(sorted({*one.closed, *other.closed})),
        given_up_at=latest(one.given_up_at, other.given_up_at),
        first_amount_at=earliest(one.first_amount_at, other.first_amount_at),
        opening=opening,
        statement=statement,
        instalments=by_key(one.instalments, other.instalments, _instalment),
        payments=by_key(one.payments, other.payments, _payment),
    )


def entries(one: Entry, other: Entry) -> Entry:
    """Join two tellings of one fact of the gate's log: of a permit what came of it so far, else the later record."""
    if one.src == outcomes.SRC:
        return outcomes.joined(one, other)
    return max(one, other, key=lambda each: (each.rec or each.at, canonical(each)))


def _statements(one: Account, other: Account) -> tuple[Opening | None, Statement | None]:
    openings = [each.opening for each in (one, other) if each.opening is not None]
    if not openings:
        return None, None
    opening = min(openings, key=lambda each: (each.time, each.id))
    said = [reconciling.as_statement(each) for each in openings]
    said += [each.statement for each in (one, other) if each.statement is not None]
    statement = max(said, key=reconciling.order)
    is_opening = (statement.time, statement.id) == (opening.time, opening.id)
    return opening, None if is_opening else statement


def _instalment(one: Instalment, other: Instalment) -> Instalment:
    return max(one, other, key=lambda each: (each.owed, *ledger.rank(each)))


def _payment(one: Payment, other: Payment) -> Payment:
    told = [each for each in (one, other) if each.time is not None]
    payment = min(told, key=lambda each: (each.time, each.id), default=one)
    return replace(payment, reversed_at=earliest(one.reversed_at, other.reversed_at))
