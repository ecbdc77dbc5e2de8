"""Tell the time: the only place that may read the wall clock."""

from datetime import UTC, datetime
from typing import Protocol

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""A `wake_at` that is due whenever it is looked at; a constant, so that facts commute in the state."""

MAX_AHEAD_SECONDS = 300
"""How far (seconds) a fact's time may lie in the future of the clock (DESIGN.md, section 2)."""


class Clock(Protocol):
    """Answers the current instant, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Answer the wall clock's instant in UTC, in whole microseconds."""
        return datetime.now(UTC)  # noqa: TID251  this is the one place that may


class SteppedClock:
    """A clock that stands still until it is set: for the stepped live run, the replay and tests."""

    def __init__(self, now: datetime = AT_ONCE) -> None:
        self._now = now

    def now(self) -> datetime:
        """Answer the instant that was set last."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to *now*; raises ValueError for an instant without a time zone or one that lies in the past."""
        if now.tzinfo is None:
            raise ValueError("a clock is set to an aware instant")
        if now < self._now:
            raise ValueError(f"the clock stands at {self._now}; it does not go back to {now}")
        self._now = now
