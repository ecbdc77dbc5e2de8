"""Fuses: how many effects of a channel may leave in an hour, by the norm of 14 days and by a hard cap.

A claim takes what is still allowed in the hour, and no more; where more wants to leave, the fuse trips: a stop of kind
`fuse` for the channel, which holds until a person releases it with a reason. Hours are full hours of UTC, by the clock.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.acts import SERVICE, record_act
from shared.ids import derive
from shared.messaging.controls import CHANNELS, Stop, in_force, take

NORM_DAYS = 14
LEAST_DAYS = 3
"""A channel that left something on fewer days of the 14 has no norm yet: only the cap holds."""
NEIGHBOURS = 1
"""The norm looks at the same hour of the day and so many to each side: a start that moves by an hour is normal."""
HOUR = timedelta(hours=1)
HALF_A_DAY = timedelta(hours=12)
"""The norm leaves today out: what runs wild in one hour must not be the norm of the next."""
CAPS: Mapping[str, int] = {
    "sms": 50_000, "wechat": 50_000, "email": 50_000, "call": 20_000, "letter": 20_000,
    "visit": 5_000, "court": 1_000,
}  # fmt: skip
"""Effects of a channel in an hour, of one service, where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What the fuses go by. `caps`: effects in an hour by channel; one that is not named has the lowest of
    them, none at all without any. `factor` times the busiest comparable hour is the norm's limit, but
    never less than `floor`; a factor of 0 turns the norm off.
    """

    caps: Mapping[str, int] = field(default_factory=lambda: CAPS)
    factor: float = 3.0
    floor: int = 500

    def cap(self, channel: str) -> int | None:
        """Answer the hard cap of a channel; None where there is none."""
        return self.caps.get(channel, min(self.caps.values(), default=None))


OFF = Limits(caps={}, factor=0)
"""No fuse at all: for stepped time, where a day's work falls on one instant and live must equal the replay."""


@dataclass(frozen=True, slots=True)
class Tripped:
    """A fuse that tripped just now: `departed` had left in the hour, `allowed` may, and more wanted to."""

    channel: str
    cause: str
    departed: int
    allowed: int


@dataclass(frozen=True, slots=True)
class FuseLine:
    """How a channel stands in this hour; `norm` and `cap` are None where they do not hold."""

    channel: str
    departed: int
    norm: int | None
    cap: int | None
    tripped: Stop | None


_COUNTS = text("""
    SELECT channel, count FROM departures WHERE hour = :hour AND channel = ANY(CAST(:channels AS text[]))
    ORDER BY channel FOR UPDATE
""")
_OPEN = text("""
    INSERT INTO departures (channel, hour)
    SELECT channel, :hour FROM unnest(CAST(:channels AS text[])) AS v (channel) ORDER BY channel
    ON CONFLICT DO NOTHING
""")
_ADD = text("""
    UPDATE departures SET count = greatest(0, count + v.n)
    FROM unnest(CAST(:channels AS text[]), CAST(:hours AS timestamptz[]), CAST(:ns AS bigint[])) AS v (channel, hour, n)
    WHERE departures.channel = v.channel AND departures.hour = v.hour
""")
_NORM = text("""
    SELECT channel,
        max(count) FILTER (WHERE extract(hour FROM hour AT TIME ZONE 'UTC') = ANY(CAST(:hours AS int[]))),
        count(DISTINCT (hour AT TIME ZONE 'UTC')::date)
    FROM departures
    WHERE channel = ANY(CAST(:channels AS text[])) AND hour >= :since AND hour < :until AND count > 0
    GROUP BY channel
""")
_RELEASED = text("""
    SELECT channel,
        coalesce(bool_or(cause = 'cap' AND resumed_at >= :hour), false),
        coalesce(bool_or(norm_off_until > :now), false)
    FROM stops
    WHERE kind = 'fuse' AND channel = ANY(CAST(:channels AS text[])) AND resumed_at IS NOT NULL
        AND (resumed_at >= :hour OR norm_off_until > :now)
    GROUP BY channel
""")
_TRIP = text("""
    INSERT INTO stops (stop_id, kind, channel, region, template, provider, reason, by, at, cause, departed, allowed)
    VALUES (:id, 'fuse', :channel, '', '', '', :reason, 'fuse', :at, :cause, :departed, :allowed)
    ON CONFLICT DO NOTHING
""")
_RELEASE = text("""
    UPDATE stops SET resumed_at = :at, resumed_by = :by, resume_reason = :reason, norm_off_until = :until
    WHERE kind = 'fuse' AND channel = :channel AND resumed_at IS NULL
""")


def hour_of(now: datetime) -> datetime:
    """Answer the full hour (UTC) in which *now* lies."""
    return now.replace(minute=0, second=0, microsecond=0)


