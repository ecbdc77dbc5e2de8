"""Instants and local dates: where a local day begins, in zones whose clocks jump; and the ends of spans of days."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.compliance.rules import Mode

FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than anything: what never changes by time alone."""
Zones = tuple[ZoneInfo, ...]
WORLD: Zones = (ZoneInfo("Etc/GMT+12"), ZoneInfo("Pacific/Kiritimati"))
"""Where a local date ends last and begins first: they stand in where no zone is known and a bound is enough."""
DAY = timedelta(days=1)
_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)
_LONGEST_REST = 40


class Calendar(Protocol):
    """Which days offices work; of a day that it does not know nobody can say, and the gate blocks."""

    def knows(self, day: date) -> bool: ...

    def is_working_day(self, day: date) -> bool: ...


class UnknownYear(Exception):
    """A span needs a day that its calendar does not know; the argument names both."""


@lru_cache(maxsize=4096)
def zones_of(names: tuple[str, ...]) -> Zones:
    """Answer the zones called *names*; none at all when one of them is unknown: a guess would be no answer."""
    try:
        return tuple(ZoneInfo(name) for name in names)
    except (KeyError, ValueError, OSError):
        return ()


@lru_cache(maxsize=65536)
def day_start(day: date, where: ZoneInfo) -> datetime:
    """
    Answer the first instant (UTC) of the local *day*.

    Where clocks skip midnight it is the instant of the jump; where midnight comes twice, the first of the two.
    """
    day = min(max(day, _FIRST), _LAST)
    return datetime.combine(day, time(0), tzinfo=where).astimezone(UTC)


def local_date(instant: datetime, where: ZoneInfo) -> date:
    """Answer the date that is written at *instant* in *where*."""
    return instant.astimezone(where).date()


def shifted(day: date, days: int) -> date:
    """Answer the date *days* after *day*, within what day_start can say."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return _LAST if days > 0 else _FIRST


def day_end(day: date, zones: Zones, *, latest: bool) -> datetime:
    """Answer when *day* is over in all *zones* (*latest*), or in the first of them."""
    ends = [day_start(shifted(day, 1), where) for where in zones]
    return max(ends) if latest else min(ends)


def span_end(
    at: datetime, days: int, mode: Mode, where: ZoneInfo, calendar: Calendar | None = None
) -> datetime:
    """
    Answer the instant at which a span of *days* from *at*, counted by *mode*, is over in *where*.

    RULES.md section 3, "Days". Raises UnknownYear where *calendar* does not reach.
    """
    first = local_date(at, where)
    match mode:
        case "local_dates" | "inclusive_first_day":
            return day_start(shifted(first, days), where)
        case "exclude_first_day" | "after_end":
            return day_start(shifted(first, days + 1), where)
        case "uk_not_before":
            return max(at, day_start(shifted(first, days), where))
        case "cn_civil_code":
            last = shifted(first, days)
            for _ in range(_LONGEST_REST):
                if _works(last, calendar):
                    break
                last = shifted(last, 1)
            return day_start(shifted(last, 1), where)
        case "business_days":
            last, left = first, days
            while left > 0:
                last = shifted(last, 1)
                left -= _works(last, calendar)
            return day_start(shifted(last, 1), where)


def most_days(days: int, mode: Mode) -> int:
    """Answer how many local dates a span of *days* can reach over at most, the days of rest among them."""
    return days * 2 + _LONGEST_REST if mode in ("business_days", "cn_civil_code") else days


def over_everywhere(
    at: datetime, days: int, mode: Mode, zones: Zones, calendar: Calendar | None = None
) -> datetime:
    """Answer when the span is over in the last of *zones*."""
    if len(zones) == 1:
        return span_end(at, days, mode, zones[0], calendar)
    return max(span_end(at, days, mode, where, calendar) for where in zones)


def _works(day: date, calendar: Calendar | None) -> bool:
    if calendar is None:
        raise UnknownYear("calendar")
    if not calendar.knows(day):
        raise UnknownYear(f"calendar {day.year}")
    return calendar.is_working_day(day)


Calendars = Mapping[str, Calendar]
