"""The made-up portfolio: follows its seed alone, stays on the grid, and keeps to the contract."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import pytest

from shared.events import core_banking
from shared.events.core_banking import CustomerUpdated
from shared.events.jsonl import read_line, write_line
from shared.portfolio import SITUATIONS, STRATUM, customer_id, generate, situations

START = date(2026, 3, 2)
GRID = {time(22), time(4), time(10)}


def lines(*args):
    return [write_line(event) for event in generate(*args, START)]


@pytest.fixture(scope="module")
def portfolio():
    return list(generate(1_000, 180, 1, START))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    assert lines(60, 90, 5) == lines(60, 90, 5)
    assert lines(60, 90, 5) != lines(60, 90, 6)


def test_more_customers_and_more_days_change_nobodys_life():
    few = lines(60, 90, 5)
    assert lines(150, 90, 5)[: len(few)] == few
    until = START + timedelta(days=90)
    end = datetime.combine(until - timedelta(days=1), time(22), tzinfo=UTC)
    longer = [event for event in generate(60, 180, 5, START) if event.time < end]
    assert [write_line(event) for event in longer] == few


def test_facts_lie_on_the_grid_in_the_days_asked_for_and_in_order(portfolio):
    assert {event.time.timetz().replace(tzinfo=None) for event in portfolio} == GRID
    first = datetime(2026, 3, 1, 22, tzinfo=UTC)
    assert min(event.time for event in portfolio) == first
    assert max(event.time for event in portfolio) < first + timedelta(days=180)
    for _, told in groupby(portfolio, key=lambda event: event.subject):
        times = [event.time for event in told]
        assert times == sorted(times)


def test_every_line_is_accepted_by_the_strict_reader_and_every_id_is_its_own(portfolio):
    assert [read_line(write_line(event)).data for event in portfolio] == [e.data for e in portfolio]
    assert len({event.id for event in portfolio}) == len(portfolio)


def test_every_type_of_core_banking_occurs(portfolio):
    assert {event.type for event in portfolio} == set(core_banking.TYPES)
    assert {event.type for event in generate(50, 180, 1, START)} >= set(core_banking.TYPES) - {
        "instalment.changed"
    }


def test_causes_that_mean_different_things_all_occur(portfolio):
    def values(name, field):
        return {getattr(e.data, field) for e in portfolio if e.type == name}

    assert values("account.closed", "cause") == {"settled", "sold", "written_off"}
    assert values("instalment.changed", "cause") == {"charged", "waived", "deferred"}
    assert values("customer.bankrupt", "ended") == {True, False}


def test_a_merger_names_a_customer_of_the_portfolio(portfolio):
    known = {event.subject for event in portfolio}
    mergers = [event.data for event in portfolio if event.type == "customer.merged"]
    assert [(m.customer_id, m.from_customer_id) for m in mergers] == [("C-000022", "C-000021")]
    assert {"C-000021", "C-000022"} <= known


@pytest.mark.parametrize(("customers", "least"), [(24, 1), (50, 1), (200, 2), (1_000, 12)])
def test_each_situation_is_written_into_enough_lives(customers, least):
    counts = Counter(s for index in range(customers) for s in situations(customer_id(index)))
    assert set(counts) == set(SITUATIONS) == {s for kinds in STRATUM.values() for s in kinds}
    assert min(counts.values()) >= least


def test_one_customer_in_twenty_is_of_the_stratum_and_its_id_says_so():
    names = [customer_id(index) for index in range(1_000)]
    assert len(set(names)) == 1_000
    assert sum(name.startswith("S-") for name in names) == 50
    assert names[3] == "S-REV-00001"


def lives(portfolio, situation):
    told = defaultdict(list)
    for event in portfolio:
        if situation in situations(event.subject):
            told[event.subject].append(event)
    return told.values()


@pytest.mark.parametrize("days", [60, 180])
def test_reversed_payments_come_back_after_they_were_received(days):
    for told in lives(generate(200, days, 1, START), "reversal"):
        received = {e.data.payment_id: e.time for e in told if e.type == "payment.received"}
        back = {e.data.payment_id: e.time for e in told if e.type == "payment.reversed"}
        assert back
        assert all(received[payment_id] < at for payment_id, at in back.items())


@pytest.mark.parametrize("days", [60, 180])
def test_back_dated_payments_are_booked_days_after_their_value(days):
    for told in lives(generate(200, days, 1, START), "back_dated_payment"):
        late = [
            e
            for e in told
            if e.type == "payment.received" and e.time.date() - e.data.value_on > timedelta(3)
        ]
        assert late


def test_who_has_no_electronic_point_has_a_postal_one_and_pays_nothing(portfolio):
    for told in lives(portfolio, "exhausted_contact_points"):
        person = next(e.data for e in told if isinstance(e.data, CustomerUpdated))
        assert [point.kind for point in person.contact_points] == ["postal"]


@pytest.mark.parametrize("situation", ["visit", "filing"])
def test_who_is_visited_and_sued_owes_much_for_long_and_never_pays(portfolio, situation):
    for told in lives(portfolio, situation):
        assert not [event for event in told if event.type.startswith("payment.rec")]
        first = [event.data for event in told if event.type == "payment.missed"][:4]
        assert min(missed.due_on for missed in first) <= START - timedelta(days=90)
        assert sum(missed.amount_minor for missed in first) >= 12_000_000


def test_contact_values_are_fictional(portfolio):
    for event in portfolio:
        for point in getattr(event.data, "contact_points", ()):
            match point.kind:
                case "mobile":
                    assert point.value.startswith("+86101")
                case "landline":
                    assert point.value[:-7][-1] == "1"
                case "email":
                    assert point.value.rpartition("@")[2] in {"example.com", "example.cn"}
                case "wechat":
                    assert point.value.startswith("wx-example-")
                case _:
                    assert "示例路" in point.value


def test_people_differ(portfolio):
    people = [event.data for event in portfolio if isinstance(event.data, CustomerUpdated)]
    assert {person.language for person in people} == {"zh-CN", "en"}
    zones = Counter(zone for person in people for zone in person.time_zones)
    assert set(zones) == {"Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong"}
    assert zones["Asia/Shanghai"] > 0.8 * len(people)
    assert {p.party for person in people for p in person.contact_points} == {
        "debtor",
        "guarantor",
        "co_debtor",
        "contact_person",
    }
    currencies = {e.data.currency for e in portfolio if e.type == "account.updated"}
    assert currencies == {"CNY", "HKD", "USD"}


def test_a_payment_that_is_booked_late_says_what_it_pays(portfolio):
    """Folded by its value date it would else pay another instalment than the bank booked it on."""
    late = [
        event.data
        for event in portfolio
        if event.type == "payment.received" and event.data.value_on < event.time.date()
    ]
    assert len(late) > 40
    assert all(payment.allocations for payment in late)
