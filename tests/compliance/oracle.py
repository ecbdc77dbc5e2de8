"""The gate once more, by brute force: written from RULES.md alone, slow and simple, to judge the quick one by.

Nothing is computed ahead here. `blocking` asks every rule whether it is in the way at one instant, by going through the
whole log; the least allowed instant is found by trying all `candidates` one after another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from shared.compliance.entries import Entry
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import (
    AnyRule,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    DeclaredWindow,
    Fresh,
    Hold,
    OptOut,
    Party,
    Precondition,
    Window,
)
from tests.compliance.oracle_log import Asked, Log, consented
from tests.compliance.oracle_states import clock, conducted, done, fresh, held, may, opted_out
from tests.compliance.oracle_times import cooling, declared, full, outside, zones_named

MEMBERS = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
SELECTORS = ("debtor_country", "debtor_state", "debtor_city", "region", "role", "product")


def blocking(
    packs: Sequence[Pack], p: Proposal, entries: Iterable[Entry], known_at: datetime, t: datetime
) -> set[str]:
    """Answer the ids of the rules in the way at *t*, on what was known at *known_at*."""
    log = Log(entries, known_at, p.reservation)
    return blocking_known(packs, p, log, t)


def blocking_known(packs: Sequence[Pack], p: Proposal, log: Log, t: datetime) -> set[str]:
    found = set()
    for pack in packs:
        if not _selected(pack, p):
            continue
        names = p.zones or ((pack.zones.default,) if pack.zones.default else ())
        asked = Asked(p, log, t, zones_named(names), pack)
        found |= {
            rule.id for rule in pack.rules if rule.effect == "block" and in_the_way(rule, asked)
        }
    return found


def candidates(entries: Iterable[Entry], begin: datetime, end: datetime, minutes: int):
    """Answer every instant in [begin, end) at which an answer may change for the better: a grid, and what entries name."""
    found = {begin}
    for entry in entries:
        named = (entry.at, entry.expires, entry.until)
        found |= {instant.astimezone(UTC) for instant in named if isinstance(instant, datetime)}
    step = timedelta(minutes=minutes)
    at = begin.replace(minute=0, second=0, microsecond=0)
    while at < end:
        found.add(at)
        at += step
    return sorted(instant for instant in found if begin <= instant < end)


def _selected(pack: Pack, p: Proposal) -> bool:
    for field, values in pack.select.items():
        has = getattr(p, field) if field in SELECTORS else ""
        member = field == "debtor_country" and "EU" in values and has in MEMBERS
        if has and has not in values and not member:
            return False
    return True


def _in_force(rule: AnyRule, asked: Asked) -> bool:
    span = rule.effective or asked.pack.effective
    return (
        span is None
        or not asked.zones
        or any(
            (span.from_ is None or span.from_ <= day) and (span.to is None or day <= span.to)
            for day in asked.dates()
        )
    )


def in_the_way(rule: AnyRule, asked: Asked) -> bool:
    p = asked.p
    if not _in_force(rule, asked) or (p.purpose and p.purpose in rule.unless_purpose):
        return False
    applies = _applies(rule, p)
    if applies is False or (isinstance(rule, OptOut) and not asked.log.of("optout", asked.t)):
        return False
    if not rule.unless_consent:
        return applies is None or VIOLATED[type(rule)](rule, asked)
    return any(
        not consented(part, rule.unless_consent, asked.t)
        and (applies is None or VIOLATED[type(rule)](rule, part))
        for part in _each_debt(asked)
    )


def _each_debt(asked: Asked) -> list[Asked]:
    """Answer the question about each debt alone: a consent lifts a rule for the debts it covers."""
    return [
        replace(asked, p=msgspec.structs.replace(asked.p, debts=(debt,))) for debt in asked.p.debts
    ] or [asked]


def _applies(rule: AnyRule, p: Proposal) -> bool | None:
    """Tell whether `when` holds; None: something that it needs is unknown, which blocks."""
    when, unknown = rule.when, False
    for has, values, needed in (
        (p.channel, when.channel_in, False),
        (p.purpose, when.purpose_in, bool(p.channel)),
        (p.party, when.party_in, False),
        (p.role, when.role_in, True),
        (p.action, when.action_in, False),
        (p.product, when.product_in, False),
        (p.creditor_kind, when.creditor_kind_in, False),
    ):
        if not values or has in values:
            continue
        if has or not needed:
            return False
        unknown = True
    if (
        when.voice_in
        and p.voice not in when.voice_in
        and not (when.or_autodialed and p.autodialled)
    ):
        if p.voice or p.channel != "call":
            return False
        unknown = True
    if when.limitation and p.limitation != when.limitation:
        risky = isinstance(rule, Content) and p.tags & set(rule.must_not)
        if p.limitation or not risky:
            return False
        unknown = True
    return None if unknown else True


VIOLATED = {
    Window: outside,
    DeclaredWindow: lambda _, asked: declared(asked),
    Cap: full,
    Cooldown: cooling,
    Party: lambda rule, asked: not any(may(item, asked) for item in rule.allow),
    Hold: held,
    OptOut: lambda rule, asked: (
        asked.p.purpose not in rule.permits and opted_out(rule.level, asked)
    ),
    Fresh: lambda rule, asked: not fresh(rule, asked),
    Precondition: lambda rule, asked: (
        not all(done(rule, debt, asked) for debt in asked.p.debts or ("",))
    ),
    Content: lambda rule, asked: bool(
        set(rule.must) - asked.p.tags or set(rule.must_not) & asked.p.tags
    ),
    Conduct: lambda rule, asked: (
        not all(conducted(asked.p.conduct, *item) for item in rule.require.items())
    ),
    ClockRule: lambda rule, asked: not clock(rule.clock, asked, expired=rule.while_expired),
}
"""For each kind of rule, whether it is in the way of what it applies to."""
