"""Random rule packs, logs and proposals, small enough that their parts meet often."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.compliance.pack import Cleared, Derived, Pack, PointInvalid, Streak, Zones
from shared.compliance.proposal import Proposal
from shared.compliance.rules import (
    Allowed,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    DeclaredWindow,
    Fresh,
    Guard,
    Hold,
    Match,
    OptOut,
    Party,
    Precondition,
    Span,
    Validity,
    When,
    Window,
)

QUARTER = timedelta(minutes=15)
BEGIN = datetime(2026, 3, 5, tzinfo=UTC)
"""New York springs forward on 8 March 2026, London on the 29th, Lord Howe falls back on 5 April."""
DAYS = 10
MEETING = tuple(range(96, 96 * 6, 96))
CHANGES = (BEGIN, datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
)
CHANNELS = ("call", "sms", "letter")
PURPOSES = ("collect", "locate", "reply")
PARTIES = ("debtor", "contact_person", "attorney")
RESULTS = ("pending", "not_connected", "no_answer", "answered", "effective", "delivered")
PEOPLE = ("P1", "P2", "P3")
DEBTS = ("A", "B")
POINTS = ("N1", "N2")
MODES = ("local_dates", "inclusive_first_day", "exclude_first_day", "uk_not_before", "after_end")
HELD = ("debt", "person", "point", "place_work", "contacted_person")
SOURCE = {"strength": "must", "evidence": "primary"}
CONSENTS = ("quiet_hours", "callback")

some = st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True).map(tuple)
clock_times = st.integers(0, 95).map(lambda n: f"{n // 4:02d}:{15 * (n % 4):02d}")
nights = st.sampled_from(
    ("22:00-08:00", "21:00-07:30", "00:00-09:15", "12:00-13:30", "01:30-03:00")
)
days_open = st.sampled_from(("08:00-21:00", "09:30-17:00", "00:30-12:00"))
lifting = st.sampled_from(("", "", *CONSENTS))
counted = st.builds(
    Match,
    channel_in=st.just(()) | some,
    direction=st.sampled_from(("", "out")),
    party=st.sampled_from(("", "debtor")),
    result_in=st.sampled_from(((), ("effective", "answered", "pending"))),
    result_not_in=st.sampled_from(((), ("not_connected",))),
)
keys = st.lists(
    st.sampled_from(("creditor", "collector", "person", "point", "debt")), max_size=3, unique=True
).map(tuple)
whens = st.builds(
    When,
    channel_in=st.just(()) | some,
    purpose_in=st.sampled_from(((), (), ("collect",), ("collect", "locate"))),
    party_in=st.sampled_from(((), (), ("debtor",))),
)
spans = st.builds(Span, days=st.integers(1, 4), mode=st.sampled_from(MODES))
within = st.builds(Span, days=st.integers(1, 4), mode=st.just("local_dates"))
guards = st.none() | st.builds(
    Guard, after_opening=st.sampled_from((0, 15)), before_closing=st.sampled_from((0, 30))
)
permits = st.sampled_from(((), ("reply",)))


def _of(model, **fields):
    return st.builds(model, id=st.just("?"), **{k: st.just(v) for k, v in SOURCE.items()}, **fields)


RULES = {
    "window": st.one_of(
        _of(Window, when=whens, unless_consent=lifting, guard=guards, deny_local=nights.map(lambda n: (n,))),
        _of(Window, when=whens, unless_consent=lifting, guard=guards, allow_local=days_open.map(lambda n: (n,))),
    ),
    "declared_window": _of(DeclaredWindow, when=whens),
    "cap": _of(
        Cap, when=whens, unless_consent=lifting, count=counted, per=keys, within=within,
        max=st.integers(1, 3), exclude_consent=st.sampled_from(("", "", "callback")),
    ),
    "cooldown": _of(Cooldown, when=whens, unless_consent=lifting, after=counted, per=keys, for_=spans),
    "party": _of(
        Party,
        allow=st.lists(
            st.sampled_from((
                Allowed(party="debtor"), Allowed(party="attorney"),
                Allowed(party="contact_person", purpose_in=("locate",), if_="unreachable"),
                Allowed(party="contact_person", if_clock_live="grace"),
            )), min_size=1, max_size=4, unique=True,
        ).map(tuple),
    ),
    "hold": _of(
        Hold, when=whens, starts=st.just("stop"), ends=st.sampled_from(("go", "never")),
        scope=st.sampled_from(HELD), permits=permits, correlate=st.sampled_from(("", "case")),
        duration_days=st.sampled_from((None, None, 2)), except_party=st.sampled_from(((), ("attorney",))),
    ),
    "optout": _of(
        OptOut, when=whens, permits=permits,
        level=st.sampled_from(("point", "channel", "consent_topic", "caller")),
    ),
    "fresh": _of(
        Fresh, when=whens, any_event=st.just(("proof", "consent.quiet_hours")), max_age_days=st.integers(1, 5),
        per_point=st.booleans(),
    ),
    "precondition": _of(
        Precondition, when=whens, needs=st.just("notice"), min_days=st.integers(0, 3), mode=st.sampled_from(MODES[1:]),
    ),
    "content": _of(Content, when=whens, must=st.sampled_from(((), ("name",))), must_not=st.just(("threat",))),
    "conduct": _of(Conduct, when=whens, require=st.sampled_from(({"recording": True}, {"staff_min": 2}))),
    "clock": _of(ClockRule, clock=st.just("grace"), while_expired=st.booleans()),
}  # fmt: skip
DERIVE = {
    "unreachable": Derived(
        any=(
            PointInvalid(all_mobile_points=True),
            Streak(event=Match(channel="call", party="debtor", result_in=("no_answer",)), length=2),
        ),
        cleared_by=Cleared(event=Match(party="debtor", result_in=("effective",))),
    )
}
effective = st.sampled_from(
    (
        None,
        None,
        None,
        Validity(from_=date(2026, 3, 8), to=None),
        Validity(from_=None, to=date(2026, 4, 2)),
    )
)


@st.composite
def packs(draw, kinds=tuple(RULES), size=4):
    """Draw a pack of one to *size* rules of these kinds."""
    rules = []
    for number in range(draw(st.integers(1, size))):
        kind = draw(st.sampled_from(kinds))
        rule = draw(RULES[kind])
        rules.append(replace(rule, id=f"{kind}.{number}", effective=draw(effective)))
    return Pack(
        pack="drawn",
        version="1",
        zones=Zones(default="Asia/Shanghai"),
        rules=tuple(rules),
        derive=DERIVE,
    )


def _limits(at):
    """Answer how long a consent given at *at* may last."""
    after_two_days = at + timedelta(days=2)
    return (
        {},
        {"days": 1},
        {"days": 3},
        {"until_on": after_two_days.date()},
        {"until": after_two_days},
    )


def instants(base):
    """Draw a quarter of an hour within ten days of *base*, often one of a few, so that facts coincide."""
    anywhere = st.integers(0, 96 * DAYS - 1)
    return st.one_of(st.sampled_from(MEETING), anywhere).map(lambda n: base + n * QUARTER)


@st.composite
def entries(draw, base, number, types=None):
    """Draw a fact of the log; it becomes known at once, or up to two days later."""
    kind = draw(st.sampled_from(types or TYPES))
    at = draw(instants(base))
    late = draw(st.sampled_from((0, 0, 0, 1, 40, 200)))
    common = {
        "id": f"e{number}",
        "type": kind,
        "at": at,
        "rec": at + late * QUARTER if late else None,
    }
    person = draw(st.sampled_from(("P1", "P1", "P1", "P2", "P3")))
    debts = draw(st.sampled_from((("A",), ("B",), ("A", "B"))))
    if kind == "contact":
        result = draw(st.sampled_from(RESULTS))
        ends = draw(st.sampled_from((None, 2, 100))) if result == "pending" else None
        common |= {
            "person": person, "debts": debts, "point": draw(st.sampled_from(POINTS)), "result": result,
            "channel": draw(st.sampled_from(("call", "call", "sms"))), "party": draw(st.sampled_from(("debtor", "debtor", "attorney"))),
            "direction": draw(st.sampled_from(("out", "out", "in"))), "creditor": draw(st.sampled_from(("BANK", "OTHER"))),
            "collector": draw(st.sampled_from(("BANK", "AG1"))), "purpose": "collect",
            "expires": at + ends * QUARTER if ends else None,
        }  # fmt: skip
    elif kind == "person.merged":
        common |= {"from_": draw(st.sampled_from(("P2", "P3"))), "to": "P1"}
    elif kind in ("consent", "consent.withdrawn"):
        common |= {"person": person, "kind": draw(st.sampled_from(CONSENTS)), "point": "N1"}
        common |= {"debts": draw(st.sampled_from(((), (), ("A",))))}
        if kind == "consent":
            common |= draw(st.sampled_from(_limits(at)))
    elif kind in ("optout", "optin"):
        scope = draw(st.sampled_from(("point", "channel", "topic", "caller")))
        common |= {"person": person, "scope": scope}
        common |= (
            {"point": "N1"}
            if scope == "point"
            else {"channel": "call"}
            if scope == "channel"
            else {}
        )
        common |= {"topic": draw(st.sampled_from(("loan", "card")))} if scope == "topic" else {}
        if kind == "optout":  # who was told, and what else is named: the way it came
            common |= {"collector": draw(st.sampled_from(("", "BANK", "AG1")))}
            common |= draw(st.sampled_from(({}, {"point": "N2"}))) if scope != "point" else {}
    elif kind.startswith("inconvenient"):
        common |= {"person": person}
        if kind == "inconvenient.declared":
            begin, end = draw(st.lists(clock_times, min_size=2, max_size=2, unique=True))
            common |= {
                "local": (f"{begin}-{end}",),
                "weekdays": draw(st.sampled_from(((), (1, 2, 7)))),
            }
    elif kind.startswith("point"):
        common |= {"person": person, "point": draw(st.sampled_from(POINTS)), "kind": "mobile"}
    else:
        common |= {"person": person, "debts": debts, "point": "N1", "contacted": "X1"}
        common |= {"case": draw(st.sampled_from(("c1", "c2")))}
    return Entry(**common)


TYPES = (
    "contact", "contact", "contact", "consent", "consent.withdrawn", "optout", "optin", "inconvenient.declared",
    "inconvenient.withdrawn", "person.merged", "stop", "go", "proof", "notice", "point.known", "point.invalidated",
)  # fmt: skip


@st.composite
def logs(draw, base, types=None, size=10):
    """Draw a log of up to *size* facts, each with an id of its own; no two of one type happen at one instant."""
    number = draw(st.integers(0, size))
    found = [draw(entries(base, n, types)) for n in range(number)]
    return list({(entry.at, entry.type): entry for entry in found}.values())


@st.composite
def proposals(draw, base):
    """Draw what somebody would do."""
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True))
    party = draw(st.sampled_from(("debtor", "debtor", "contact_person", "attorney")))
    return Proposal(
        at=draw(instants(base)), channel=draw(st.sampled_from(CHANNELS)), voice="human",
        purpose=draw(st.sampled_from(PURPOSES)), party=party, person=draw(st.sampled_from(PEOPLE)),
        contacted="X1" if party == "contact_person" else "", debts=draw(st.sampled_from((("A",), ("B",), ("A", "B")))),
        point=draw(st.sampled_from(POINTS)), place=draw(st.sampled_from(("", "work"))),
        topic=draw(st.sampled_from(("", "loan"))), creditor="BANK", collector=draw(st.sampled_from(("BANK", "AG1"))),
        role="third_party", zones=tuple(zones), tags=frozenset(draw(st.sampled_from(((), ("name",), ("name", "threat"))))),
        conduct=draw(st.sampled_from(({}, {"recording": True, "staff": 2}))),
        clocks=draw(st.sampled_from(({}, {"grace": True}, {"grace": False}, {"grace": (base + timedelta(days=6)).date().isoformat()}))),
    )  # fmt: skip


@st.composite
def worlds(draw, kinds=tuple(RULES), types=None, size=10):
    """Draw a pack, a log, a proposal, and the instant at which what is known was known."""
    base = draw(st.sampled_from(CHANGES))
    p = draw(proposals(base))
    later = draw(st.sampled_from((0, 0, 0, 400)))
    return draw(packs(kinds)), draw(logs(base, types, size)), p, p.at + later * QUARTER
