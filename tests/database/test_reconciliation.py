"""The comparison with core banking's statements, read page by page from the cases of a scheduler."""

from datetime import date

import pytest

from services.scheduler.reconciliation import page
from services.scheduler.service import SCHEDULER
from shared.events.core_banking import AccountStated
from shared.testing import START, days, fact
from tests.database.support import always, missed, received, record


def stated(customer, overdue, account="A1"):
    return AccountStated(
        customer_id=customer, account_id=account, as_of_on=date(2026, 3, 3), overdue_minor=overdue,
        total_due_minor=overdue, currency="CNY",
    )  # fmt: skip


@pytest.fixture(autouse=True)
async def _told(make_shell, clock):
    """C1 agrees, C2 differs, C3 has an opening, C4 no statement."""
    shell, night = make_shell(SCHEDULER), START + days(1.5)
    facts = [
        fact(missed("C1"), START), fact(received("C1", amount=2000), START + days(0.1)),
        fact(stated("C1", 3000), night), fact(missed("C2"), START), fact(received("C2", amount=500), START + days(0.1)),
        fact(stated("C2", 4000), night), fact(stated("C3", 700), night), fact(missed("C4"), START),
    ]  # fmt: skip
    clock.set(night)
    await shell.handle([record(event, n) for n, event in enumerate(facts)], fresh=always)


async def pages(db, **options):
    async with db.engine.connect() as connection:
        return await page(connection, **options)


async def test_each_account_with_a_statement_is_compared_and_the_facts_in_question_are_named(db):
    found = await pages(db)
    assert [(x.customer_id, x.stated_minor, x.derived_minor, x.status) for x in found.accounts] == [
        ("C1", 3000, 3000, "agrees"), ("C2", 4000, 4500, "differs"), ("C3", 700, 700, "opening"),
    ]  # fmt: skip
    _, differs, _ = found.accounts
    assert [(x.instalment_id, x.left_minor) for x in differs.instalments] == [("I1", 4500)]
    assert [(x.payment_id, x.amount_minor, x.counts) for x in differs.payments] == [
        ("P1", 500, True)
    ]
    assert found.accounts[0].payments == []
    (total,) = found.totals
    assert (total.accounts, total.differing, total.stated_minor, total.derived_minor) == (
        3,
        1,
        7700,
        8200,
    )
    assert (found.not_stated, found.next) == (1, None)


async def test_pages_follow_the_customers_and_only_what_differs_can_be_read(db):
    first = await pages(db, limit=2)
    assert ([x.customer_id for x in first.accounts], first.next) == (["C1", "C2"], "C2")
    rest = await pages(db, after="C2", limit=2)
    assert [x.customer_id for x in rest.accounts] == ["C3"]
    only = await pages(db, differing=True)
    assert [x.customer_id for x in only.accounts] == ["C2"]
    nowhere = {"reach_regions": ["CN-44"], "reach_portfolios": None}
    assert (await pages(db, sees=nowhere)).accounts == []
