"""
Which days offices work, for legal periods: by country, until when that is known, and what a bank's own file says.

    calendars = load_calendars(Path("deploy/calendars"))
    calendars["CN"].is_working_day(date(2026, 10, 10))      # True: a Saturday worked for the National Day

A year that a file names stands in that file alone: nothing that the library predicts counts in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import holidays
import msgspec

from shared.calendars import SATURDAY, is_working_day, known_until
from shared.yaml_lines import Document, Place, YamlError, read

STANDARD = ("CN", "US-FED")
"""Calendars that are there without a file."""
_OFFICIAL = {"US-FED": "US"}
"""Calendars that are no country's code: the days on which the US federal government rests are US holidays."""
_LONGEST_REST_DAYS = 31
"""No country rests longer; a search for a working day ends there."""


class CalendarError(ValueError):
    """A calendar file cannot be used; the message holds file, line, field and what to write instead."""


class Year(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """
    One year as its government announced it.

    `rest` are the days on which offices rest besides Saturdays and Sundays: dates, or stretches such as
    2026-10-01/2026-10-07, both ends included. `work` are Saturdays and Sundays on which they work.
    """

    year: int
    source: str = ""
    rest: tuple[str, ...] = ()
    work: tuple[date, ...] = ()


class CalendarFile(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A calendar file: the years that were announced, which then replace what was predicted."""

    calendar: str
    title: str = ""
    years: tuple[Year, ...]


class WorkCalendar:
    """Which days offices work; after `known_until` (None: for ever known) nobody can say yet."""

    def __init__(
        self, name: str, years: Mapping[int, tuple[frozenset[date], frozenset[date]]]
    ) -> None:
        """Make the calendar *name*, in which *years* (days of rest, weekend days of work) are known."""
        self.name = name
        self._country = _OFFICIAL.get(name, name)
        self._years = dict(years)
        known = known_until(self._country)
        if known is not None:
            year = known.year
            while year + 1 in self._years:
                year += 1
            known = date(year, 12, 31)
        self.known_until = known

    def knows(self, day: date) -> bool:
        """Tell whether what is_working_day says of *day* is announced or law, not predicted."""
        return self.known_until is None or day <= self.known_until or day.year in self._years

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work on *day*; for a day that is not known: as far as can be predicted."""
        if (year := self._years.get(day.year)) is None:
            return is_working_day(day, self._country)
        rest, work = year
        return day in work or (day.weekday() < SATURDAY and day not in rest)

    def on_or_after(self, day: date) -> date:
        """Answer the first working day from *day* on."""
        for ahead in range(_LONGEST_REST_DAYS):
            if self.is_working_day(candidate := day + timedelta(days=ahead)):
                return candidate
        return day

    def after(self, day: date, count: int) -> date:
        """Answer the *count*-th working day after *day*, which itself does not count."""
        for _ in range(count):
            day = self.on_or_after(day + timedelta(days=1))
        return day


def is_calendar(name: str) -> bool:
    """Tell whether *name* is a calendar: US-FED, or the code of a country whose holidays are known."""
    return _OFFICIAL.get(name, name) in holidays.list_supported_countries()


@lru_cache(maxsize=1)
def standard_calendars() -> Mapping[str, WorkCalendar]:
    """Answer the calendars that need no file."""
    return MappingProxyType({name: WorkCalendar(name, {}) for name in STANDARD})


def load_calendars(folder: Path) -> dict[str, WorkCalendar]:
    """Answer the standard calendars, and those that the files in *folder* describe or correct; raises as read_calendars."""
    return calendars_of(read_calendars(folder))


def calendars_of(files: Iterable[CalendarFile]) -> dict[str, WorkCalendar]:
    """Answer the standard calendars, and those that *files* describe or correct."""
    calendars = dict(standard_calendars())
    for file in files:
        years = {year.year: (frozenset(_rest(year)), frozenset(year.work)) for year in file.years}
        calendars[file.calendar] = WorkCalendar(file.calendar, years)
    return calendars


def read_calendars(folder: Path) -> tuple[CalendarFile, ...]:
    """
    Read the YAML files in *folder*, in the order of their names; a folder that is not there holds none.

    Raises CalendarError for a file that is wrong, or that describes what another one does.
    """
    files: dict[str, Document[CalendarFile]] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = read(
                path, CalendarFile, "a calendar is a mapping with `calendar` and `years`"
            )
            name = document.value.calendar
            if (other := files.get(name)) is not None:
                raise document.error(f"{name!r} stands in {other.path.name} too", "calendar")
            _check(document)
        except YamlError as error:
            raise CalendarError(str(error)) from None
        files[name] = document
    return tuple(document.value for document in files.values())


def _check(document: Document[CalendarFile]) -> None:
    if not is_calendar(document.value.calendar):
        raise document.error(
            "no calendar is called so; CN, US-FED, or a country's code", "calendar"
        )
    seen: set[int] = set()
    for index, year in enumerate(document.value.years):
        if year.year in seen:
            raise document.error(f"{year.year} stands twice", "years", index, "year")
        seen.add(year.year)
        for place, problem in _problems(year):
            raise document.error(problem, "years", index, *place)


def _problems(year: Year) -> Iterator[tuple[Place, str]]:
    elsewhere = f"is not in {year.year}"
    rest: set[date] = set()
    for number, text in enumerate(year.rest):
        try:
            rest.update(_stretch(text))
        except ValueError as error:
            yield ("rest", number), str(error)
        if any(day.year != year.year for day in rest):
            yield ("rest", number), elsewhere
    for number, day in enumerate(year.work):
        if day.year != year.year:
            yield ("work", number), elsewhere
        if day.weekday() < SATURDAY:
            yield ("work", number), "is no Saturday or Sunday: offices work on it anyway"
        if day in rest:
            yield ("work", number), "is a day of rest too"


def _rest(year: Year) -> set[date]:
    return {day for text in year.rest for day in _stretch(text)}


def _stretch(text: str) -> list[date]:
    """Answer the days of "2026-10-01" or "2026-10-01/2026-10-07"; raises ValueError for anything else."""
    first, _, last = text.partition("/")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a date nor a stretch such as 2026-10-01/2026-10-07"
        ) from None
    if not timedelta(0) <= end - start < timedelta(days=_LONGEST_REST_DAYS):
        raise ValueError(f"{text!r} ends before it begins, or is too long")
    return [start + timedelta(days=ahead) for ahead in range((end - start).days + 1)]
