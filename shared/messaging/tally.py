"""What a transaction of the shell came to, counted after its commit for the metrics: by type, and how late. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.messaging.records import Arrival

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """
    Facts decided by type, `ticks` decided, rows published by type, effects started by kind and settled by
    status, what went to quarantine by reason, facts that wait to be told `onward` here. `latencies` are seconds from each fact's time to its decision;
    `lateness` seconds from each `wake_at` to its tick.
    """

    facts: Counter[str] = field(default_factory=Counter)
    ticks: int = 0
    published: Counter[str] = field(default_factory=Counter)
    started: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    onward: int = 0
    latencies: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)


def ages(decided: Iterable[Arrival], clock: datetime) -> list[float]:
    """Answer how old each fact was at *clock*, in seconds; one from a clock ahead of ours counts as 0."""
    return [max((clock - arrival.event.time) / _SECOND, 0.0) for arrival in decided]
