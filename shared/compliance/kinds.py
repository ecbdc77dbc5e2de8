"""Check one rule for what its kind needs: times that are times, numbers that can bind, words that can be met."""

import re
from collections.abc import Iterator

from shared.compliance.calendars import is_calendar
from shared.compliance.pack import Pack
from shared.compliance.rules import (
    AnyRule,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    Fresh,
    Hold,
    Mode,
    Precondition,
    Span,
    Window,
)
from shared.yaml_lines import Place

Problem = tuple[Place, str]
_LOCAL = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")
_EVENT = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
CALENDAR_MODES: frozenset[Mode] = frozenset({"business_days", "cn_civil_code"})
"""They count by a calendar's working days."""
_NEVER = "never"


def kind_problems(rule: AnyRule, pack: Pack, place: Place) -> Iterator[Problem]:
    """Name what is wrong with *rule* because of its kind."""
    match rule:
        case Window():
            return _window(rule, place)
        case Cap():
            return _cap(rule, pack, place)
        case Cooldown():
            return _span(rule.for_, pack, (*place, "for"))
        case Hold():
            return _hold(rule, place)
        case Fresh():
            return _fresh(rule, place)
        case Precondition():
            return _precondition(rule, pack, place)
        case Content():
            return _content(rule, place)
        case Conduct():
            return _conduct(rule, place)
        case ClockRule() if rule.clock not in pack.clocks:
            return iter([((*place, "clock"), f"{rule.clock!r} is none of the pack's clocks")])
    return iter(())


def _window(rule: Window, place: Place) -> Iterator[Problem]:
    if bool(rule.deny_local) == bool(rule.allow_local):
        yield place, "needs either `deny_local` or `allow_local`"
    for field in ("deny_local", "allow_local"):
        for text in getattr(rule, field):
            start, _, end = text.partition("-")
            if not _LOCAL.match(text):
                yield (*place, field), f'{text!r} is no stretch of a day: write "HH:MM-HH:MM"'
            elif start == end:
                yield (*place, field), f"{text!r} is empty"
    if rule.guard is not None:
        for field in ("after_opening", "before_closing"):
            if getattr(rule.guard, field) < 0:
                yield (*place, "guard", field), "must not be negative"


def _hold(rule: Hold, place: Place) -> Iterator[Problem]:
    yield from _event(rule.starts, (*place, "starts"))
    if rule.ends != _NEVER:
        yield from _event(rule.ends, (*place, "ends"))
    if rule.ends == rule.starts:
        yield (*place, "ends"), "is also what starts it"
    if rule.correlate not in ("", "case"):
        yield (*place, "correlate"), "start and end are brought together by `case`, or not at all"
    if rule.duration_days is not None and rule.duration_days < 1:
        yield (*place, "duration_days"), "must be at least 1"


def _span(span: Span, pack: Pack, place: Place) -> Iterator[Problem]:
    if span.days < 1:
        yield (*place, "days"), "must be at least 1"
    if span.mode in CALENDAR_MODES and not (span.calendar or pack.calendar):
        yield (*place, "calendar"), f"{span.mode} needs a calendar: CN or US-FED"
    yield from _calendar(span.calendar, place)


def _calendar(name: str, place: Place) -> Iterator[Problem]:
    if name and not is_calendar(name):
        yield (
            (*place, "calendar"),
            f"no calendar is called {name!r}; CN, US-FED, or a country's code",
        )


def _event(name: str, place: Place) -> Iterator[Problem]:
    if not _EVENT.match(name):
        yield place, f"{name!r} is no name of an event such as dispute.opened"


def _cap(rule: Cap, pack: Pack, place: Place) -> Iterator[Problem]:
    if rule.max < 1:
        yield (*place, "max"), "must be at least 1; what is never allowed is no cap"
    if rule.within.mode not in ("local_dates", "inclusive_first_day"):
        yield (*place, "within", "mode"), "a cap counts local_dates"
    yield from _span(rule.within, pack, (*place, "within"))


def _fresh(rule: Fresh, place: Place) -> Iterator[Problem]:
    if rule.max_age_days < 1:
        yield (*place, "max_age_days"), "must be at least 1"
    if not rule.any_event:
        yield (*place, "any_event"), "needs at least one event"
    for index, event in enumerate(rule.any_event):
        yield from _event(event, (*place, "any_event", index))


def _precondition(rule: Precondition, pack: Pack, place: Place) -> Iterator[Problem]:
    yield from _event(rule.needs, (*place, "needs"))
    if rule.min_days < 0:
        yield (*place, "min_days"), "must not be negative"
    if rule.mode in CALENDAR_MODES and not (rule.calendar or pack.calendar):
        yield (*place, "mode"), f"{rule.mode} needs a calendar: CN or US-FED"
    yield from _calendar(rule.calendar, place)


def _content(rule: Content, place: Place) -> Iterator[Problem]:
    if not rule.must and not rule.must_not:
        yield place, "needs `must` or `must_not`"
    for tag in sorted({*rule.must} & {*rule.must_not}):
        yield (*place, "must_not"), f"{tag!r} is also in `must`; no text could meet both"


def _conduct(rule: Conduct, place: Place) -> Iterator[Problem]:
    if not rule.require:
        yield (*place, "require"), "needs at least one fact"
    for name, value in rule.require.items():
        if name.endswith("_min") and type(value) is not int:
            yield (*place, "require", name), "is a least number: write a number"
