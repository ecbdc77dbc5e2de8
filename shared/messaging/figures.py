"""What the tables say of a service, in one bounded statement: depths and ages for health and metrics.

Counts go through partial indexes and end at MOST: a flooded table must not make its own watching slow.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 100_000
"""A count that reaches this says "at least so many"."""

_FIGURES = text("""
    WITH at AS (SELECT CAST(:now AS timestamptz) AS now), parts AS (SELECT generate_series(0, CAST(:partitions AS int) - 1) AS partition)
    SELECT 'outbox' AS name, '' AS a, '' AS b, count(*)::float8 AS value FROM (SELECT FROM outbox LIMIT :most) AS some_of_them
    UNION ALL
    SELECT 'outbox_age', '', '', extract(epoch FROM clock_timestamp() - written_at)::float8
    FROM (SELECT written_at FROM outbox ORDER BY id LIMIT 1) AS first
    UNION ALL
    SELECT 'effects', 'pending', kind, count(*)
    FROM (SELECT kind FROM effects WHERE status = 'pending' LIMIT :most) AS some_of_them GROUP BY kind
    UNION ALL
    SELECT 'effects', 'sending', kind, count(*)
    FROM (SELECT kind FROM effects WHERE status = 'sending' LIMIT :most) AS some_of_them GROUP BY kind
    UNION ALL
    SELECT 'due_age', '', '', extract(epoch FROM max(at.now - first.not_before))::float8
    FROM at, parts, LATERAL (SELECT not_before FROM effects WHERE effects.partition = parts.partition
        AND status = 'pending' AND not_before <= at.now ORDER BY not_before LIMIT 1) AS first
    UNION ALL
    SELECT 'sending_age', '', '', extract(epoch FROM max(at.now - claimed_at))::float8
    FROM at, effects WHERE status = 'sending'
    UNION ALL
    SELECT 'quarantine', reason, '', count(*)
    FROM (SELECT reason FROM quarantine WHERE status = 'waiting' LIMIT :most) AS some_of_them GROUP BY reason
    UNION ALL
    SELECT 'parked', CASE WHEN here THEN 'here' ELSE 'elsewhere' END, '', count(*)
    FROM (SELECT CAST(:service AS text) = ANY(parked_by) AS here FROM cases WHERE parked_by <> '{}' LIMIT :most) AS some_of_them
    GROUP BY here
    UNION ALL
    SELECT 'parked_age', '', '', extract(epoch FROM max(at.now - received_at))::float8
    FROM at, (SELECT received_at FROM parked LIMIT :most) AS some_of_them
    UNION ALL
    SELECT 'wakeups', '', '', count(*)
    FROM at, parts, LATERAL (SELECT FROM cases WHERE cases.partition = parts.partition AND parked_by = '{}'
        AND wake_at <= at.now LIMIT :share) AS some_of_them
    UNION ALL
    SELECT 'wakeup_age', '', '', extract(epoch FROM max(at.now - first.wake_at))::float8
    FROM at, parts, LATERAL (SELECT wake_at FROM cases WHERE cases.partition = parts.partition AND parked_by = '{}'
        AND wake_at > 'epoch' AND wake_at <= at.now ORDER BY wake_at LIMIT 1) AS first
    UNION ALL
    SELECT 'heard_at', '', '', extract(epoch FROM max(moved_at))::float8 FROM progress
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """
    Depths, and ages in seconds (0 where nothing waits). Ages are by the service's clock, the outbox's by the
    database's. `effects` by (status, kind), `quarantine` by reason, `parked` by who parks: here or elsewhere.
    `heard_at` is when core banking's records were last seen to go on; None: never.
    """

    outbox: int = 0
    outbox_age: float = 0.0
    effects: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    due_age: float = 0.0
    sending_age: float = 0.0
    quarantine: Mapping[str, int] = field(default_factory=dict)
    parked: Mapping[str, int] = field(default_factory=dict)
    parked_age: float = 0.0
    wakeups: int = 0
    wakeup_age: float = 0.0
    heard_at: datetime | None = None

    def count_effects(self, status: str) -> int:
        """Count the effects of one status."""
        return sum(count for key, count in self.effects.items() if key[0] == status)


async def read(
    connection: AsyncConnection, service: str, now: datetime, partitions: int
) -> Figures:
    """Read them all; `now` is the clock's instant."""
    found: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    values = {
        "now": now,
        "partitions": partitions,
        "most": MOST,
        "share": -(-MOST // partitions),
        "service": service,
    }
    for name, a, b, value in await connection.execute(_FIGURES, values):
        if value is not None:
            found[name][a, b] = value

    def one(name: str) -> float:
        return max(found[name].get(("", ""), 0.0), 0.0)

    heard = found["heard_at"].get(("", ""))
    return Figures(
        outbox=int(one("outbox")),
        outbox_age=one("outbox_age"),
        effects={key: int(value) for key, value in found["effects"].items()},
        due_age=one("due_age"),
        sending_age=one("sending_age"),
        quarantine={reason: int(value) for (reason, _), value in found["quarantine"].items()},
        parked={by: int(value) for (by, _), value in found["parked"].items()},
        parked_age=one("parked_age"),
        wakeups=int(one("wakeups")),
        wakeup_age=one("wakeup_age"),
        heard_at=None if heard is None else datetime.fromtimestamp(heard, UTC),
    )
