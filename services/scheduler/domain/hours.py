"""Local dates and times: the bank's business dates, and the ladder's hours where the customer is."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.scheduler.policy import Strategy

Zones = tuple[str, ...]
"""Names of IANA zones that exist."""


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone(name: str) -> ZoneInfo:
    """Answer the IANA zone; raises ValueError for a name that does not exist."""
    found = _zone(name)
    if found is None:
        raise ValueError(f"{name!r} is not a time zone of the IANA database")
    return found


@lru_cache(maxsize=4096)
def known_zones(names: tuple[str, ...]) -> Zones:
    """Answer the zones that exist among *names*."""
    return tuple(name for name in names if _zone(name) is not None)


def business_date(now: datetime, strategy: Strategy) -> date:
    """Answer the creditor's date at an instant."""
    return now.astimezone(zone(strategy.business_zone)).date()


def local_date(at: datetime, where: str) -> date:
    """Answer the date at an instant in a zone."""
    return at.astimezone(zone(where)).date()


@lru_cache(maxsize=65536)
def at_local(day: date, at: time, where: str) -> datetime:
    """Answer the instant (UTC) of a local wall time; one in a DST gap counts by the offset before the gap."""
    return datetime.combine(day, at, zone(where)).astimezone(UTC)
