"""Check a pack for what its types cannot say: words, times, zones, references, and rules that could never act."""

import re
from collections.abc import Collection, Iterator
from zoneinfo import ZoneInfo

from shared.compliance import vocabulary as words
from shared.compliance.calendars import is_calendar
from shared.compliance.kinds import CALENDAR_MODES, kind_problems
from shared.compliance.pack import Clock, Derived, Pack, Retention
from shared.compliance.rules import AnyRule, Match, Party, Validity, When
from shared.yaml_lines import Place

Problem = tuple[Place, str]
_ID = re.compile(r"^[A-Za-z0-9][\w.-]*\Z", re.ASCII)
_KEY_OF_A_SOURCE = re.compile(r"^[\w.-]+\Z", re.ASCII)
_PERIOD = re.compile(r"^P[1-9][0-9]*[YMD]\Z")


def problems(pack: Pack) -> Iterator[Problem]:
    """Name what is wrong in *pack*, each with the place it stands at."""
    if not _ID.match(pack.pack):
        yield ("pack",), f"{pack.pack!r} must be of letters, digits, and any of _ . -"
    if not pack.version:
        yield ("version",), "is empty; write the day or number of this version"
    if not pack.rules:
        yield ("rules",), "needs at least one rule"
    yield from _head(pack)
    for name, derived in pack.derive.items():
        yield from _derived(derived, ("derive", name))
    for name, clock in pack.clocks.items():
        yield from _clock(clock, pack, ("clocks", name))
    for name, retention in pack.retain.items():
        yield from _retention(retention, ("retain", name))
    seen: set[str] = set()
    for index, rule in enumerate(pack.rules):
        place: Place = ("rules", index)
        if not _ID.match(rule.id):
            yield (*place, "id"), f"{rule.id!r} must be of letters, digits, and any of _ . -"
        if rule.id in seen:
            yield (*place, "id"), f"{rule.id!r} stands twice; an id names one rule"
        seen.add(rule.id)
        yield from _rule(rule, pack, place)


def source_problems(pack: Pack) -> Iterator[Problem]:
    """Name the sources that are cited and not described: the pack works, but a reader cannot look them up."""
    for index, rule in enumerate(pack.rules):
        yield from _unknown_sources(rule.source, pack, ("rules", index, "source"))
    for name, clock in pack.clocks.items():
        yield from _unknown_sources(clock.source, pack, ("clocks", name, "source"))
    for name, retention in pack.retain.items():
        keys = [retention.source.partition("#")[0]] if retention.source else []
        yield from _unknown_sources(keys, pack, ("retain", name, "source"))


def _head(pack: Pack) -> Iterator[Problem]:
    for key, values in pack.select.items():
        yield from _words([key], words.SELECTORS, ("select", key))
        if not values:
            yield ("select", key), "selects nothing; name values, or delete it"
        if key == "role":
            yield from _words(values, words.ROLES, ("select", key))
    yield from _validity(pack.effective, ())
    yield from _zones([pack.zones.default] if pack.zones.default else [], ("zones", "default"))
    if pack.calendar and not is_calendar(pack.calendar):
        yield (
            ("calendar",),
            f"no calendar is called {pack.calendar!r}; CN, US-FED, or a country's code",
        )
    for key, source in pack.sources.items():
        if source.from_ and source.to and source.to < source.from_:
            yield ("sources", key, "to"), "must not be before `from`"


def _rule(rule: AnyRule, pack: Pack, place: Place) -> Iterator[Problem]:
    if not rule.source and not rule.cite and rule.strength != "firm":
        yield place, "needs `source` or `cite`; only a rule of strength firm is the bank's own"
    yield from _validity(rule.effective, place)
    yield from _when(rule.when, (*place, "when"))
    yield from _words(rule.unless_purpose, words.PURPOSES, (*place, "unless_purpose"))
    yield from kind_problems(rule, pack, place)
    match = getattr(rule, "count", None) or getattr(rule, "after", None)
    if match is not None:
        yield from _match(match, (*place, "count" if hasattr(rule, "count") else "after"))
        yield from _words(getattr(rule, "per", ()), words.KEYS, (*place, "per"))
    yield from _words(getattr(rule, "permits", ()), words.PURPOSES, (*place, "permits"))
    yield from _zones(getattr(rule, "zones", ()), (*place, "zones"))
    if isinstance(rule, Party):
        yield from _parties(rule, pack, place)


