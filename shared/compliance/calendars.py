"""Which days offices rest, for legal periods: by country, until when that is known, and a bank's own corrections."""

import holidays

_OFFICIAL = {"US-FED": "US"}
"""Calendars that are no country's code: the days on which the US federal government rests are US holidays."""


def is_calendar(name: str) -> bool:
    """Tell whether *name* is a calendar: US-FED, or the code of a country whose holidays are known."""
    return _OFFICIAL.get(name, name) in holidays.list_supported_countries()
