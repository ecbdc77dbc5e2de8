"""Describe how a case stands, for the service that takes the next step."""

from datetime import date

from services.scheduler.domain import ladder, ledger
from services.scheduler.domain.ledger import Unpaid
from services.scheduler.domain.state import CollectionCase
from shared.events.scheduler import Amount, Situation


def amounts(sums: dict[str, int]) -> tuple[Amount, ...]:
    """Turn sums per currency into amounts, in the order of the currencies."""
    return tuple(Amount(currency=currency, amount_minor=sums[currency]) for currency in sums)


def place(case: CollectionCase, overdue: list[Unpaid]) -> tuple[str, str]:
    """Answer region and portfolio: the customer's, and the creditor of the oldest overdue account, else of the first."""
    accounts = [entry.account_id for entry in overdue] + sorted(case.accounts)
    creditors = (case.accounts[each].creditor for each in accounts)
    region = case.customer.region if case.customer is not None else ""
    return region, next((creditor for creditor in creditors if creditor), "")


def describe(case: CollectionCase, entries: list[Unpaid], dpd: int, bucket: str) -> Situation:
    """Answer the snapshot of the case; *entries* are the instalments in question, the oldest first."""
    customer = case.customer
    account_ids = sorted({entry.account_id for entry in entries})
    accounts = [case.accounts[account_id] for account_id in account_ids]
    oldest: date = entries[0].due_on
    return Situation(
        dpd=dpd,
        bucket=bucket,
        overdue=amounts(ledger.by_currency(entries)),
        oldest_due_on=oldest,
        accounts=tuple(account_ids),
        language=customer.language if customer else "zh-CN",
        region=customer.region if customer else "",
        time_zones=customer.time_zones if customer else (),
        country=customer.country if customer else "",
        risk_grade=customer.risk_grade if customer else None,
        flags=customer.flags if customer else (),
        products=tuple(sorted({account.product for account in accounts if account.product})),
        secured=any(account.secured for account in accounts),
        creditor=next((account.creditor for account in accounts if account.creditor), ""),
        cures=case.cures,
        kept_promises=case.kept,
        broken_promises=case.broken,
        address_point_id=ladder.address_point(case, customer) if customer else None,
        unreachable=customer is not None and ladder.exhausted(case, customer),
    )
