"""The import is right when Arrears derives from its events, at each month's close, what the tape says."""

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.registry import TYPE_OF
from shared.tape import import_tape
from shared.tape.inference import Arrears
from shared.tape.rows import Row
from shared.testing import fact
from tests.tape.tapes import (
    CLOSES,
    DUES,
    by_customer,
    derived_by_oracle,
    derived_by_scheduler,
    line,
    read_events,
    run,
)

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "uci_credit_card_clients.csv.gz"
MONTHS = 6
amounts = st.lists(st.integers(0, 900), min_size=MONTHS, max_size=MONTHS)


@pytest.mark.skipif(
    not REAL.exists(),
    reason=f"the tape of the 30,000 cardholders is not at {REAL}; it is no part of the repository",
)
@pytest.mark.parametrize("opinion", [derived_by_scheduler, derived_by_oracle])
def test_every_one_of_180_000_client_months_is_as_far_past_due_as_the_bank_said(
    opinion, real_import
):
    _, events = real_import
    dues = tuple(date(2005, month, 25) for month in range(4, 10))
    closes = tuple(date(2005, month, 10) for month in range(4, 10))
    expected = real_statuses()
    wrong = []
    for customer_id, told in by_customer(events):
        said = expected.pop(customer_id)
        if any(said) or len(told) > 2:
            months = opinion(told, dues, closes)
            wrong += [] if months == said else [(customer_id, said, months)]
    assert wrong == []
    assert expected == {}


@pytest.mark.skipif(not REAL.exists(), reason=f"the real tape is not at {REAL}")
def test_what_the_real_tape_contradicts_is_counted_as_its_readme_counts_it(real_import):
    report, events = real_import
    assert (report.rows, report.clients, report.bad_rows) == (30_000, 30_000, 0)
    assert report.inferred["late_reported"] == report.months["jump 0 to 2"] == 6_209
    assert report.inferred["cured_without_payment"] == 421
    assert sum(report.inferred.values()) == sum(
        getattr(event.data, "inferred", False) for event in events
    )


@pytest.fixture(scope="module")
def real_import(tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "events.jsonl"
    mapping = ROOT / "deploy" / "mappings" / "uci_credit_card.yaml"
    return import_tape(REAL, mapping, out), read_events(out)


def real_statuses():
    """Read by the data's own description, with none of our code."""
    with gzip.open(REAL, "rt", newline="") as text:
        return {
            f"uci-{row['ID']}": [max(int(row[f"X{column}"]), 0) for column in range(11, 5, -1)]
            for row in csv.DictReader(text)
        }


SYNTHETIC = {
    "pays in time": (0, 0, -1, -2, 0, 0),
    "rolls on": (0, 1, 2, 3, 4, 5),
    "jumps": (0, 2, 2, 0, 2, 3),
    "was late before the tape": (3, 4, 0, 0, 1, 1),
    "is cured by nothing": (2, 0, 0, 2, 0, 0),
    "falls back after a cure": (3, 0, 3, 0, 4, 1),
    "pays one of many": (5, 4, 3, 2, 1, 0),
    "stands still": (1, 1, 2, 2, 8, 8),
}


@pytest.mark.parametrize("paid", [0, 200, 500, 5_000])
@pytest.mark.parametrize("opinion", [derived_by_scheduler, derived_by_oracle])
def test_a_small_tape_with_the_same_contradictions_comes_out_as_it_says(tmp_path, opinion, paid):
    rows = [
        line(number, status, paid=(paid,) * MONTHS)
        for number, status in enumerate(SYNTHETIC.values())
    ]
    _, events = run(tmp_path, rows)
    derived = {c: opinion(told, DUES, CLOSES) for c, told in by_customer(events)}
    assert derived == {
        f"small-{number}": [max(months, 0) for months in status]
        for number, status in enumerate(SYNTHETIC.values())
    }


@given(
    status=st.lists(st.integers(0, 12), min_size=MONTHS, max_size=MONTHS), due=amounts, paid=amounts
)
def test_whatever_a_row_says_the_facts_make_it_true_at_every_close(status, due, paid):
    row = Row(
        "C1",
        "A1",
        "consumer_loan",
        "CNY",
        None,
        DUES,
        CLOSES,
        tuple(status),
        tuple(due),
        tuple(paid),
    )
    told = list(Arrears(row, least=100).facts())
    events = [fact(one.fact, one.at, event_id=one.id) for one in told]
    assert derived_by_oracle(events, DUES, CLOSES) == status
    assert derived_by_scheduler(events, DUES, CLOSES) == status
    assert [e.time for e in events] == sorted(e.time for e in events)
    assert len({(TYPE_OF[type(e.data)], e.id) for e in events}) == len(events)
    # what the tape calls paid is an upper bound of what was booked as really paid
    real = [
        e.data.amount_minor
        for e in events
        if not getattr(e.data, "inferred", True) and e.type == "payment.received"
    ]
    assert sum(real) <= sum(paid)
