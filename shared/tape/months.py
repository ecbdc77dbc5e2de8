"""Count in calendar months: instalments fall due once a month."""

from calendar import monthrange
from datetime import UTC, date, datetime, time

PAID = time(10, 0, tzinfo=UTC)
"""When a payment is booked on its day: 18:00 in Shanghai."""
CLOSED = time(22, 0, tzinfo=UTC)
"""When the batch of a day's close comes: 06:00 in Shanghai, the day after."""


def before(day: date, months: int) -> date:
    """Answer the same day *months* earlier (negative: later); the month's last day where it has none such."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def between(earlier: date, later: date) -> int:
    """Count the months from *earlier* to *later*, whatever the days within their months."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def at(day: date, moment: time) -> datetime:
    """Answer the instant of *moment* (PAID or CLOSED) on *day*, in UTC."""
    return datetime.combine(day, moment)
