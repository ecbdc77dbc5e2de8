"""What a replay sums up: cases, contacts, cures, the roll matrix; and that the order of the lines changes none of it."""

from datetime import date

import msgspec

from shared.replay.summary import Tally, month_ends, roll_matrix
from shared.testing import START
from tests.replay.runner import STORIES, run_file

NAMES = [path.stem for path in STORIES]


def summary(name):
    return run_file(STORIES[NAMES.index(name)]).summary


def test_a_cure_and_a_relapse():
    told = summary("cure_then_relapse")
    assert (told.cures, told.reopened, told.events_in, told.events_out, told.rejected) == (
        1,
        1,
        7,
        31,
        0,
    )
    assert (told.cases.by_bucket, told.cases.by_stage) == ({"M1": 1}, {"reminder": 1})
    assert told.overdue_minor == {"CNY": 250000}
    assert told.contacts["sms"] == {"delivered": 4, "sent": 4}
    assert told.contacts["call"] == {"failed": 1, "sent": 1}


def test_visits_and_legal_steps():
    told = summary("to_court")
    assert told.visits == {"hardship": 1, "scheduled": 1}
    assert told.legal == {
        "accepted": 1,
        "assessed": 1,
        "enforced": 1,
        "filed": 1,
        "judged": 1,
        "letter_sent": 1,
    }


def test_how_each_customer_stands():
    first, second = summary("merged").per_customer
    assert (first.id, first.dpd, first.bucket, first.stage, first.overdue_minor) == (
        "C1", 19, "M1", "contact", {"CNY": 250000},
    )  # fmt: skip
    assert (second.id, second.dpd, second.bucket, second.stage, second.overdue_minor) == (
        "C2",
        0,
        "M0",
        "idle",
        {},
    )


def test_customers_are_left_out_unless_asked_for():
    told = Tally().summary(until=START, events_in=0, rejected=0, standings=[])
    assert b"per_customer" not in msgspec.json.encode(told)


def test_the_months_ends_up_to_a_date():
    ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    assert month_ends(date(2026, 1, 5), date(2026, 3, 31)) == ends
    assert month_ends(date(2026, 1, 31), date(2026, 3, 30)) == ends[:2]
    assert month_ends(date(2026, 3, 1), date(2026, 3, 30)) == []


def test_the_roll_matrix_counts_from_one_months_end_to_the_next():
    rolls = {
        "C1": [(date(2026, 1, 10), "M1"), (date(2026, 2, 9), "M2"), (date(2026, 3, 3), "M0")],
        "C2": [(date(2026, 2, 28), "M1")],
    }
    assert roll_matrix(rolls, date(2026, 3, 31)) == {
        "M0": {"M1": 1}, "M1": {"M1": 1, "M2": 1}, "M2": {"M0": 1},
    }  # fmt: skip
    assert roll_matrix({}, date(2026, 3, 31)) == {}
