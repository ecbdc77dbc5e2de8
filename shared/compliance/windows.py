"""Local times of day: the windows of the law and the person's own inconvenient times, exact where clocks jump."""

from bisect import bisect_right
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.compliance.asked import FREE, Ask, State
from shared.compliance.consents import lapses
from shared.compliance.entries import Entry
from shared.compliance.instants import FAR, Zones
from shared.compliance.rules import Guard, Window

_DAY, _WEEK = 1440, 10080
_EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
_NO_GUARD = Guard()
Stretch = tuple[int, int]
"""Minutes of a day: begin, and end (over midnight: more than 1440)."""


class Week:
    """Which minutes of a local week are denied; the stretch that was last looked at is kept per zone."""

    __slots__ = ("_denied", "_edges", "_seen")

    def __init__(self, denied: bytearray) -> None:
        self._denied = bytes(denied)
        self._seen: dict[ZoneInfo, tuple[datetime, datetime, bool]] = {}
        self._edges = [m for m in range(_WEEK) if denied[m] != denied[m - 1]]

    def state(self, t: datetime, where: ZoneInfo) -> tuple[bool, datetime]:
        """Tell whether *t* is denied in *where*, and until when that surely stays so."""
        seen = self._seen.get(where)
        if seen is not None and seen[0] <= t < seen[1]:
            return seen[2], seen[1]
        local = t.astimezone(where)
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        denied = bool(self._denied[minute])
        if not self._edges:
            return denied, FAR
        at = bisect_right(self._edges, minute)
        edge = self._edges[at] if at < len(self._edges) else self._edges[0] + _WEEK
        change = t + timedelta(
            minutes=edge - minute, seconds=-local.second, microseconds=-local.microsecond
        )
        if change.astimezone(where).utcoffset() != local.utcoffset():
            change = min(change, _jump(t, change, where))
        self._seen[where] = t, change, denied
        return denied, change


def _jump(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """Answer the first second after *before* at which the clocks in *where* differ from those at *before*."""
    offset = before.astimezone(where).utcoffset()
    low, high = before.replace(microsecond=0), after
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(where).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return low + timedelta(seconds=1)


def stretch(text: str) -> Stretch:
    """Read "HH:MM-HH:MM", over midnight where it ends before it begins, a whole day where it ends as it begins."""
    begin, _, end = text.partition("-")
    first, last = _minute(begin), _minute(end)
    return first, last if last > first else last + _DAY


def _minute(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    value = int(hours) * 60 + int(minutes)
    if not (0 <= value <= _DAY and 0 <= int(minutes) < 60):  # noqa: PLR2004
        raise ValueError(f"{text!r} is no time of day")
    return value


def _mark(week: bytearray, stretches: tuple[Stretch, ...], weekdays: tuple[int, ...]) -> None:
    for weekday in weekdays:
        for first, last in stretches:
            for minute in range(first, last):
                week[((weekday - 1) * _DAY + minute) % _WEEK] = 1


@lru_cache(maxsize=1024)
def week_of(rule: Window) -> Week:
    """Answer the minutes that *rule* denies, its guard included."""
    guard = rule.guard or _NO_GUARD
    denied = bytearray(_WEEK)
    if rule.allow_local:
        allowed = bytearray(_WEEK)
        shrunk = tuple(
            (first + guard.after_opening, last - guard.before_closing)
            for first, last in map(stretch, rule.allow_local)
        )
        _mark(allowed, shrunk, _EVERY_DAY)
        denied = bytearray(1 - minute for minute in allowed)
    _mark(
        denied,
        tuple(
            (first - guard.before_closing, last + guard.after_opening)
            for first, last in map(stretch, rule.deny_local)
        ),
        _EVERY_DAY,
    )
    return Week(denied)


@lru_cache(maxsize=4096)
def declared_week(local: tuple[str, ...], weekdays: tuple[int, ...]) -> Week:
    """Answer the minutes that a person declared; what cannot be read, or no times at all, means the whole day."""
    try:
        stretches = tuple(stretch(text) for text in local) or ((0, _DAY),)
    except ValueError:
        stretches = ((0, _DAY),)
    denied = bytearray(_WEEK)
    _mark(denied, stretches, tuple(d for d in weekdays if d in _EVERY_DAY) or _EVERY_DAY)
    return Week(denied)


class WindowRule:
    """A window, in every zone at once."""

    __slots__ = ("_week", "_zones")

    def __init__(self, rule: Window, zones: Zones) -> None:
        self._week = week_of(rule)
        self._zones = zones

    def state(self, ask: Ask, t: datetime) -> State:  # noqa: ARG002
        if not self._zones:
            return "zones", FAR
        return _everywhere(self._week, self._zones, t)


def _everywhere(week: Week, zones: Zones, t: datetime) -> State:
    if len(zones) == 1:
        denied, change = week.state(t, zones[0])
        return ("" if denied else None), change
    states = [week.state(t, where) for where in zones]
    if any(denied for denied, _ in states):
        return "", max(change for denied, change in states if denied)
    return None, min(change for _, change in states)


class DeclaredRule:
    """The times that the person called inconvenient (`inconvenient.declared`), until withdrawn."""

    __slots__ = ("_zones",)

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def state(self, ask: Ask, t: datetime) -> State:
        declared = ask.known.of("inconvenient.declared")
        if not declared:
            return FREE
        status: str | None = None
        blocked, free = t, FAR
        for each in declared:
            if not _concerns(each, ask):
                continue
            end = min(_withdrawn(each, ask), lapses(each, "", self._zones))
            if t < each.at < end:
                free = min(free, each.at)
            if not each.at <= t < end:
                continue
            if not self._zones:
                return "zones", FAR
            denied, change = _everywhere(declared_week(each.local, each.weekdays), self._zones, t)
            change = min(change, end)
            if denied is None:
                free = min(free, change)
            else:
                status, blocked = "", max(blocked, change)
        return (None, free) if status is None else (status, blocked)


def _concerns(declared: Entry, ask: Ask) -> bool:
    """Tell whether the declaration speaks of this person, point, channel and place; what is not said agrees, but a place."""
    p = ask.proposal
    return not (
        (declared.person and ask.person and ask.known.identity(declared.person) != ask.person)
        or (declared.point and p.point and declared.point != p.point)
        or (declared.channel and p.channel and declared.channel != p.channel)
        or (declared.place and declared.place != p.place)
    )


def _withdrawn(declared: Entry, ask: Ask) -> datetime:
    """Answer when *declared* was taken back: by the same person, for the same times or for all."""
    for each in ask.known.of("inconvenient.withdrawn"):
        if each.at <= declared.at:
            continue
        if each.local and each.local != declared.local:
            continue
        if not each.person or not declared.person:
            return each.at
        if ask.known.identity(each.person) == ask.known.identity(declared.person):
            return each.at
    return FAR
