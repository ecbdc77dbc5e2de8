"""What an import concludes where a tape contradicts itself, told by small tapes."""

from datetime import UTC, date, datetime

import pytest

from shared.events.core_banking import Allocation, PaymentMissed, PaymentReceived
from shared.testing import of_type
from tests.tape.tapes import line, run


def told(folder, status, **columns):
    """The facts about money of one row, and the report."""
    report, events = run(folder, [line(1, status, **columns)])
    return report, [event.data for event in events[2:]]


def missed(facts):
    return [(f.instalment_id, f.amount_minor, f.inferred) for f in of_type(facts, PaymentMissed)]


def received(facts):
    return [(f.amount_minor, f.inferred) for f in of_type(facts, PaymentReceived)]


def test_who_owes_nothing_is_told_of_once_and_makes_no_facts_about_money(tmp_path):
    report, facts = told(tmp_path, (0, -1, -2, 0, 0, 0), paid=(500,) * 6)
    assert facts == []
    assert report.events == {"customer.updated": 1, "account.updated": 1}


def test_an_instalment_missed_in_time_is_the_banks_own_word(tmp_path):
    report, facts = told(tmp_path, (0, 0, 1, 0, 0, 0), paid=(0, 0, 0, 500, 0, 0))
    assert missed(facts) == [("2026-02", 50_000, False)]
    assert received(facts) == [(50_000, False)]
    assert report.inferred == {}


def test_a_miss_comes_with_the_close_and_its_payment_half_a_day_before_the_next(tmp_path):
    _, events = run(tmp_path, [line(1, (0, 1, 0, 0, 0, 0), paid=(500,) * 6)])
    assert [event.time for event in events] == [
        datetime(2026, 1, 9, 22, tzinfo=UTC),
        datetime(2026, 1, 9, 22, tzinfo=UTC),
        datetime(2026, 2, 10, 22, tzinfo=UTC),
        datetime(2026, 3, 10, 10, tzinfo=UTC),
    ]
    assert events[2].data.due_on == date(2026, 1, 25)


def test_a_jump_from_0_to_2_reports_the_older_instalment_late(tmp_path):
    report, facts = told(tmp_path, (0, 0, 0, 2, 3, 4))
    assert missed(facts) == [
        ("2026-02", 50_000, True),
        ("2026-03", 50_000, False),
        ("2026-04", 50_000, False),
        ("2026-05", 50_000, False),
    ]
    assert report.inferred == {"late_reported": 1}
    assert report.months == {"jump 0 to 2": 1}


def test_arrears_from_before_the_tape_take_their_amount_from_the_first_statement(tmp_path):
    report, facts = told(tmp_path, (2, 3, 4, 5, 6, 7), due=(300, 400, 500, 500, 500, 500))
    assert missed(facts)[:3] == [
        ("2025-11", 30_000, True),
        ("2025-12", 30_000, True),
        ("2026-01", 30_000, False),
    ]
    assert report.inferred == {"before_tape": 2}


@pytest.mark.parametrize(
    ("status", "paid", "payments", "reason"),
    [
        ((1, 0), (0, 0), [(50_000, True)], "cured_without_payment"),
        ((2, 1), (0, 0), [(100_000, True)], "reduced_without_payment"),
        ((1, 0), (0, 200), [(20_000, False), (30_000, True)], "paid_too_little"),
        ((1, 0), (200, 300), [(50_000, False)], None),
        ((1, 0), (0, 900), [(50_000, False)], None),
        ((1, 2), (0, 200), [(20_000, False)], None),
        ((1, 2), (0, 500), [], None),
    ],
    ids=[
        "cured by nothing",
        "fewer months late by nothing",
        "a payment that does not reach",
        "what the month before left over helps",
        "what was paid for more than arrears stays out",
        "a part of the oldest",
        "enough for the oldest, which stays unpaid all the same",
    ],
)
def test_a_payment_of_the_month_comes_first_and_an_adjustment_fills_the_rest(
    tmp_path, status, paid, payments, reason
):
    report, facts = told(
        tmp_path, (*status, *(status[-1:] * 4)), paid=(*paid, 0, 0, 0, 0), due=(500,) * 6
    )
    assert received(facts)[: len(payments)] == payments
    report_of_two_months = {k: n for k, n in report.inferred.items() if k == reason}
    assert report_of_two_months == (
        {} if reason is None else {reason: report_of_two_months[reason]}
    )
    assert report.months["payment without effect"] == (paid == (0, 500))


def test_payments_name_the_instalments_they_pay_the_oldest_first(tmp_path):
    _, facts = told(tmp_path, (3, 1, 0, 0, 0, 0), paid=(0, 1500, 0, 0, 0, 0))
    payment = of_type(facts, PaymentReceived)[0]
    assert payment.allocations == (
        Allocation(instalment_id="2025-10", amount_minor=50_000),
        Allocation(instalment_id="2025-11", amount_minor=50_000),
        Allocation(instalment_id="2025-12", amount_minor=50_000),
    )


def test_an_instalment_that_counted_as_paid_can_be_past_due_again(tmp_path):
    report, facts = told(tmp_path, (0, 1, 0, 3, 4, 5), paid=(0, 0, 500, 0, 0, 0))
    assert ("2026-01", 50_000, True) in missed(facts)
    assert report.inferred == {"unpaid_again": 1, "late_reported": 1}


def test_arrears_of_which_no_statement_speaks_get_the_least_amount(tmp_path):
    report, facts = told(tmp_path, (0, 1, 1, 1, 1, 1), due=(-20, 0, 0, 0, 0, 0), paid=(1,) * 6)
    assert missed(facts)[0] == ("2026-01", 100, True)
    assert report.inferred["no_amount_due"] == 5


def test_an_event_id_says_why_its_fact_was_inferred_and_every_import_makes_the_same_bytes(tmp_path):
    rows = [line(1, (0, 2, 0, 0, 0, 0))]
    _, events = run(tmp_path, rows)
    first = (tmp_path / "events.jsonl").read_bytes()
    run(tmp_path, rows)
    assert (tmp_path / "events.jsonl").read_bytes() == first
    assert [event.id for event in events[2:]] == [
        "small-1-loan/2026-02/missed/2025-12/late_reported",
        "small-1-loan/2026-02/missed/2026-01",
        "small-1-loan/2026-03/adjusted/cured_without_payment",
    ]
