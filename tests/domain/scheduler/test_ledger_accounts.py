"""Openings by statement, and accounts on which nothing is collected (DESIGN.md, section 3)."""

from itertools import permutations

import pytest

from services.scheduler.domain import ledger
from shared.testing import START, days
from tests.domain.scheduler.books import case_of, unpaid
from tests.domain.scheduler.cases import (
    account,
    changed,
    closed,
    due,
    missed,
    received,
    stated,
    taken_back,
)

BEFORE, AFTER = START - days(1), START + days(1)
LINES = {"I1": ("2026-01-01", 300), "I2": ("2026-02-01", 700)}


def test_a_statement_opens_an_account_of_which_nothing_was_said():
    assert unpaid(stated(START, 1000, LINES)) == {"I1": 300, "I2": 700}


def test_a_statement_without_instalments_opens_one_called_opening():
    entry = ledger.unpaid(case_of(stated(START, 1000)).accounts)[0]
    assert (entry.instalment_id, entry.amount_minor) == ("opening", 1000)
    assert entry.due_on.isoformat() == "2026-03-01"


def test_an_opening_of_unknown_age_counts_from_the_statement():
    entry = ledger.unpaid(case_of(stated(START, 1000, oldest_due_on=None)).accounts)[0]
    assert entry.due_on.isoformat() == "2026-03-02"


def test_a_statement_of_nothing_overdue_opens_nothing():
    assert unpaid(stated(START, 0)) == {}


@pytest.mark.parametrize(
    "earlier",
    [
        missed(BEFORE, instalment_id="I9"),
        changed(BEFORE, instalment_id="I9"),
        received(BEFORE),
        taken_back(BEFORE),
    ],
    ids=lambda event: event.type,
)
def test_a_statement_opens_nothing_where_an_earlier_fact_speaks_of_amounts(earlier):
    for order in permutations((earlier, stated(START, 1000, LINES))):
        assert set(unpaid(*order)) <= {"I9"}


@pytest.mark.parametrize(
    "earlier", [due(BEFORE, instalment_id="I9"), account(BEFORE)], ids=lambda event: event.type
)
def test_a_statement_opens_where_earlier_facts_say_nothing_of_what_is_owed(earlier):
    for order in permutations((earlier, stated(START, 1000, LINES))):
        assert unpaid(*order) == {"I1": 300, "I2": 700}


def test_a_fact_of_another_account_does_not_stop_an_opening():
    assert unpaid(missed(BEFORE, account_id="B"), stated(START, 1000, LINES)) == {
        "I1": 300, "I2": 700, "B/I1": 1000,
    }  # fmt: skip


def test_only_the_first_statement_is_an_opening():
    for order in permutations((stated(START, 1000, LINES), stated(AFTER, 5000))):
        assert unpaid(*order) == {"I1": 300, "I2": 700}


def test_payments_up_to_the_opening_are_netted_and_later_ones_count():
    opening = stated(START, 1000, LINES)
    assert unpaid(opening, received(AFTER, 400)) == {"I2": 600}
    assert unpaid(opening, received(START, 400)) == {"I1": 300, "I2": 700}


def test_the_later_word_wins_between_an_opening_and_a_miss():
    opening = stated(START, 1000, LINES)
    for order in permutations((opening, missed(AFTER, amount_minor=50))):
        assert unpaid(*order) == {"I1": 50, "I2": 700}
    for order in permutations((opening, missed(AFTER, amount_minor=50, as_of=BEFORE))):
        assert unpaid(*order) == {"I1": 300, "I2": 700}


def test_an_opening_says_that_an_announced_instalment_is_owed():
    announced = due(AFTER, amount_minor=300)
    for order in permutations((stated(START, 1000, LINES), announced)):
        assert unpaid(*order) == {"I1": 300, "I2": 700}


def test_a_payment_for_an_instalment_that_the_opening_does_not_name_pays_the_opening():
    assert unpaid(stated(START, 1000), received(AFTER, 1000, to={"I7": 1000})) == {}


@pytest.mark.parametrize("cause", ["settled", "sold", "withdrawn"])
def test_nothing_is_collected_on_an_account_that_is(cause):
    for order in permutations((missed(), closed(AFTER, cause), missed(account_id="B"))):
        assert unpaid(*order) == {"B/I1": 1000}


def test_a_write_off_ends_no_claim():
    assert unpaid(missed(), closed(AFTER, "written_off")) == {"I1": 1000}


def test_an_account_written_off_and_then_sold_is_not_collected():
    for order in permutations((closed(START, "written_off"), closed(AFTER, "sold"))):
        assert unpaid(missed(), *order) == {}


def test_the_oldest_come_first_over_all_accounts():
    case = case_of(
        missed(account_id="B", due_on="2026-02-01"), missed(), missed(account_id="B", instalment_id="I0"),
    )  # fmt: skip
    named = [(entry.account_id, entry.instalment_id) for entry in ledger.unpaid(case.accounts)]
    assert named == [("B", "I1"), ("A", "I1"), ("B", "I0")]