class Allowance:
    """
    What may still leave in this hour, by channel; counted and cut in the transaction of a claim.

    The rows of `departures` are locked from begin() to the end of the transaction, so several workers
    never take more together than is allowed.
    """

    def __init__(self, limits: Limits, now: datetime) -> None:
        self._limits = limits
        self._now = now
        self._departed: dict[str, int] = {}
        self._allowed: dict[str, tuple[int, str]] = {}
        self._quiet: set[str] = set()
        self._taken: Counter[str] = Counter()
        self._refused: set[str] = set()

    async def begin(self, tx: AsyncConnection, channels: Collection[str]) -> None:
        """Lock this hour's counts of *channels*, and find what is allowed. Before the effects are locked."""
        chosen = sorted(set(channels))
        if not chosen:
            return
        values = {"channels": chosen, "hour": hour_of(self._now)}
        await tx.execute(_OPEN, values)
        self._departed = {row[0]: row[1] for row in await tx.execute(_COUNTS, values)}
        released = await tx.execute(_RELEASED, {**values, "now": self._now})
        norm_off: set[str] = set()
        for channel, is_quiet, is_off in released:
            self._quiet |= {channel} if is_quiet else set()
            norm_off |= {channel} if is_off else set()
        norms = await norms_of(tx, self._limits, chosen, self._now)
        for channel in chosen:
            limits = [(self._limits.cap(channel), "cap")]
            if channel not in norm_off:
                limits.append((norms.get(channel), "norm"))
            if known := [(limit, cause) for limit, cause in limits if limit is not None]:
                self._allowed[channel] = min(known)

    def take(self, channel: str) -> bool:
        """Take one effect's place in the hour; False when there is none left."""
        if channel in self._allowed:
            limit, _ = self._allowed[channel]
            if self._departed.get(channel, 0) + self._taken[channel] >= limit:
                self._refused.add(channel)
                return False
        self._taken[channel] += 1
        return True

    async def end(self, tx: AsyncConnection) -> list[Tripped]:
        """Write down what was taken, and trip the fuses of which more was wanted; answers those."""
        hour = hour_of(self._now)
        await add(tx, [(channel, hour, n) for channel, n in self._taken.items()])
        tripped = []
        # once a person has released a used-up cap, it is used up for the rest of its hour without another alarm
        for channel in sorted(self._refused):
            limit, cause = self._allowed[channel]
            if cause == "cap" and channel in self._quiet:
                continue
            departed = self._departed.get(channel, 0) + self._taken[channel]
            found = await tx.execute(
                _TRIP,
                {
                    "id": derive("fuse", channel, cause, self._now.isoformat()),
                    "channel": channel,
                    "reason": f"{departed} in the hour from {hour:%H:%M} UTC, {limit} allowed by the {cause}",
                    "at": self._now,
                    "cause": cause,
                    "departed": departed,
                    "allowed": limit,
                },
            )
            if found.rowcount:
                tripped.append(Tripped(channel, cause, departed, limit))
        return tripped


async def add(tx: AsyncConnection, changes: Iterable[tuple[str, datetime, int]]) -> None:
    """Change the counts of (channel, hour) by so many; rows that nobody counts stay uncounted."""
    rows = sorted(change for change in changes if change[2])
    if rows:
        channels, hours, ns = zip(*rows, strict=True)
        await tx.execute(_ADD, {"channels": channels, "hours": hours, "ns": ns})


async def put_back(tx: AsyncConnection, claims: Iterable[tuple[str, datetime]]) -> None:
    """Take claims (channel, claimed_at) off the counts: they surely did not leave. Last in its transaction."""
    counts = Counter((channel, hour_of(at)) for channel, at in claims)
    await add(tx, [(channel, hour, -n) for (channel, hour), n in counts.items()])


async def norms_of(
    connection: AsyncConnection, limits: Limits, channels: Collection[str], now: datetime
) -> dict[str, int]:
    """Answer the norm's limit in this hour of each channel that has one."""
    if not limits.factor:
        return {}
    hour = hour_of(now)
    near = [(hour + n * HOUR).hour for n in range(-NEIGHBOURS, NEIGHBOURS + 1)]
    found = await connection.execute(
        _NORM,
        {
            "channels": sorted(channels),
            "hours": near,
            "since": hour - timedelta(days=NORM_DAYS),
            "until": hour - HALF_A_DAY,
        },
    )
    return {
        channel: max(limits.floor, int(limits.factor * (busiest or 0)))
        for channel, busiest, days in found
        if days >= LEAST_DAYS
    }


async def overview(connection: AsyncConnection, limits: Limits, now: datetime) -> list[FuseLine]:
    """Answer how each channel stands in this hour."""
    hour = hour_of(now)
    rows = await connection.execute(
        text("SELECT channel, count FROM departures WHERE hour = :hour"), {"hour": hour}
    )
    departed = {row[0]: row[1] for row in rows}
    tripped = {s.filter.channel: s for s in await in_force(connection) if s.kind == "fuse"}
    channels = [*CHANNELS, *sorted((departed.keys() | tripped.keys()) - set(CHANNELS))]
    norms = await norms_of(connection, limits, channels, now)
    return [
        FuseLine(c, departed.get(c, 0), norms.get(c), limits.cap(c), tripped.get(c))
        for c in channels
    ]


async def release(
    tx: AsyncConnection, channel: str, *, reason: str, by: str, at: datetime, hours: int = 1
) -> Stop | None:
    """
    Release a tripped fuse; answers it, or None where none has tripped.

    The norm does not hold in this hour and until *hours* full hours are over, this one included; the
    cap does: a used-up hour lets nothing more out before the next.
    """
    await take(tx)
    chosen = next(
        (s for s in await in_force(tx) if s.kind == "fuse" and s.filter.channel == channel), None
    )
    if chosen is not None:
        until = hour_of(at) + hours * HOUR
        await tx.execute(
            _RELEASE, {"channel": channel, "reason": reason, "by": by, "at": at, "until": until}
        )
        await record_act(
            tx,
            subject=SERVICE,
            actor=by,
            act="release_fuse",
            reason=reason,
            detail={"stop_id": chosen.stop_id, "channel": channel, "hours": hours},
            at=at,
        )
    return chosen
