"""Where a case belongs: the customer's region, and the creditor of the oldest overdue account, else of the first."""

from shared.testing import START, days, tick
from tests.domain.scheduler.cases import KNOWN, account, customer, missed, received, story


def place(told):
    return told.state.region, told.state.portfolio


def test_a_case_belongs_to_the_customers_region_and_the_first_accounts_creditor():
    known = story(customer(), account(), account(account_id="B", creditor="FUND")).when(tick(KNOWN))
    assert place(known) == ("CN-31", "BANK")


def test_the_oldest_overdue_account_decides_and_a_payment_changes_it():
    told = story(customer(), account(), account(account_id="B", creditor="FUND"))
    told.given(missed(), missed(account_id="B", instalment_id="I2", due_on="2026-02-01"))
    assert place(told.when(tick())) == ("CN-31", "FUND")
    paid = received(START + days(1), account_id="B")
    assert place(told.given(paid).when(tick(START + days(1)))) == ("CN-31", "BANK")


def test_a_later_record_moves_the_case():
    told = story(customer(), missed()).given(tick())
    assert place(told.when(tick())) == ("CN-31", "")
    told.given(account(START + days(1)))
    assert place(told.when(tick(START + days(1)))) == ("CN-31", "BANK")
