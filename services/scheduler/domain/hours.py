"""Find the hours at which a customer may be contacted: local times, in every zone where they may be."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.scheduler.policy import Strategy
from shared.events.commands import LocalWindow

Zones = tuple[str, ...]
"""Names of IANA zones that exist."""
Windows = tuple[LocalWindow, ...]
"""Local times that are not convenient; one that ends before it starts goes on after midnight."""

_TURNS = 8
"""How often the zones may push an instant on before we say that no hour suits them all."""


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
def known_zones(names: tuple[str, ...], business_zone: str) -> Zones:
    """Answer the zones that exist among *names*; without any it is the bank's."""
    return tuple(name for name in names if _zone(name) is not None) or (business_zone,)


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


@lru_cache(maxsize=65536)
def first_allowed(
    at: datetime, zones: Zones, quiet_until: time, quiet_from: time
) -> datetime | None:
    """
    Answer the least instant >= *at* outside the quiet hours of every zone; None if there is none.

    Contact is allowed in [quiet_until, quiet_from) local time.
    """
    for _ in range(_TURNS):
        moved = at
        for where in zones:
            local = moved.astimezone(zone(where))
            if local.time() < quiet_until:
                moved = at_local(local.date(), quiet_until, where)
            elif local.time() >= quiet_from:
                moved = at_local(local.date() + timedelta(days=1), quiet_until, where)
        if moved == at:
            return at
        at = moved
    return None


def allowed_from(at: datetime, zones: Zones, strategy: Strategy) -> datetime | None:
    """Answer first_allowed() by the strategy's quiet hours."""
    return first_allowed(at, zones, strategy.quiet_until, strategy.quiet_from)


def window_end(at: datetime, zones: Zones, strategy: Strategy) -> datetime:
    """Answer when the hours that *at* lies in are over: the earliest evening of the zones (UTC)."""
    return min(
        at_local(at.astimezone(zone(where)).date(), strategy.quiet_from, where) for where in zones
    )


def convenient_from(
    at: datetime, zones: Zones, windows: Windows, strategy: Strategy
) -> datetime | None:
    """Answer the least instant >= *at* that allowed_from() allows and no window excludes, within two weeks or None."""
    for _ in range(_TURNS * max(1, len(windows)) * len(zones)):
        allowed = allowed_from(at, zones, strategy)
        if allowed is None:
            return None
        over = [_over_at(allowed, window, where) for window in windows for where in zones]
        at = max([allowed, *(end for end in over if end is not None)])
        if at == allowed:
            return allowed
    return None


def next_window(at: datetime, zones: Zones, windows: Windows) -> datetime | None:
    """Answer when the first window begins after *at*, on that local day."""
    starts = [
        at_local(local_date(at, where), window.start, where)
        for window in windows
        for where in zones
        if _has_day(window, local_date(at, where))
    ]
    return min((start for start in starts if start > at), default=None)


def _over_at(at: datetime, window: LocalWindow, where: str) -> datetime | None:
    """Answer when the window that *at* lies in is over; None outside of it."""
    local = at.astimezone(zone(where))
    today = local.date()
    for day in (today - timedelta(days=1), today):
        if not _has_day(window, day):
            continue
        last = day if window.start < window.end else day + timedelta(days=1)
        if at_local(day, window.start, where) <= at < at_local(last, window.end, where):
            return at_local(last, window.end, where)
    return None


def _has_day(window: LocalWindow, day: date) -> bool:
    return not window.days or day.isoweekday() in window.days
