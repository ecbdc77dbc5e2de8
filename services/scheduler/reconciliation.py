"""Our overdue against core banking's statements, account by account: read from the cases, page by page."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.domain import ledger, reconciling
from services.scheduler.domain.reconciling import Comparison
from services.scheduler.domain.state import Account, CollectionCase
from services.scheduler.service import SCHEDULER
from shared.http.access import VISIBLE, Caller, needs, reach
from shared.http.context import After, Limit, Running
from shared.http.problems import RESPONSES
from shared.messaging.cases import upcast

router = APIRouter(tags=["reconciliation"], responses=RESPONSES)
EVERYWHERE: dict[str, list[str] | None] = {"reach_regions": None, "reach_portfolios": None}
_PAGE = text(f"""
    SELECT customer_id, state::text, state_version FROM cases
    WHERE customer_id > :after AND (NOT :differing OR jsonb_exists(state, 'diverged')) AND {VISIBLE}
    ORDER BY customer_id LIMIT :limit
""")  # noqa: S608  a constant


class InstalmentLine(BaseModel):
    """An instalment as last asserted, and what is left of it by our fold of today."""

    instalment_id: str
    due_on: date
    asserted_minor: int
    left_minor: int


class PaymentLine(BaseModel):
    """A payment; it counts when it stands and its value date is not after the statement's."""

    payment_id: str
    amount_minor: int
    value_on: date | None
    reversed: bool
    counts: bool


class AccountLine(BaseModel):
    """
    One account that has a statement: what the statement and what our facts say was overdue on its date.

    `status`: agrees; opening (our facts rest on it); superseded (core banking stated an instalment anew since);
    differs. Only where it differs the facts in question are listed.
    """

    customer_id: str
    account_id: str
    as_of_on: date
    currency: str
    stated_minor: int
    derived_minor: int
    status: Literal["agrees", "opening", "superseded", "differs"]
    instalments: list[InstalmentLine] = []
    payments: list[PaymentLine] = []


class Total(BaseModel):
    """Sums of a page in one currency: of all its accounts with a statement."""

    currency: str
    accounts: int
    differing: int
    stated_minor: int
    derived_minor: int


class ReconciliationPage(BaseModel):
    """
    The accounts of a page of customers, and their totals; `next` is the `after` of the page that follows.

    `not_stated` counts accounts with amounts and without any statement.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accounts": [
                        {
                            "customer_id": "C000042",
                            "account_id": "A1",
                            "as_of_on": "2026-04-05",
                            "currency": "CNY",
                            "stated_minor": 200000,
                            "derived_minor": 240000,
                            "status": "differs",
                        }
                    ],
                    "totals": [
                        {
                            "currency": "CNY",
                            "accounts": 1,
                            "differing": 1,
                            "stated_minor": 200000,
                            "derived_minor": 240000,
                        }
                    ],
                    "not_stated": 0,
                    "next": None,
                }
            ]
        }
    )

    accounts: list[AccountLine]
    totals: list[Total]
    not_stated: int = 0
    next: str | None = None


async def page(
    connection: AsyncConnection,
    *,
    after: str = "",
    limit: int = 500,
    differing: bool = False,
    sees: dict[str, list[str] | None] | None = None,
) -> ReconciliationPage:
    """Answer the accounts of up to *limit* customers after *after*; *differing* reads only cases with a difference."""
    rows = (
        await connection.execute(
            _PAGE,
            {"after": after, "limit": limit, "differing": differing, **(sees or EVERYWHERE)},
        )
    ).all()
    lines: list[AccountLine] = []
    not_stated = 0
    for customer_id, stored, version in rows:
        case: CollectionCase = upcast(SCHEDULER, stored, version)
        for account_id, account in sorted(case.accounts.items()):
            found = reconciling.compare(account_id, account)
            if found is not None:
                lines.append(_line(customer_id, account_id, account, found))
            elif account.instalments and reconciling.latest(account) is None:
                not_stated += 1
    if differing:
        lines = [line for line in lines if line.status == "differs"]
    following = rows[-1].customer_id if len(rows) == limit else None
    return ReconciliationPage(
        accounts=lines, totals=_totals(lines), not_stated=not_stated, next=following
    )


@router.get("/reconciliation")
async def reconciliation(
    runtime: Running,
    caller: Annotated[Caller, needs("reconciliation:read")],
    differing: Annotated[bool, Query(description="Only accounts that differ.")] = False,
    after: After = "",
    limit: Limit = 100,
) -> ReconciliationPage:
    """Compare our overdue with core banking's statements, for a page of customers."""
    async with runtime.engine.connect() as connection:
        return await page(
            connection, after=after, limit=limit, differing=differing, sees=reach(caller)
        )


def _line(customer_id: str, account_id: str, account: Account, found: Comparison) -> AccountLine:
    line = AccountLine(
        customer_id=customer_id,
        account_id=account_id,
        as_of_on=found.statement.as_of_on,
        currency=found.statement.currency,
        stated_minor=found.statement.overdue_minor,
        derived_minor=found.derived_minor,
        status="opening"
        if found.is_opening
        else "superseded"
        if found.superseded
        else "agrees"
        if found.agrees
        else "differs",
    )
    if line.status == "differs":
        left = {each.instalment_id: each.amount_minor for each in ledger.of_account("", account)}
        line.instalments = [
            InstalmentLine(
                instalment_id=key,
                due_on=each.due_on,
                asserted_minor=each.amount_minor,
                left_minor=left.get(key, 0),
            )
            for key, each in sorted(
                account.instalments.items(), key=lambda kv: (kv[1].due_on, kv[0])
            )
        ]
        line.payments = [
            PaymentLine(
                payment_id=key,
                amount_minor=each.amount_minor,
                value_on=each.value_on,
                reversed=each.reversed_at is not None,
                counts=each.reversed_at is None
                and each.value_on is not None
                and each.value_on <= line.as_of_on,
            )
            for key, each in sorted(account.payments.items())
        ]
    return line


def _totals(lines: Iterable[AccountLine]) -> list[Total]:
    totals: dict[str, Total] = {}
    for line in lines:
        total = totals.setdefault(
            line.currency,
            Total(currency=line.currency, accounts=0, differing=0, stated_minor=0, derived_minor=0),
        )
        total.accounts += 1
        total.differing += line.status == "differs"
        total.stated_minor += line.stated_minor
        total.derived_minor += line.derived_minor
    return [totals[currency] for currency in sorted(totals)]
