"""What is unpaid: netting, allocations, credit, reversals, changed instalments (DESIGN.md, section 3)."""

from itertools import permutations

from services.scheduler.domain import ledger
from shared.testing import START, days
from tests.domain.scheduler.books import case_of, unpaid
from tests.domain.scheduler.cases import changed, due, missed, received, taken_back

BEFORE, AFTER = START - days(1), START + days(1)
LATER = START + days(2)
OLD, NEW = missed(), missed(instalment_id="I2", due_on="2026-03-02")
"""Two instalments of 1000, said to be unpaid at START."""


def test_a_missed_instalment_is_unpaid():
    assert unpaid(missed()) == {"I1": 1000}


def test_a_payment_recorded_after_the_miss_reduces_it():
    assert unpaid(missed(), received(AFTER, 400)) == {"I1": 600}


def test_a_payment_recorded_before_the_miss_is_netted_already():
    assert unpaid(missed(), received(BEFORE, 400)) == {"I1": 1000}


def test_a_payment_recorded_at_the_very_instant_of_as_of_is_netted_too():
    assert unpaid(missed(), received(START, 400)) == {"I1": 1000}


def test_netting_goes_by_the_time_of_recording_and_not_by_the_value_date():
    assert unpaid(missed(), received(AFTER, 400, value_on="2026-02-20")) == {"I1": 600}
    assert unpaid(missed(), received(BEFORE, 400, value_on="2026-03-20")) == {"I1": 1000}


def test_as_of_counts_and_not_when_the_miss_was_recorded():
    told_late = missed(LATER, as_of=START)
    assert unpaid(told_late, received(AFTER, 400)) == {"I1": 600}


def test_without_allocations_the_oldest_instalment_is_paid_first():
    assert unpaid(NEW, OLD, received(AFTER, 1500)) == {"I2": 500}


def test_instalments_due_on_one_day_are_paid_in_the_order_of_their_names():
    twin = missed(instalment_id="I0")
    assert unpaid(OLD, twin, received(AFTER, 1000)) == {"I1": 1000}


def test_an_allocated_payment_pays_what_it_names():
    assert unpaid(OLD, NEW, received(AFTER, 1000, to={"I2": 1000})) == {"I1": 1000}


def test_what_an_allocation_leaves_over_pays_the_oldest():
    assert unpaid(OLD, NEW, received(AFTER, 1300, to={"I2": 1000})) == {"I1": 700}
    assert unpaid(OLD, NEW, received(AFTER, 1300, to={"I2": 1300})) == {"I1": 700}


def test_an_allocation_to_an_instalment_still_unknown_waits_for_it():
    early = received(AFTER, 1000, to={"I3": 1000})
    assert unpaid(OLD, early) == {"I1": 1000}
    third = missed(instalment_id="I3", due_on="2026-03-01")
    assert unpaid(OLD, early, third) == {"I1": 1000}


def test_an_allocation_to_a_netted_instalment_is_no_credit_for_others():
    newer = missed(LATER, instalment_id="I2", due_on="2026-03-02")
    assert unpaid(OLD, newer, received(AFTER, 1000, to={"I2": 1000})) == {"I1": 1000, "I2": 1000}


def test_a_payment_netted_for_one_instalment_still_pays_another():
    newer = missed(LATER, instalment_id="I2", due_on="2026-03-02")
    assert unpaid(OLD, newer, received(AFTER, 1500)) == {"I2": 1000}


def test_a_surplus_is_credit_that_pays_an_instalment_which_did_not_count_it():
    late = missed(LATER, instalment_id="I2", due_on="2026-03-02", as_of=START)
    assert unpaid(OLD, received(AFTER, 1700), late) == {"I2": 300}


def test_credit_stays_in_its_account():
    other = missed(account_id="B")
    assert unpaid(OLD, other, received(AFTER, 5000)) == {"B/I1": 1000}


def test_currencies_are_never_mixed():
    dollars = missed(instalment_id="I2", currency="USD")
    assert unpaid(OLD, dollars, received(AFTER, 5000, currency="USD")) == {"I1": 1000}
    assert unpaid(OLD, received(AFTER, 1000, currency="USD", to={"I1": 1000})) == {"I1": 1000}


def test_amounts_are_summed_per_currency_only():
    case = case_of(OLD, NEW, missed(account_id="B", currency="USD", amount_minor=70))
    assert ledger.by_currency(ledger.unpaid(case.accounts)) == {"CNY": 2000, "USD": 70}


def test_what_was_paid_is_summed_per_currency_of_payments_that_stand():
    case = case_of(
        received(BEFORE, 1), received(AFTER, 20, payment_id="P2"),
        received(AFTER, 7, payment_id="P3", currency="USD"),
        received(AFTER, 90, payment_id="P4"), taken_back(LATER, "P4"), taken_back(LATER, "P5"),
    )  # fmt: skip
    assert ledger.paid_since(case.accounts, START) == {"CNY": 20, "USD": 7}


def test_a_reversed_payment_never_paid():
    assert unpaid(missed(), received(AFTER, 1000), taken_back(LATER)) == {"I1": 1000}


def test_a_reversed_payment_adds_nothing_where_it_had_never_counted():
    paid = received(AFTER, 400, to={"I1": 400})
    assert unpaid(missed(), paid, taken_back(LATER)) == {"I1": 1000}


