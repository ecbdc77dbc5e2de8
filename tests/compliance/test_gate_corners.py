"""Corners of the gate that no shipped pack reaches: spans by calendar, shared numbers, clocks, review, digests."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from shared.compliance.calendars import standard_calendars
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import (
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    Match,
    Precondition,
    Span,
)

OF = {"strength": "firm", "evidence": "primary"}
CALLS = Match(channel_in=("call",), direction="out")
ASK = Proposal(
    at=datetime(2026, 9, 29, 4, tzinfo=UTC),
    channel="call",
    purpose="collect",
    person="P1",
    debts=("A",),
    point="N1",
    zones=("Asia/Shanghai",),
)
CALL = Entry(
    id="c1",
    type="contact",
    at=datetime(2026, 9, 28, 4, tzinfo=UTC),
    channel="call",
    direction="out",
    result="no_answer",
    person="P1",
    debts=("A",),
    point="N1",
)


def _verdict(rule, *entries, calendars=None, **changes):
    gate = Gate([Pack(pack="p", version="1", rules=(rule,))], calendars or standard_calendars())
    return gate.verdict(msgspec.structs.replace(ASK, **changes), Known(entries))


def _midnight(day: date) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+08:00")


@pytest.mark.parametrize(
    ("mode", "days", "free"),
    [
        ("local_dates", 3, date(2026, 10, 1)),
        ("inclusive_first_day", 3, date(2026, 10, 1)),
        ("exclude_first_day", 3, date(2026, 10, 2)),
        ("after_end", 3, date(2026, 10, 2)),
        ("uk_not_before", 3, date(2026, 10, 1)),
        (
            "cn_civil_code",
            3,
            date(2026, 10, 9),
        ),  # 1 October rests, and the 8th is the next working day
        ("business_days", 3, date(2026, 10, 9)),  # 29 and 30 September, then 8 October
    ],
)
def test_a_cooldown_ends_as_its_mode_counts(mode, days, free):
    rule = Cooldown(
        id="R", after=CALLS, per=("person",), for_=Span(days=days, mode=mode, calendar="CN"), **OF
    )
    assert _verdict(rule, CALL).earliest_next == _midnight(free)


def test_a_year_that_no_calendar_knows_blocks_by_name():
    rule = Precondition(id="R", needs="notice.sent", min_days=3, mode="cn_civil_code", **OF)
    pack = Pack(pack="p", version="1", calendar="CN", rules=(rule,))
    sent = Entry(id="n", type="notice.sent", at=datetime(2099, 9, 28, tzinfo=UTC), debts=("A",))
    ask = msgspec.structs.replace(ASK, at=datetime(2100, 1, 1, tzinfo=UTC))
    verdict = Gate([pack], standard_calendars()).verdict(ask, Known([sent]))
    assert [reason.needs_fact for reason in verdict.reasons] == ["calendar 2099"]
    assert verdict.earliest_next is None
    assert [r.needs_fact for r in Gate([pack], {}).verdict(ask, Known([sent])).reasons] == [
        "calendar"
    ]


@pytest.mark.parametrize(
    ("share", "made", "outcome"),
    [
        ((1, 1), 5, "allow"), ((1, 1), 6, "block"),
        ((4, 4), 0, "allow"), ((4, 4), 1, "block"),
        ((7, 1), 0, "allow"), ((7, 1), 1, "block"), ((7, 2), 0, "block"),
    ],
)  # fmt: skip
def test_a_number_in_several_files_shares_its_cap(share, made, outcome):
    rule = Cap(
        id="R", count=CALLS, per=("point",), within=Span(days=7, mode="local_dates"), max=6, **OF
    )
    log = [msgspec.structs.replace(CALL, id=f"c{each}") for each in range(made)]
    assert _verdict(rule, *log, share=share).outcome == outcome


def test_the_own_reservation_is_not_in_the_way():
    rule = Cap(
        id="R", count=CALLS, per=("person",), within=Span(days=7, mode="local_dates"), max=1, **OF
    )
    mine = msgspec.structs.replace(CALL, src="permit", result="pending")
    assert not _verdict(rule, mine).allowed
    assert _verdict(rule, mine, reservation=("permit", "c1")).allowed


@pytest.mark.parametrize(
    ("value", "live", "expired"),
    [
        (True, True, False),
        (False, False, True),
        ("live", True, False),
        ("running", True, False),
        ("expired", False, True),
        ("2026-09-29", True, False),
        ("2026-09-28", False, True),
        ("2026-09-29T12:00:00+08:00", False, True),
        ("2026-09-29T12:00:01+08:00", True, False),
        ("some day", False, False),
    ],
)
def test_a_clock_is_live_or_has_run_or_is_unknown(value, live, expired):
    for while_expired, wanted in ((False, live), (True, expired)):
        rule = ClockRule(id="R", clock="limitation", while_expired=while_expired, **OF)
        assert _verdict(rule, clocks={"limitation": value}).allowed is wanted


def test_what_only_a_person_should_look_at_never_blocks():
    rule = Content(id="R", must=("seal",), effect="review", **OF)
    verdict = _verdict(rule)
    assert verdict.allowed
    assert verdict.review_flags == ("R",)


def test_obligations_name_what_text_and_act_owe():
    owed = _verdict(Content(id="R", must=("seal", "name"), **OF), tags=frozenset({"seal", "name"}))
    assert owed.obligations == ("tag:name", "tag:seal")
    rule = Conduct(id="R", require={"recording": True, "staff_min": 2}, **OF)
    done = _verdict(rule, conduct={"recording": True, "staff": 2})
    assert done.allowed
    assert done.obligations == ("conduct:recording=true", "conduct:staff_min=2")
    for conduct, missing in (
        ({"staff": 2}, "recording"),
        ({"recording": True}, "staff"),
        ({"recording": 1, "staff": 2}, ""),
        ({"recording": True, "staff": True}, ""),
    ):
        assert [r.needs_fact for r in _verdict(rule, conduct=conduct).reasons] == [missing]


def test_the_digest_of_facts_is_of_what_counts_and_was_known():
    told = msgspec.structs.replace(CALL, rec=datetime(2026, 9, 30, tzinfo=UTC), result="answered")
    known = Known([CALL, told])
    assert known.as_of(CALL.at).digest == Known([CALL]).digest
    assert known.digest == Known([told]).digest == Known([told, CALL, told]).digest
    assert known.digest != Known([CALL]).digest
    assert Known([]).digest != known.digest


def test_an_instant_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        Known([msgspec.structs.replace(CALL, at=datetime(2026, 9, 28))])  # noqa: DTZ001
    with pytest.raises(ValueError, match="offset"):
        Gate([]).verdict(msgspec.structs.replace(ASK, at=datetime(2026, 9, 28)), Known())  # noqa: DTZ001
