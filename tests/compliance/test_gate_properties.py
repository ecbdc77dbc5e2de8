"""The gate against brute force: its answers equal the oracle's, and what it promises holds for any packs and logs."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.compliance.gate import Gate
from shared.compliance.known import Known
from tests.compliance.oracle import blocking_known, candidates
from tests.compliance.oracle_log import Log
from tests.compliance.worlds import RULES, entries, logs, worlds

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
AHEAD = timedelta(days=4)
"""How far the scan for the least instant goes; what the gate promises later is only checked where it stands."""
GRID = 15
ADDED = ("contact", "optout", "stop", "inconvenient.declared")
"""What can only tighten: evidence (proof, notice, consents, misses of the debtor) and what ends a state may allow."""
TIGHTENING = tuple(
    kind for kind in RULES if kind not in ("party", "fresh", "precondition", "clock")
)


TIMED = ("window", "window", "declared_window", "cap", "cooldown")
"""Rules that only time lifts, so that several must agree on the least instant."""
STATES = ("hold", "hold", "optout", "precondition", "fresh", "window")
STATED = (
    "stop",
    "stop",
    "go",
    "consent",
    "consent.withdrawn",
    "optout",
    "optin",
    "notice",
    "proof",
)
TOLD = ("contact", "contact", "contact", "inconvenient.declared")


def judged(world):
    pack, log, p, known_at = world
    return Gate((pack,)).verdict(p, Known(log), known_at)


def edges(world):
    """Answer instants at which answers change: those that the log names, and midnights, each with the second before."""
    _, log, p, _ = world
    named = {
        instant for entry in log for instant in (entry.at, entry.expires, entry.until) if instant
    }
    days = {p.at + timedelta(days=n) for n in range(4)}
    midnights = {
        at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0).astimezone(UTC)
        for zone in p.zones
        for at in days
    }
    found = sorted(named | midnights)
    return [p.at, *found, *(at - timedelta(seconds=1) for at in found)]


def check_blocking(world):
    pack, log, p, known_at = world
    gate, known, by_hand = Gate((pack,)), Known(log), Log(log, known_at, p.reservation)
    for at in edges(world):
        verdict = gate.verdict(replace(p, at=at), known, known_at)
        wanted = blocking_known((pack,), p, by_hand, at)
        assert set(verdict.blocked_by) == wanted, at
        assert verdict.allowed is (not wanted)


def check_next(world):
    pack, log, p, known_at = world
    known = Log(log, known_at, p.reservation)
    begin, next_ = p.at.astimezone(UTC), judged(world).earliest_next
    if next_ is not None:
        assert not blocking_known((pack,), p, known, next_)
    end = min(next_ or begin + AHEAD, begin + AHEAD)
    for at in candidates(log, begin, end, GRID):
        assert blocking_known((pack,), p, known, at), f"allowed at {at}, before {next_}"
    if next_ is not None and next_ > begin:
        assert blocking_known((pack,), p, known, next_ - timedelta(seconds=1))


def check_until(world):
    pack, log, p, known_at = world
    verdict = judged(world)
    if verdict.earliest_next is None:
        assert verdict.until is None
        return
    begin, end = verdict.earliest_next, verdict.until
    assert begin < end <= begin + timedelta(hours=24)
    known = Log(log, known_at, p.reservation)
    for at in [*candidates(log, begin, end, GRID), end - timedelta(seconds=1)]:
        assert not blocking_known((pack,), p, known, at), f"blocked at {at}, before {end}"


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_the_rules_in_the_way_are_those_that_direct_counting_finds(world):
    check_blocking(world)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_the_earliest_next_instant_is_allowed_and_nothing_before_it_is(world):
    check_next(world)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_it_stays_allowed_until_the_end_that_the_verdict_names(world):
    check_until(world)


@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
@given(worlds(kinds=TIMED, types=TOLD))
def test_where_several_rules_wait_the_least_instant_suits_them_all(world):
    check_blocking(world)
    check_next(world)
    check_until(world)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(worlds(kinds=STATES, types=STATED))
def test_states_that_begin_and_end_at_one_instant_are_told_apart(world):
    check_blocking(world)


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("check", [check_blocking, check_next, check_until])
def test_thousands_of_worlds_agree_with_brute_force(check):
    @settings(max_examples=4000, deadline=None, suppress_health_check=SLOW)
    @given(worlds(size=16))
    def run(world):
        check(world)

    run()


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(worlds(), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_log_nor_repeats_change_the_verdict(world, random):
    pack, log, p, known_at = world
    told = log * 2
    random.shuffle(told)
    grown = Known(())
    for entry in told:
        grown = grown.with_entry(entry)
    gate = Gate((pack,))
    expected = judged(world)
    assert gate.verdict(p, grown, known_at) == expected
    assert gate.verdict(p, Known(reversed(log)), known_at) == expected


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(worlds(size=6), st.randoms(use_true_random=False))
def test_a_log_that_grows_between_questions_is_judged_as_one_that_was_whole(world, random):
    """What the gate keeps from one question to the next is never older than the log, the instant or the proposal."""
    pack, log, p, known_at = world
    random.shuffle(log)
    gate, known, told = Gate((pack,)), Known(), []
    others = [replace(p, point="N2", debts=("B",)), replace(p, zones=("Europe/London",)), p]
    for entry in [None, *log]:
        if entry is not None:
            known.add(entry)
            told.append(entry)
        for n in (3, 0, 1):
            asked = replace(random.choice(others), at=p.at + timedelta(hours=7 * n))
            expected = Gate((pack,)).verdict(asked, Known(told), known_at)
            assert gate.verdict(asked, known, known_at) == expected
            assert gate.verdict(asked, known, asked.at) == Gate((pack,)).verdict(
                asked, Known(told), asked.at
            )


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(worlds(), st.data())
def test_what_is_recorded_later_does_not_change_what_was_known_then(world, data):
    pack, log, p, known_at = world
    late = data.draw(logs(known_at, size=4))
    late = [replace(e, id=f"late-{e.id}", rec=known_at + timedelta(minutes=15)) for e in late]
    gate = Gate((pack,))
    assert gate.verdict(p, Known([*log, *late]), known_at) == judged(world)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(worlds(kinds=TIGHTENING), st.data())
def test_a_further_contact_hold_or_opt_out_never_turns_a_refusal_into_a_permit(world, data):
    pack, log, p, known_at = world
    pack = replace(pack, rules=tuple(replace(r, unless_consent="") for r in pack.rules))
    more = [
        replace(data.draw(entries(p.at - timedelta(days=9), n, ADDED)), id=f"more-{n}", rec=None)
        for n in range(data.draw(st.integers(1, 3)))
    ]
    before = judged((pack, log, p, known_at))
    after = judged((pack, [*log, *more], p, known_at))
    assert set(before.blocked_by) <= set(after.blocked_by)
    if before.earliest_next is not None and after.earliest_next is not None:
        assert before.earliest_next <= after.earliest_next
    if before.earliest_next is None:
        assert after.earliest_next is None


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(worlds(kinds=("window", "cap", "cooldown", "hold", "optout")), st.data())
def test_two_packs_together_refuse_whatever_one_of_them_refuses(world, data):
    pack, log, p, known_at = world
    other = replace(data.draw(worlds())[0], pack="other")
    both = Gate((pack, other)).verdict(p, Known(log), known_at)
    alone = [Gate((each,)).verdict(p, Known(log), known_at) for each in (pack, other)]
    assert set(both.blocked_by) == set(alone[0].blocked_by) | set(alone[1].blocked_by)
