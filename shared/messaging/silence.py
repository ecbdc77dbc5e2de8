"""Notice that core banking has gone quiet: facts are stale then, and nobody is contacted on stale facts.

Each service knows it by itself, durably: from when the progress of core banking last moved in its own schema.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.calendars import at_local, is_working_day, local_date
from shared.clock import Clock

log = structlog.get_logger(__name__)

WATCH_SECONDS = 30.0
LONGEST = timedelta(days=400)
"""Beyond this the hours are no longer counted one by one: core banking is silent by any measure."""

_HEARD_AT = text("SELECT max(moved_at) FROM progress")


def business_time(since: datetime, until: datetime, where: ZoneInfo, country: str) -> timedelta:
    """Answer how much of the time between two instants fell on working days of *country*, all 24 hours of each."""
    since = max(since, until - LONGEST)
    passed = timedelta()
    day, last = local_date(since, where), local_date(until, where)
    while day <= last:
        begins, ends = (
            at_local(day, time.min, where),
            at_local(day + timedelta(days=1), time.min, where),
        )
        if is_working_day(day, country):
            passed += max(min(ends, until) - max(begins, since), timedelta())
        day += timedelta(days=1)
    return passed


@dataclass(frozen=True, slots=True)
class Hush:
    """How long core banking has been quiet, in hours of working days; `heard_at` None: it was never heard here."""

    heard_at: datetime | None
    hours: float
    silent: bool


class Silence:
    """
    Judges by *hours* of working days without progress in core banking's topic, in the creditor's *zone* and *country*.

    0 hours never judges: where time is stepped. A database that never heard core banking is not silent.
    """

    def __init__(
        self, engine: AsyncEngine, service: str, *, hours: float, zone: str, country: str
    ) -> None:
        self._engine = engine
        self._service = service
        self._zone = ZoneInfo(zone)
        self._country = country
        self._was_silent = False
        self.hours = hours

    async def silent(self, now: datetime) -> bool:
        """Tell whether facts are stale at *now*: then no effect may be claimed. Asks the database."""
        if not self.hours:
            return False
        async with self._engine.connect() as connection:
            heard_at = await connection.scalar(_HEARD_AT)
        return self.judge(heard_at, now).silent

    async def watch(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Look every half minute until *stopping*, so that the log says it when nobody asks."""
        while not stopping.is_set():
            try:
                await self.silent(clock.now())
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("silence_not_judged", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), WATCH_SECONDS)

    def judge(self, heard_at: datetime | None, now: datetime) -> Hush:
        """Say how quiet it has been since *heard_at*; a change is logged once."""
        if heard_at is None:
            return Hush(None, 0.0, silent=False)
        passed = business_time(heard_at, now, self._zone, self._country) / timedelta(hours=1)
        silent = bool(self.hours) and passed >= self.hours
        if silent != self._was_silent:
            self._was_silent = silent
            tell: Callable[..., None] = log.error if silent else log.info
            tell(
                "core_banking_silent" if silent else "core_banking_heard_again",
                service=self._service,
                heard_at=heard_at.isoformat(),
                business_hours=round(passed, 1),
                limit=self.hours,
            )
        return Hush(heard_at, passed, silent)
