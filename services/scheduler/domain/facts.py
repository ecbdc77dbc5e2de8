"""Fold what core banking says into the case.

Every fact is stored by its business key, with the order (time, id) that decides which of two wins,
so facts of different topics commute and a repetition changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from services.scheduler.domain import ledger, merging, reconciling
from services.scheduler.domain.state import (
    Account,
    CollectionCase,
    Customer,
    Instalment,
    Opening,
    Payment,
    Point,
)
from shared.events import core_banking
from shared.events.envelope import Event
from shared.events.scheduler import CaseMerged
from shared.permits.running import Terms, terms_of

Fold = Callable[[CollectionCase, Any, Event], CollectionCase]


def customer_updated(
    case: CollectionCase, data: core_banking.CustomerUpdated, event: Event
) -> CollectionCase:
    known = case.customer
    if known is not None and (known.time, known.id) >= (event.time, event.id):
        return case
    customer = Customer(
        time=event.time,
        id=event.id,
        language=data.language,
        time_zones=data.time_zones,
        region=data.region,
        country=data.jurisdiction.country,
        state=data.jurisdiction.state or "",
        city=data.jurisdiction.city or "",
        risk_grade=data.risk_grade,
        flags=data.flags,
        preferred_channel=data.preferred_channel,
        points={
            point.point_id: Point(
                kind=point.kind, party=point.party, zones=point.zones, place=point.place or ""
            )
            for point in data.contact_points
        },
    )
    return replace(case, customer=customer)


def customer_deceased(
    case: CollectionCase, data: core_banking.CustomerDeceased, event: Event
) -> CollectionCase:
    if case.deceased is not None and case.deceased >= (event.time, data.ended):
        return case
    return replace(case, deceased=(event.time, data.ended))


def customer_bankrupt(
    case: CollectionCase, data: core_banking.CustomerBankrupt, event: Event
) -> CollectionCase:
    key = data.case_no or ""
    known = case.bankrupt.get(key)
    if known is not None and known >= (event.time, data.ended):
        return case
    return replace(case, bankrupt={**case.bankrupt, key: (event.time, data.ended)})


def account_updated(
    case: CollectionCase, data: core_banking.AccountUpdated, event: Event
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    if account.time is not None and (account.time, account.id) >= (event.time, event.id):
        return case
    updated = replace(
        account,
        time=event.time,
        id=event.id,
        product=data.product,
        creditor=data.creditor,
        role=data.collector_role,
        secured=bool(data.secured),
        creditor_kind=data.creditor_kind or "",
        terms=said if (said := terms_of(data)) != Terms() else None,
    )
    return _with_account(case, data.account_id, updated)


def account_closed(
    case: CollectionCase, data: core_banking.AccountClosed, _: Event
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    if data.cause in account.closed:
        return case
    closed = tuple(sorted({*account.closed, data.cause}))
    return _with_account(case, data.account_id, replace(account, closed=closed))


def account_stated(
    case: CollectionCase, data: core_banking.AccountStated, event: Event
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    said = Opening(
        time=event.time,
        id=event.id,
        as_of_on=data.as_of_on,
        overdue_minor=data.overdue_minor,
        currency=data.currency,
        oldest_due_on=data.oldest_due_on,
        instalments=data.instalments,
    )
    opening = min(account.opening or said, said, key=lambda each: (each.time, each.id))
    statements = [reconciling.as_statement(each) for each in (account.opening, said) if each]
    latest = max(
        [*statements, *([account.statement] if account.statement else [])], key=reconciling.order
    )
    is_opening = (latest.time, latest.id) == (opening.time, opening.id)
    updated = replace(account, opening=opening, statement=None if is_opening else latest)
    return case if updated == account else _with_account(case, data.account_id, updated)


def payment_due(
    case: CollectionCase, data: core_banking.PaymentDue, event: Event
) -> CollectionCase:
    return _assert_instalment(case, data, event, as_of=event.time, owed=False)


def payment_missed(
    case: CollectionCase, data: core_banking.PaymentMissed, event: Event
) -> CollectionCase:
    return _assert_instalment(case, data, event, as_of=data.as_of or event.time, owed=True)


def instalment_changed(
    case: CollectionCase, data: core_banking.InstalmentChanged, event: Event
) -> CollectionCase:
    return _assert_instalment(case, data, event, as_of=event.time, owed=True)


def payment_received(
    case: CollectionCase, data: core_banking.PaymentReceived, event: Event
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    known = account.payments.get(data.payment_id)
    if (
        known is not None
        and known.time is not None
        and (known.time, known.id) <= (event.time, event.id)
    ):
        return case
    payment = Payment(
        amount_minor=data.amount_minor,
        currency=data.currency,
        value_on=data.value_on,
        time=event.time,
        id=event.id,
        allocations=data.allocations,
        reversed_at=known.reversed_at if known is not None else None,
        inferred=data.inferred,
    )
    return _with_payment(case, data.account_id, account, data.payment_id, payment, event.time)


def payment_reversed(
    case: CollectionCase, data: core_banking.PaymentReversed, event: Event
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    known = account.payments.get(data.payment_id, Payment())
    if known.reversed_at is not None and known.reversed_at <= event.time:
        return case
    payment = replace(known, reversed_at=event.time)
    return _with_payment(case, data.account_id, account, data.payment_id, payment, event.time)


def _assert_instalment(
    case: CollectionCase,
    data: core_banking.PaymentDue | core_banking.PaymentMissed | core_banking.InstalmentChanged,
    event: Event,
    *,
    as_of: datetime,
    owed: bool,
) -> CollectionCase:
    account = case.accounts.get(data.account_id, Account())
    said = Instalment(
        due_on=data.due_on,
        amount_minor=data.amount_minor,
        currency=data.currency,
        as_of=as_of,
        time=event.time,
        id=event.id,
        owed=owed,
    )
    known = account.instalments.get(data.instalment_id)
    wins = known is None or (said.owed, ledger.rank(said)) > (known.owed, ledger.rank(known))
    instalments = {**account.instalments, data.instalment_id: said} if wins else account.instalments
    first = _earlier(account.first_amount_at, event.time) if owed else account.first_amount_at
    if not wins and first == account.first_amount_at:
        return case
    updated = replace(account, instalments=instalments, first_amount_at=first)
    return _with_account(case, data.account_id, updated)


def _with_payment(
    case: CollectionCase,
    account_id: str,
    account: Account,
    payment_id: str,
    payment: Payment,
    at: datetime,
) -> CollectionCase:
    updated = replace(
        account,
        payments={**account.payments, payment_id: payment},
        first_amount_at=_earlier(account.first_amount_at, at),
    )
    return _with_account(case, account_id, updated)


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None or at < known else known


def _with_account(case: CollectionCase, account_id: str, account: Account) -> CollectionCase:
    return replace(case, accounts={**case.accounts, account_id: account})


FOLDS: dict[type[Any], Fold] = {
    core_banking.CustomerUpdated: customer_updated,
    core_banking.CustomerMerged: merging.told,
    CaseMerged: merging.taken_over,
    core_banking.CustomerDeceased: customer_deceased,
    core_banking.CustomerBankrupt: customer_bankrupt,
    core_banking.AccountUpdated: account_updated,
    core_banking.AccountClosed: account_closed,
    core_banking.AccountStated: account_stated,
    core_banking.PaymentDue: payment_due,
    core_banking.PaymentMissed: payment_missed,
    core_banking.PaymentReceived: payment_received,
    core_banking.PaymentReversed: payment_reversed,
    core_banking.InstalmentChanged: instalment_changed,
}
