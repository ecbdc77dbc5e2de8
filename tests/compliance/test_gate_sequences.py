"""No sequence of permitted contacts ever exceeds a cap, however late, and in whatever order, their outcomes are told."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Pack, Zones
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Cap, Match, Span
from tests.compliance.oracle_log import matches
from tests.compliance.worlds import BEGIN, ZONES, within

MINUTE = timedelta(minutes=1)
CALLS = Match(channel_in=("call",), direction="out", result_in=("effective", "answered", "pending"))
ANY = Match(direction="out", result_not_in=("not_connected",))
RESULTS = ("effective", "answered", "no_answer", "not_connected")

caps = st.builds(
    Cap,
    id=st.just("CAP"), strength=st.just("must"), evidence=st.just("primary"), count=st.sampled_from((CALLS, ANY)),
    per=st.sampled_from((("creditor", "person"), ("collector", "person", "debt"), ("creditor", "point"))),
    within=within, max=st.integers(1, 3),
)  # fmt: skip
wishes = st.fixed_dictionaries({
    "after": st.integers(1, 600),
    "point": st.sampled_from(("N1", "N2")),
    "debts": st.sampled_from((("A",), ("B",), ("A", "B"))),
    "collector": st.sampled_from(("BANK", "AG1")),
    "starts": st.integers(0, 200),
    "result": st.sampled_from(RESULTS),
    "told": st.integers(0, 5000),
    "used": st.booleans(),
})  # fmt: skip


def wish_for(wish: dict, at: datetime, zones: tuple[str, ...]) -> Proposal:
    return Proposal(
        at=at, channel="call", voice="human", purpose="collect", party="debtor", person="P1", creditor="BANK",
        collector=wish["collector"], role="third_party", point=wish["point"], debts=wish["debts"], zones=zones,
    )  # fmt: skip


def reserved(number: int, p: Proposal, until: datetime) -> Entry:
    """Answer the reservation: until the permit ends, which is never after the local day."""
    ends = [
        datetime.combine(
            p.at.astimezone(zone).date() + timedelta(days=1), datetime.min.time(), zone
        )
        for zone in map(ZoneInfo, p.zones)
    ]
    return Entry(
        id=f"permit-{number}", src="permit", type="contact", at=p.at, direction="out", result="pending",
        expires=min(until, *ends), channel=p.channel, party=p.party, purpose=p.purpose, person=p.person,
        creditor=p.creditor, collector=p.collector, point=p.point, debts=p.debts,
    )  # fmt: skip


def lived(rule: Cap, zones: tuple[str, ...], asked: list[dict]) -> list[Entry]:
    """Ask for each contact in turn; answer those that were made, as they were, whenever that came to be known."""
    gate = Gate((Pack(pack="p", version="1", zones=Zones(), rules=(rule,)),))
    known, made, news, now = Known(()), [], [], BEGIN
    for number, wish in enumerate(asked):
        now += wish["after"] * MINUTE
        for told in [each for each in news if each.rec <= now]:
            known = known.with_entry(told)
        verdict = gate.verdict(wish_for(wish, now, zones), known)
        if not verdict.allowed:
            continue
        held = reserved(number, wish_for(wish, now, zones), verdict.until)
        known = known.with_entry(held)
        start = now + wish["starts"] * MINUTE
        if wish["used"] and start < held.expires:
            begun = replace(held, at=start, rec=start, expires=None)
            ended = replace(begun, result=wish["result"], rec=start + wish["told"] * MINUTE)
            news += [begun, ended]
            made.append(ended)
    return made


def fullest(rule: Cap, zones: tuple[str, ...], made: list[Entry]) -> int:
    """Count, by hand, the most contacts of one key within the days of the cap, in any zone."""
    most = 0
    for last in made:
        for debt in last.debts if "debt" in rule.per else ("",):
            for zone in map(ZoneInfo, zones):
                day = last.at.astimezone(zone).date()
                first = day - timedelta(days=rule.within.days - 1)
                counted = [
                    e
                    for e in made
                    if matches(rule.count, e)
                    and all(
                        getattr(e, key) == getattr(last, key) for key in rule.per if key != "debt"
                    )
                    and (not debt or debt in e.debts)
                    and first <= e.at.astimezone(zone).date() <= day
                ]
                most = max(most, len(counted))
    return most


def check(rule: Cap, zones: list[str], asked: list[dict]) -> None:
    made = lived(rule, tuple(zones), asked)
    assert fullest(rule, tuple(zones), made) <= rule.max


some_zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True)


@settings(max_examples=60, deadline=None)
@given(caps, some_zones, st.lists(wishes, max_size=25))
def test_no_sequence_of_permitted_contacts_exceeds_a_cap(rule, zones, asked):
    check(rule, zones, asked)


@pytest.mark.faults
@settings(max_examples=3000, deadline=None)
@given(caps, some_zones, st.lists(wishes, max_size=60))
def test_no_long_sequence_of_permitted_contacts_exceeds_a_cap(rule, zones, asked):
    check(rule, zones, asked)


def test_a_reservation_is_what_keeps_two_from_taking_the_last_place():
    rule = Cap(
        id="CAP", strength="must", evidence="primary", count=CALLS, per=("person",),
        within=Span(days=1, mode="local_dates"), max=1,
    )  # fmt: skip
    wish = {"after": 1, "point": "N1", "debts": ("A",), "collector": "BANK", "starts": 5, "result": "effective",
            "told": 9, "used": True}  # fmt: skip
    assert len(lived(rule, ("Asia/Shanghai",), [wish, wish, wish])) == 1
