"""What must have happened before: fresh evidence, notices whose period has run, and clocks that must be live."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from shared.compliance.asked import Ask, State
from shared.compliance.entries import Entry
from shared.compliance.instants import (
    FAR,
    WORLD,
    Calendar,
    UnknownYear,
    Zones,
    day_end,
    over_everywhere,
)
from shared.compliance.rules import ClockRule, Fresh, Precondition

_INSTANT = timedelta(microseconds=1)
_DATE = len("2026-11-20")
CLOCK_WORDS = {"live": True, "running": True, "true": True, "expired": False, "false": False}
"""What a proposal may say of a clock besides yes and no: whether it is live."""


class FreshRule:
    """One of the events happened no longer ago than so many times 24 hours."""

    __slots__ = ("_age", "_rule")

    def __init__(self, rule: Fresh) -> None:
        self._rule = rule
        self._age = timedelta(days=rule.max_age_days) + _INSTANT

    def state(self, ask: Ask, t: datetime) -> State:
        p = ask.proposal
        if self._rule.per_point and not p.point:
            return "point", FAR
        until, change = t, FAR
        for kind in self._rule.any_event:
            for event in ask.known.of(kind):
                if self._rule.per_point and event.point != p.point:
                    continue
                if not _of_person(event, ask):
                    continue
                if event.at > t:
                    change = min(change, event.at)
                else:
                    until = max(until, event.at + self._age)
        return (None, until) if until > t else ("", change)


def _of_person(event: Entry, ask: Ask) -> bool:
    return not event.person or not ask.person or ask.known.identity(event.person) == ask.person


class PreconditionRule:
    """For each debt of the proposal the event has happened, and the span since has run."""

    __slots__ = ("_calendar", "_rule", "_zones")

    def __init__(self, rule: Precondition, zones: Zones, calendar: Calendar | None) -> None:
        self._rule = rule
        self._zones = zones
        self._calendar = calendar

    def state(self, ask: Ask, t: datetime) -> State:
        events = ask.known.of(self._rule.needs)
        status: str | None = None
        change = t
        for debt in ask.debts:
            if debt is None:
                return "debts", FAR
            needs, ready = self._ready([each for each in events if debt in each.debts])
            if ready > t:
                status, change = status or needs, max(change, ready)
        return (None, FAR) if status is None else (status, change)

    def _ready(self, events: list[Entry]) -> tuple[str, datetime]:
        """Answer when the first of *events* is old enough, and which fact is missing to say so."""
        if events and not self._zones:
            return "zones", FAR
        needs, ready = "", FAR
        rule = self._rule
        for event in events:
            try:
                over = over_everywhere(
                    event.at, rule.min_days, rule.mode, self._zones, self._calendar
                )
            except UnknownYear as unknown:
                needs = str(unknown)
                continue
            ready = min(ready, max(over, event.at))
        return (needs if ready == FAR else ""), ready


def clock_state(ask: Ask, name: str, zones: Zones, t: datetime, *, expired: bool = False) -> State:
    """
    Answer whether the proposal's clock *name* is live at *t* in all zones, or (*expired*) has run in all.

    The proposal gives it as a bool or one of CLOCK_WORDS, as its last day (included), or as the instant of its end.
    """
    value = ask.proposal.clocks.get(name)
    if value is None:
        return f"clocks.{name}", FAR
    if isinstance(value, str):
        value = CLOCK_WORDS.get(value, value)
    if isinstance(value, bool):
        return (None if value is not expired else ""), FAR
    end = clock_end(value)
    if end is None:
        return f"clocks.{name}", FAR
    if not isinstance(end, datetime):
        end = day_end(end, zones or WORLD, latest=expired)
    if expired:
        return ("", end) if t < end else (None, FAR)
    return (None, end) if t < end else ("", FAR)


@lru_cache(maxsize=4096)
def clock_end(text: str) -> date | None:
    """Read a clock's last day, or the instant of its end; none where it is neither."""
    try:
        if len(text) == _DATE:
            return date.fromisoformat(text)
        end = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if end.tzinfo is None else end.astimezone(UTC)


class ClockStateRule:
    """A clock of the pack must be live, or must have run."""

    __slots__ = ("_rule", "_zones")

    def __init__(self, rule: ClockRule, zones: Zones) -> None:
        self._rule = rule
        self._zones = zones

    def state(self, ask: Ask, t: datetime) -> State:
        expired = self._rule.while_expired
        return clock_state(ask, self._rule.clock, self._zones, t, expired=expired)
