"""Windows over a whole year, minute by minute, in seven zones with and without summer time."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Guard, Window
from tests.compliance.worlds import ZONES

MINUTE = timedelta(minutes=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = 365 * 1440
GUARD = Guard(after_opening=1, before_closing=5)
RULES = {
    "deny": Window(id="W", strength="must", evidence="primary", deny_local=("22:00-08:00",)),
    "allow": Window(id="W", strength="must", evidence="primary", allow_local=("08:00-21:00",)),
    "guarded night": Window(
        id="W", strength="firm", evidence="primary", deny_local=("21:00-08:00",), guard=GUARD
    ),
    "guarded day": Window(
        id="W", strength="firm", evidence="primary", allow_local=("08:00-21:00",), guard=GUARD
    ),
    "in the gap": Window(id="W", strength="must", evidence="primary", deny_local=("01:15-02:30",)),
}


@cache
def local_minutes(zone):
    """Answer what the clocks of *zone* show at each minute of the year, in minutes of the day."""
    where = ZoneInfo(zone)
    local = ((NEW_YEAR + n * MINUTE).astimezone(where) for n in range(YEAR))
    return [60 * at.hour + at.minute for at in local]


def allowed_by_hand(rule):
    """Answer for each minute of the day whether the rule allows it."""
    [(begin, end)] = [
        (60 * int(text[:2]) + int(text[3:5]), 60 * int(text[6:8]) + int(text[9:]))
        for text in rule.allow_local or rule.deny_local
    ]
    guard = rule.guard or Guard()
    if rule.allow_local:
        begin, end = begin + guard.after_opening, end - guard.before_closing
    else:
        begin, end = begin - guard.before_closing, end + guard.after_opening
    inside = [begin <= m < end if begin < end else m >= begin or m < end for m in range(1440)]
    return inside if rule.allow_local else [not each for each in inside]


def stretches(gate, p, end):
    """Answer the stretches in which the gate allows, by its own account: from each earliest instant to its end."""
    at, known = p.at, Known(())
    while at < end:
        verdict = gate.verdict(replace(p, at=at), known)
        if verdict.earliest_next is None:
            return
        yield verdict.earliest_next, verdict.until
        at = verdict.until


@pytest.mark.parametrize("zone", ZONES)
def test_a_years_minutes_are_allowed_as_the_local_clock_says(zone):
    minutes = local_minutes(zone)
    for rule in RULES.values():
        gate = Gate((Pack(pack="p", version="1", rules=(rule,)),))
        p = Proposal(
            at=NEW_YEAR, channel="sms", purpose="collect", role="first_party", zones=(zone,)
        )
        allowed = allowed_by_hand(rule)
        by_hand = bytes(map(allowed.__getitem__, minutes))
        by_gate = bytearray(YEAR + 2 * 1440)
        for begin, end in stretches(gate, p, NEW_YEAR + YEAR * MINUTE):
            first, last = ((at - NEW_YEAR) / MINUTE for at in (begin, end))
            assert first == int(first)
            assert last == int(last)
            by_gate[int(first) : int(last)] = b"\x01" * (int(last) - int(first))
        wrong = [n for n in range(YEAR) if by_hand[n] != by_gate[n]]
        assert not wrong, f"{len(wrong)} minutes differ, first {NEW_YEAR + wrong[0] * MINUTE}"


@pytest.mark.faults
@pytest.mark.parametrize("zone", ZONES)
def test_the_gate_itself_says_so_minute_by_minute(zone):
    """The same, asked at every minute instead of from stretch to stretch, and for two zones at once."""
    minutes, others = local_minutes(zone), local_minutes("America/New_York")
    rule, known = RULES["allow"], Known(())
    gate = Gate((Pack(pack="p", version="1", rules=(rule,)),))
    zones = (zone, "America/New_York")
    p = Proposal(at=NEW_YEAR, channel="sms", purpose="collect", role="first_party", zones=zones)
    allowed = allowed_by_hand(rule)
    for n in range(0, YEAR, 3):
        verdict = gate.verdict(replace(p, at=NEW_YEAR + n * MINUTE), known)
        assert verdict.allowed is (allowed[minutes[n]] and allowed[others[n]]), n