def test_payments_are_booked_in_the_order_of_their_value_dates():
    newer = missed(AFTER, instalment_id="I2", due_on="2026-03-02")
    early = received(START + days(0.5), 1000, value_on="2026-03-09")
    late = received(LATER, 1000, payment_id="P2", value_on="2026-03-01")
    assert unpaid(OLD, newer, early, late) == {"I2": 1000}, "P2 first, and P1 is netted in I2"


def test_a_reversal_may_come_before_its_payment():
    assert unpaid(missed(), taken_back(LATER), received(AFTER, 1000)) == {"I1": 1000}


def test_a_reversal_of_a_payment_never_heard_of_changes_nothing():
    assert unpaid(missed(), taken_back(LATER)) == {"I1": 1000}


def test_reversing_a_netted_payment_owes_its_allocation_again():
    netted = received(BEFORE, 400, to={"I1": 400})
    assert unpaid(missed(), netted, taken_back(AFTER)) == {"I1": 1400}


def test_a_reversal_that_the_bank_knew_when_it_counted_adds_nothing():
    netted = received(BEFORE - days(1), 400, to={"I1": 400})
    assert unpaid(missed(), netted, taken_back(BEFORE)) == {"I1": 1000}
    assert unpaid(missed(), netted, taken_back(START)) == {"I1": 1000}


def test_reversing_a_netted_payment_without_allocations_waits_for_the_next_statement():
    assert unpaid(missed(), received(BEFORE, 400), taken_back(AFTER)) == {"I1": 1000}


def test_reversing_a_netted_payment_adds_only_to_instalments_of_its_currency():
    netted = received(BEFORE, 400, to={"I1": 400}, currency="USD")
    assert unpaid(missed(), netted, taken_back(AFTER)) == {"I1": 1000}


def test_credit_pays_what_a_reversal_owes_again():
    rich = received(AFTER, 1500, value_on="2026-02-01")
    netted = received(BEFORE, 400, payment_id="P2", to={"I1": 400}, value_on="2026-02-02")
    assert unpaid(missed(), rich, netted, taken_back(AFTER, "P2")) == {}


def test_a_payment_told_twice_under_two_event_ids_is_one_payment():
    again = received(AFTER, 400, event_id="another id")
    assert unpaid(missed(), received(AFTER, 400), again) == {"I1": 600}


def test_of_two_tellings_of_a_payment_the_earlier_counts_in_any_order():
    tellings = received(AFTER, 400), received(LATER, 999)
    for order in permutations(tellings):
        assert unpaid(missed(), *order) == {"I1": 600}


def test_of_two_reversals_the_earlier_counts_in_any_order():
    netted = received(BEFORE - days(2), 400, to={"I1": 400})
    for order in permutations((taken_back(BEFORE), taken_back(AFTER))):
        assert unpaid(missed(), netted, *order) == {"I1": 1000}, "known when the bank counted"


def test_a_miss_told_twice_under_two_event_ids_is_one_miss():
    assert unpaid(missed(), missed(event_id="another id")) == {"I1": 1000}


def test_the_later_word_on_an_instalment_wins_by_as_of_then_time_then_id():
    by_as_of = (
        missed(BEFORE, amount_minor=1, as_of=AFTER),
        missed(LATER, amount_minor=2, as_of=START),
    )
    by_time = (
        missed(AFTER, amount_minor=1, as_of=START),
        missed(BEFORE, amount_minor=2, as_of=START),
    )
    by_id = missed(amount_minor=1, event_id="b"), missed(amount_minor=2, event_id="a")
    for pair in (by_as_of, by_time, by_id):
        for order in permutations(pair):
            assert unpaid(*order) == {"I1": 1}


def test_a_changed_instalment_says_what_is_unpaid_at_its_time():
    waived = changed(AFTER, cause="waived", amount_minor=300)
    for order in permutations((missed(), waived, received(START + days(0.5), 200))):
        assert unpaid(*order) == {"I1": 300}, "the payment before the waiver is netted in it"
    assert unpaid(missed(), waived, received(LATER, 200)) == {"I1": 100}


def test_a_miss_later_than_the_change_wins_again():
    assert unpaid(changed(amount_minor=300), missed(AFTER, amount_minor=500)) == {"I1": 500}
    assert unpaid(missed(AFTER, amount_minor=500, as_of=BEFORE), changed(amount_minor=300)) == {
        "I1": 300
    }


def test_a_deferred_instalment_has_its_new_date():
    entry = ledger.unpaid(case_of(missed(), changed(AFTER, due_on="2026-06-01")).accounts)[0]
    assert entry.due_on.isoformat() == "2026-06-01"


def test_what_will_fall_due_is_not_owed():
    assert unpaid(due()) == {}
    entry = ledger.unpaid(case_of(due()).accounts)[0]
    assert (entry.instalment_id, entry.owed) == ("I1", False)


def test_a_notice_of_what_falls_due_never_replaces_a_miss():
    assert unpaid(missed(), due(AFTER, amount_minor=5)) == {"I1": 1000}
    assert unpaid(due(AFTER, amount_minor=5), missed()) == {"I1": 1000}


def test_a_payment_pays_what_is_owed_before_what_will_fall_due():
    coming = due(instalment_id="I0", due_on="2026-02-01", amount_minor=1000)
    assert unpaid(coming, missed(), received(AFTER, 1000)) == {}


def test_an_early_payment_leaves_nothing_to_remind_of():
    case = case_of(due(amount_minor=1000), received(AFTER, 1000))
    assert ledger.unpaid(case.accounts) == []
