"""Know working days and local time, for the rules of several services; pure: no clock is read here."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

SATURDAY = 5
_ANNOUNCED = frozenset({"CN"})
"""Countries whose government moves working days about by a notice each year."""
_ANY_YEAR = 2026
_LONGEST_BREAK_DAYS = 31
"""No country rests longer than this; a search for a working day ends there."""


def is_working_day(day: date, country: str) -> bool:
    """Tell whether offices work on *day* in *country* (ISO 3166-1 alpha-2).

    China's make-up working days (a Saturday or Sunday worked in return for a longer holiday) count as
    working days, as far as the State Council has announced them: see known_until. A country that the
    library does not know works from Monday to Friday.
    """
    year = _year(country, day.year)
    if year is None:
        return day.weekday() < SATURDAY
    return year.is_working_day(day)


def next_working_day(day: date, country: str) -> date:
    """Answer the first working day on or after *day*; *day* itself if no country could rest so long."""
    for ahead in range(_LONGEST_BREAK_DAYS):
        candidate = day + timedelta(days=ahead)
        if is_working_day(candidate, country):
            return candidate
    return day


def known_until(country: str) -> date | None:
    """Answer the last day whose holidays are announced, where a government announces them each year.

    None: the country's holidays follow from its law, so nothing has to be announced. After this day
    is_working_day knows the holidays themselves, but neither their bridge days nor make-up working days.
    """
    if country not in _ANNOUNCED:
        return None
    announced = getattr(_year(country, _ANY_YEAR), "special_public_holidays", {})
    return date(max(announced), 12, 31) if announced else None


def zone(names: tuple[str, ...], default: str) -> ZoneInfo:
    """Answer the first of *names* that the time zone database knows, else *default* (which it must know)."""
    for name in names:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo(default)


def at_local(day: date, at: time, where: ZoneInfo) -> datetime:
    """Answer the instant (UTC) at which the clocks in *where* show *at* on *day*."""
    return datetime.combine(day, at, tzinfo=where).astimezone(UTC)


def local_date(instant: datetime, where: ZoneInfo) -> date:
    """Answer the date in *where* at *instant*."""
    return instant.astimezone(where).date()


@lru_cache(maxsize=256)
def _year(country: str, year: int) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return None
