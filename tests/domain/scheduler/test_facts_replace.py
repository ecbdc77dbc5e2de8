"""Records of customers and accounts: the later one wins whatever comes first, and repetitions change nothing."""

from itertools import permutations

import pytest

from shared.canonical import digest
from shared.events.scheduler import FollowUpDue
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.books import case_of
from tests.domain.scheduler.cases import (
    account,
    bankrupt,
    closed,
    customer,
    deceased,
    delivered,
    invalid,
    merged,
    missed,
    opted_out,
    promised,
    received,
    requested,
    stated,
    story,
    taken_back,
    withdrawn,
)

PAIRS = {
    "customer": (customer(START, risk_grade="A"), customer(START + days(1), risk_grade="B")),
    "account": (account(START, creditor="OLD"), account(START + days(1), creditor="NEW")),
    "deceased": (deceased(START), deceased(START + days(1), ended=True)),
    "deceased at one instant": (deceased(START), deceased(START, ended=True)),
    "bankrupt": (bankrupt(START), bankrupt(START + days(1), ended=True)),
    "invalid": (invalid("p", START), invalid("p", START + days(1))),
    "opt-outs": (opted_out(START, point_id="p"), opted_out(START, channel="sms")),
    "closed": (closed(START, "sold"), closed(START, "written_off")),
    "merged": (merged(START), merged(START + days(1))),
    "withdrawn request": (withdrawn(START + days(1)), requested(START, START + days(9))),
}


@pytest.mark.parametrize("name", PAIRS)
def test_either_order_gives_one_state(name):
    states = {digest(case_of(*order)) for order in permutations(PAIRS[name])}
    assert len(states) == 1


def test_the_later_record_of_a_customer_wins():
    for order in permutations(PAIRS["customer"]):
        told = case_of(*order).customer
        assert told is not None
        assert told.risk_grade == "B"


def test_the_later_record_of_an_account_wins():
    for order in permutations(PAIRS["account"]):
        assert case_of(*order).accounts["A"].creditor == "NEW"


def test_a_record_keeps_what_is_known_of_the_accounts_money():
    assert case_of(missed(), account(START + days(1))).accounts["A"].instalments


@pytest.mark.parametrize(
    "event",
    [
        customer(), account(), missed(), received(START), taken_back(START), stated(START),
        closed(START, "sold"), deceased(START), bankrupt(START), merged(START), invalid("p", START),
        opted_out(START, channel="sms"), promised(START, "2026-03-09"), requested(START, START),
        withdrawn(START), withdrawn(START, "F2"),
    ],
    ids=lambda event: event.type,
)  # fmt: skip
def test_a_repetition_does_not_even_wake_the_case(event):
    told = story(requested(START, START), event).when(tick(START))
    told.when(event).then_nothing()
    assert told.state is told.before


def test_an_outcome_of_something_unknown_is_ignored():
    told = (
        story(missed()).when(tick(START)).when(delivered("nothing of ours", START)).then_nothing()
    )
    assert told.state is told.before


def test_products_creditor_and_security_of_the_accounts_travel_with_a_follow_up():
    told = story(
        customer(), account(product="mortgage", secured=True), account(account_id="B", product="auto_loan"),
        missed(START - days(0.5)), missed(START - days(0.5), account_id="B"),
        account(account_id="Z", product="business_loan"),
    ).when(tick(START))  # fmt: skip
    (follow_up,) = of_type(told.published, FollowUpDue)
    stands = follow_up.situation
    assert stands is not None
    assert stands.products == ("auto_loan", "mortgage")
    assert (stands.secured, stands.creditor, stands.accounts) == (True, "BANK", ("A", "B"))
