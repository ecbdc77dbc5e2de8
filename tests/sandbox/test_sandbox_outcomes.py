"""What becomes of what leaves: the same for the same seed, on the grid, in plausible shares."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.notifier import ProviderReceipt
from shared.events.registry import BY_HTTP, TYPE_OF
from shared.ids import derive
from shared.sandbox.log import digest
from shared.sandbox.outcomes import (
    GRID,
    KINDS,
    due_at,
    fact_id,
    facts,
    next_on_grid,
    outcomes,
)

MONDAY = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
MANY = 10_000
ENDS = {
    "contact.sms": {"delivered", "failed"},
    "contact.email": {"delivered", "answered", "failed"},
    "contact.wechat": {"delivered", "answered", "failed"},
    "contact.call": {"answered", "failed"},
    "contact.letter": {"delivered", "failed"},
    "visit.order": {"met", "absent", "moved", "promised", "hardship", "refused_to_talk", "failed"},
    "legal.letter": {"delivered", "failed"},
    "court.filing": {"accepted", "rejected", "granted", "dismissed", "settled"},
    "court.enforcement": {"recovered", "no_assets"},
}
effect_ids = st.integers(0, 10**6).map(lambda n: derive("effect", n))
kinds = st.sampled_from(sorted(KINDS))


def story(kind, n, seed=1):
    return [outcome.fields["outcome"] for outcome in outcomes(seed, derive("effect", n), kind)]


def shares(kind):
    return Counter(name for n in range(MANY) for name in set(story(kind, n)))


def reasons(kind):
    """What the first outcome after the hand-over says, or the hand-over where it failed."""
    told = Counter()
    for n in range(MANY):
        first, *later = outcomes(1, derive("effect", n), kind)
        fields = (later or [first])[0].fields
        told[fields.get("reason") or fields.get("result") or fields["outcome"]] += 1
    return told


@given(st.integers(0, 99), effect_ids, kinds)
def test_the_same_effect_has_the_same_fate(seed, effect_id, kind):
    assert outcomes(seed, effect_id, kind) == outcomes(seed, effect_id, kind)


def test_seed_effect_and_kind_each_matter():
    base = [story("contact.sms", n) for n in range(500)]
    assert base != [story("contact.sms", n, seed=2) for n in range(500)]
    assert base != [story("contact.sms", n + 500) for n in range(500)]
    assert base != [story("contact.email", n) for n in range(500)]


def test_the_fates_never_change_from_one_release_to_the_next():
    """A replay of last year's input must find last year's outcomes."""
    told = [
        [str(outcome.delay), outcome.type, dict(outcome.fields)]
        for kind in sorted(KINDS)
        for n in range(100)
        for outcome in outcomes(7, derive("effect", n), kind)
    ]
    assert digest(told) == "ec2217da25cf1a5737572895277010a1"


@given(st.integers(0, 99), effect_ids, kinds)
def test_the_hand_over_comes_first_and_nothing_follows_a_failed_one(seed, effect_id, kind):
    first, *later = outcomes(seed, effect_id, kind)
    assert first.delay == timedelta()
    assert first.fields["outcome"] in {"sent", "failed"}
    assert first.fields["outcome"] == "sent" or not later
    assert [outcome.delay for outcome in later] == sorted(outcome.delay for outcome in later)
    assert {outcome.fields["outcome"] for outcome in later} <= ENDS[kind]


@given(st.integers(0, 99), effect_ids, kinds)
def test_an_outcome_has_one_content_only(seed, effect_id, kind):
    told = {}
    for _, fact in facts(seed, "C1", effect_id, kind, MONDAY):
        assert told.setdefault(fact.outcome, fact) == fact


@given(
    st.integers(0, 99),
    effect_ids,
    kinds,
    st.datetimes(timezones=st.just(UTC), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001  hypothesis wants it naive
)
def test_facts_come_in_order_on_the_grid_or_at_once(seed, effect_id, kind, left_at):
    timetable = facts(seed, "C1", effect_id, kind, left_at)
    assert timetable[0][0] == left_at
    instants = [at for at, _ in timetable]
    assert instants == sorted(instants)
    assert all(at == left_at or at.timetz().replace(tzinfo=None) in GRID for at in instants)
    assert all(TYPE_OF[type(fact)] in BY_HTTP for _, fact in timetable)
    assert all((fact.customer_id, fact.effect_id) == ("C1", effect_id) for _, fact in timetable)
    assert all(left_at <= fact.at <= at for at, fact in timetable)


@pytest.mark.parametrize(
    ("left_at", "delay", "due"),
    [
        (MONDAY, timedelta(), MONDAY),
        (MONDAY + timedelta(minutes=1), timedelta(), MONDAY + timedelta(minutes=1)),
        (MONDAY, timedelta(minutes=1), MONDAY.replace(hour=4, minute=0)),
        (MONDAY, timedelta(hours=2, minutes=30), MONDAY.replace(hour=4, minute=0)),
        (MONDAY.replace(hour=4), timedelta(hours=2), MONDAY.replace(hour=10, minute=0)),
        (MONDAY.replace(hour=9), timedelta(hours=2), MONDAY.replace(hour=22, minute=0)),
        (MONDAY.replace(hour=21), timedelta(hours=2), MONDAY + timedelta(days=1)),
        (MONDAY, timedelta(days=3), MONDAY + timedelta(days=3)),
    ],
)
def test_an_outcome_is_rounded_up_to_the_grid(left_at, delay, due):
    assert due_at(left_at, delay) == due


def test_the_grid_is_06_00_09_30_12_00_and_18_00_in_shanghai():
    day = [MONDAY.replace(hour=0, minute=0) + timedelta(hours=n) for n in range(24)]
    assert sorted({next_on_grid(at).strftime("%H:%M") for at in day}) == [
        "01:30", "04:00", "10:00", "22:00",
    ]  # fmt: skip


def test_a_promise_is_dated_from_the_local_day_of_the_answer():
    late = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # 04:00 on the 3rd in Shanghai
    for n in range(MANY):
        effect_id = derive("effect", n)
        told = outcomes(1, effect_id, "contact.call")
        if len(told) == 2 and told[1].delay == timedelta() and "promised_in_days" in told[1].fields:
            fact = facts(1, "C1", effect_id, "contact.call", late)[1][1]
            days = told[1].fields["promised_in_days"]
            assert fact.promised_on == date(2026, 3, 3) + timedelta(days=days)
            return
    pytest.fail("nobody promised at once")


def test_sms_and_letters_arrive_as_often_as_the_module_says():
    sms, letter = reasons("contact.sms"), reasons("contact.letter")
    assert sms["delivered"] / MANY == pytest.approx(0.93, abs=0.03)
    assert sms["invalid_point"] / MANY == pytest.approx(0.02, abs=0.01)
    assert sms["unreachable"] / MANY == pytest.approx(0.03, abs=0.01)
    assert sms["provider"] / MANY == pytest.approx(0.01, abs=0.005)
    assert letter["delivered"] / MANY == pytest.approx(0.92, abs=0.03)
    assert letter["invalid_point"] / MANY == pytest.approx(0.05, abs=0.01)


def test_calls_are_answered_as_often_as_the_module_says():
    call = reasons("contact.call")
    results = ("promised", "no_commitment", "refused", "hardship", "wrong_party")
    assert sum(call[result] for result in results) / MANY == pytest.approx(0.35, abs=0.02)
    assert call["promised"] / MANY == pytest.approx(0.14, abs=0.02)
    assert all(call[result] for result in results)
    assert call["unreachable"] / MANY == pytest.approx(0.50, abs=0.02)
    assert call["invalid_point"] / MANY == pytest.approx(0.03, abs=0.01)


def test_visits_and_courts_end_as_often_as_the_module_says():
    visit, filing = shares("visit.order"), shares("court.filing")
    assert visit["met"] / MANY == pytest.approx(0.28, abs=0.02)
    assert visit["absent"] / MANY == pytest.approx(0.37, abs=0.02)
    assert set(visit) == {"sent", *ENDS["visit.order"]}
    assert filing["accepted"] / MANY == pytest.approx(0.95, abs=0.01)
    assert filing["granted"] / filing["accepted"] == pytest.approx(0.70, abs=0.02)
    enforced = shares("court.enforcement")
    assert enforced["recovered"] + enforced["no_assets"] == MANY


def test_the_wire_loses_repeats_and_delays():
    told = [story("contact.sms", n) for n in range(MANY)]
    assert sum(names == ["sent"] for names in told) / MANY == pytest.approx(0.02, abs=0.01)
    assert sum(len(names) > len(set(names)) for names in told) / MANY == pytest.approx(
        0.04, abs=0.01
    )
    late = [
        outcomes(1, derive("effect", n), "contact.sms")[-1].delay > timedelta(days=2)
        for n in range(MANY)
    ]
    assert sum(late) / MANY == pytest.approx(0.05, abs=0.02)


def test_the_wire_contradicts_itself_now_and_then():
    told = [set(story("contact.sms", n)) for n in range(MANY)]
    assert any({"failed", "delivered"} <= names for names in told)
    mail = [set(story("contact.email", n)) for n in range(MANY)]
    assert any({"failed", "delivered"} <= names for names in mail)


def test_people_s_reports_and_courts_notices_are_never_lost():
    for kind in ("visit.order", "court.filing", "court.enforcement"):
        assert all(story(kind, n) != ["sent"] for n in range(MANY))


def test_a_court_s_notices_come_in_the_order_of_a_lawsuit():
    for n in range(MANY):
        names = list(dict.fromkeys(story("court.filing", n)))
        assert names[:2] in (["sent", "accepted"], ["sent", "rejected"])
        assert len(names) == (3 if names[1] == "accepted" else 2)


def test_the_id_of_a_fact_is_its_effects_and_its_outcomes():
    assert fact_id("E1", "sent") == derive("E1", "sent")
    assert fact_id("E1", "sent") != fact_id("E1", "delivered")


def test_a_kind_that_nobody_serves_is_an_error():
    with pytest.raises(KeyError):
        outcomes(1, "E1", "contact.fax")


def test_without_a_grid_the_same_outcomes_come_at_once():
    timetable = facts(
        1, "C1", derive("effect", 7), "contact.sms", MONDAY, schedule=lambda left, _: left
    )
    assert {at for at, _ in timetable} == {MONDAY}
    assert all(isinstance(fact, ProviderReceipt) for _, fact in timetable)