def _parties(rule: Party, pack: Pack, place: Place) -> Iterator[Problem]:
    if not rule.allow:
        yield (*place, "allow"), "needs at least one party"
    for index, allowed in enumerate(rule.allow):
        at = (*place, "allow", index)
        yield from _words(allowed.purpose_in, words.PURPOSES, (*at, "purpose_in"))
        yield from _words([allowed.if_] if allowed.if_ else [], pack.derive, (*at, "if"))
        clocks = [allowed.if_clock_live] if allowed.if_clock_live else []
        yield from _words(clocks, pack.clocks, (*at, "if_clock_live"))


def _when(when: When, place: Place) -> Iterator[Problem]:
    for field, known in (
        ("channel_in", words.CHANNELS),
        ("purpose_in", words.PURPOSES),
        ("role_in", words.ROLES),
        ("voice_in", words.VOICES),
    ):
        yield from _words(getattr(when, field), known, (*place, field))
    if when.limitation:
        yield from _words([when.limitation], words.LIMITATIONS, (*place, "limitation"))
    if when.or_autodialed and not when.voice_in:
        yield (*place, "or_autodialed"), "is an alternative to `voice_in`: name the voices too"


def _match(match: Match, place: Place) -> Iterator[Problem]:
    for field, known in (
        ("channel_in", words.CHANNELS),
        ("result_in", words.RESULTS),
        ("result_not_in", words.RESULTS),
    ):
        yield from _words(getattr(match, field), known, (*place, field))
    for field, known in (
        ("channel", words.CHANNELS),
        ("direction", words.DIRECTIONS),
        ("purpose", words.PURPOSES),
    ):
        value = getattr(match, field)
        yield from _words([value] if value else [], known, (*place, field))
    if match.result_in and match.result_not_in:
        yield (*place, "result_not_in"), "stands beside `result_in`; one of them is enough"


def _derived(derived: Derived, place: Place) -> Iterator[Problem]:
    if not derived.any:
        yield (*place, "any"), "needs at least one beginning"
    for index, each in enumerate(derived.any):
        if (event := getattr(each, "event", None)) is not None:
            yield from _match(event, (*place, "any", index, "event"))
        if getattr(each, "length", 1) < 1:
            yield (*place, "any", index, "length"), "must be at least 1"
    if derived.cleared_by is not None:
        yield from _match(derived.cleared_by.event, (*place, "cleared_by", "event"))


def _clock(clock: Clock, pack: Pack, place: Place) -> Iterator[Problem]:
    spans = {name: getattr(clock, name) for name in ("years", "months", "days", "min_gap_days")}
    given = {name: value for name, value in spans.items() if value is not None}
    if len(given) != 1:
        yield place, "needs exactly one of years, months, days and min_gap_days"
    for name, value in given.items():
        if value < 1:
            yield (*place, name), "must be at least 1"
    if clock.period is None and "min_gap_days" not in given:
        yield place, "needs `period`: how its days are counted"
    if clock.period in CALENDAR_MODES and not pack.calendar:
        yield (*place, "period"), f"{clock.period} needs the pack's `calendar`"


def _retention(retention: Retention, place: Place) -> Iterator[Problem]:
    periods = {
        name: getattr(retention, name) for name in ("min", "after_last_activity", "after_call")
    }
    if not any(periods.values()):
        yield place, "needs a period: min, after_last_activity or after_call"
    for field, value in periods.items():
        if value and not _PERIOD.match(value):
            yield (*place, field), f"{value!r} is no period such as P3Y, P6M or P90D"


def _unknown_sources(names: Collection[str], pack: Pack, place: Place) -> Iterator[Problem]:
    """A name in ASCII without spaces is a key of `sources`; anything else is a citation of its own."""
    for name in names:
        if _KEY_OF_A_SOURCE.match(name) and name not in pack.sources:
            yield place, f"{name!r} is none of the pack's sources; add it to `sources`"


def _validity(validity: Validity | None, place: Place) -> Iterator[Problem]:
    if validity and validity.from_ and validity.to and validity.to < validity.from_:
        yield (*place, "effective", "to"), "must not be before `from`"


def _zones(names: Collection[str], place: Place) -> Iterator[Problem]:
    for name in names:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            yield place, f"{name!r} is not a time zone of the IANA database"


def _words(values: Collection[str], known: Collection[str], place: Place) -> Iterator[Problem]:
    for value in values:
        if value not in known:
            yield place, f"{value!r} is none of {', '.join(sorted(known)) or 'those of this pack'}"
