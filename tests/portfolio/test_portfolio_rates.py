"""The portfolio's months follow the roll rates that were measured, and its facts make exactly these months."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from pathlib import Path

import pytest

from services.scheduler.domain import ledger
from services.scheduler.domain.facts import FOLDS
from services.scheduler.domain.state import CollectionCase
from shared.portfolio import special, stratum
from shared.portfolio.generate import accounts_of, facts_of
from shared.portfolio.measure import measure
from shared.portfolio.rates import COUNTS, LEAST, PARTLY_PAID, STATES, matrix, stationary, used
from tests.tape.oracle import months_past_due, unpaid

START, DAYS, SEED = date(2026, 3, 2), 180, 11
ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "uci_credit_card_clients.csv.gz"
ORDINARY = [
    index
    for index in range(4_000)
    if stratum.kind_of(index) is None and special.fate_of(index) is None
]


@pytest.mark.skipif(not REAL.exists(), reason=f"the real tape is not at {REAL}")
def test_the_constants_are_what_the_command_measures():
    measured = measure(REAL, ROOT / "deploy" / "mappings" / "uci_credit_card.yaml")
    assert measured.counts == COUNTS
    assert measured.grown_and_paid / measured.grown == PARTLY_PAID


def test_rows_that_rest_on_enough_months_are_used_as_measured_and_thin_ones_take_a_neighbours():
    rows = used()
    for state in STATES:
        total = sum(COUNTS[state])
        assert sum(rows[state].values()) == pytest.approx(1)
        if total >= LEAST:
            assert rows[state] == {to: n / total for to, n in enumerate(COUNTS[state]) if n}
    assert rows[1] == pytest.approx({0: (4130 + 1676) / 16297, 1: 9460 / 16297, 2: 1031 / 16297})
    assert rows[8][8] == pytest.approx((126 + 23) / 209)


def test_the_mixture_at_the_start_is_left_as_it_is_by_the_rates():
    rows, spread = used(), stationary(used())
    for to in STATES:
        assert sum(spread[state] * rows[state].get(to, 0) for state in STATES) == pytest.approx(
            spread[to]
        )


def test_the_portfolio_moves_as_the_rates_say_within_four_standard_errors():
    """Tolerance of each share: four standard errors of its row, and never less than one percentage point."""
    plans = [planned for i in ORDINARY for _, planned in accounts_of(i, DAYS, SEED, START)]
    counts, rows = matrix([planned.chain for planned in plans]), used()
    for state in STATES:
        total = sum(counts[state])
        assert total > 0
        for to in STATES:
            share = rows[state].get(to, 0.0)
            tolerance = max(4 * sqrt(share * (1 - share) / total), 0.01)
            assert abs(counts[state][to] / total - share) <= tolerance, (state, to)
    at_start = [planned.chain[0] for planned in plans]
    for state, share in stationary(rows).items():
        assert abs(at_start.count(state) / len(plans) - share) <= 0.02, state


def by_scheduler(events, until):
    case = CollectionCase()
    for event in events:
        if event.time <= until:
            case = FOLDS[type(event.data)](case, event.data, event)
    return {
        e.instalment_id: (e.due_on, e.amount_minor) for e in ledger.unpaid(case.accounts) if e.owed
    }


@pytest.mark.parametrize("opinion", [by_scheduler, unpaid])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_facts_make_the_planned_months_past_due_at_every_close(opinion, seed):
    wrong, checked = [], 0
    for index in ORDINARY[:700]:
        told = defaultdict(list)
        for event in facts_of(index, DAYS, seed, START):
            told[getattr(event.data, "account_id", "")].append(event)
        for account, planned in accounts_of(index, DAYS, seed, START):
            for due_on, closed, state in zip(
                planned.dues, planned.closes, planned.chain, strict=True
            ):
                if closed >= START + timedelta(days=DAYS):
                    continue
                at = datetime.combine(
                    closed - timedelta(days=closed == START), time(22), tzinfo=UTC
                )
                # a due date is a month late at the close half a month after it: counted to the next one
                left = opinion(told[account.account_id], at)
                months = months_past_due(left, due_on) + (1 if left else 0)
                checked += 1
                wrong += [] if months == state else [(index, closed, state, months)]
    assert wrong == []
    assert checked > 4_000
