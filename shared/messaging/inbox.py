"""The inbox: deduplication, replay file and audit trail in one table, partitioned by month.

A row is written once, when its event was decided, and never changed; each holds the hash of the case's row before.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import link, micros
from shared.messaging.columns import joined, split
from shared.messaging.records import Arrival

T = TypeVar("T")
MONTHS_BACK = 60
MONTHS_AHEAD = 3
LABEL = b"arrears inbox 1\n"
_UNIQUE_VIOLATION = "23505"

_INSERT = text(f"""
    INSERT INTO inbox (month, event_key, customer_id, case_seq, source, id, type, dataschema, time, received_at, now,
        payload, payload_digest, topic, partition, kafka_offset, policy_digest, code_version,
        causationid, correlationid, traceparent, link)
    SELECT date_trunc('month', v.time AT TIME ZONE 'UTC'), v.event_key, v.customer_id, v.case_seq, v.source, v.id, v.type,
        v.dataschema, v.time, :received_at, v.now, CAST(v.payload AS json), v.payload_digest, v.topic, v.partition,
        v.kafka_offset, :policy, :code, v.causationid, v.correlationid, v.traceparent, v.link
    FROM unnest(CAST(:keys AS uuid[]), {split("customers")}, CAST(:seqs AS bigint[]), {split("sources")}, {split("ids")},
        {split("types")}, {split("schemas")}, CAST(:times AS timestamptz[]), CAST(:nows AS timestamptz[]),
        {split("payloads")}, CAST(:digests AS bytea[]), {split("topics")}, CAST(:partitions AS int[]),
        CAST(:offsets AS bigint[]), {split("causations")}, {split("correlations")}, {split("traces")},
        CAST(:links AS bytea[]))
        AS v (event_key, customer_id, case_seq, source, id, type, dataschema, time, now, payload,
        payload_digest, topic, partition, kafka_offset, causationid, correlationid, traceparent, link)
    WHERE v.event_key IS NOT NULL
""")  # noqa: S608  constants

_KNOWN = text("""
    SELECT event_key, payload_digest FROM inbox
    WHERE month = CAST(:month AS date) AND event_key = ANY(CAST(:keys AS uuid[]))
""")
_MAKE = text("SELECT make_inbox_months(CAST(:months AS date[]))")


class KeyTaken(RuntimeError):
    """Another transaction wrote a row under the same key just now: the same call again will find it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all rows of one transaction have in common: when they were received, by which policy and code."""

    received_at: datetime
    policy: str
    code: str

    def link_after(self, previous: bytes, row: Arrival) -> bytes:
        """Answer the link of *row* behind *previous*: the hash of every column as it is stored."""
        event = row.event
        assert row.now is not None
        columns = (
            row.event_key,
            row.customer_id,
            row.case_seq,
            event.source,
            event.id,
            event.type,
            event.dataschema,
            micros(event.time),
            micros(self.received_at),
            micros(row.now),
            row.payload_digest,
            row.topic,
            row.partition,
            row.offset,
            self.policy,
            self.code,
            event.causationid,
            event.correlationid,
            event.traceparent,
        )
        return link(LABEL, previous, columns, row.payload)


def link_of_row(previous: bytes, row: Any) -> bytes:
    """Answer the link that a row read from the inbox, its payload as text, must have behind *previous*."""
    columns = (
        row.event_key,
        row.customer_id,
        row.case_seq,
        row.source,
        row.id,
        row.type,
        row.dataschema,
        micros(row.time),
        micros(row.received_at),
        micros(row.now),
        row.payload_digest,
        row.topic,
        row.partition,
        row.kafka_offset,
        row.policy_digest,
        row.code_version,
        row.causationid,
        row.correlationid,
        row.traceparent,
    )
    return link(LABEL, previous, columns, row.payload.encode())


def month_of(instant: datetime) -> date:
    """Answer the first day of the instant's month, in UTC: where its row lies."""
    return date(instant.year, instant.month, 1)


def add_months(month: date, count: int) -> date:
    """Answer the month that lies *count* months later (earlier where negative)."""
    years, rest = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, rest + 1, 1)


async def insert(tx: AsyncConnection, arrivals: Iterable[Arrival], stamp: Stamp) -> None:
    """
    Write the rows; the arrivals have their case_seq, now and link, and no two the same key. Raises KeyTaken.

    Rows go in sorted by key: unsorted, overlapping batches deadlock.
    """
    rows = sorted(arrivals, key=lambda a: a.event_key.int)
    if not rows:
        return
    events = [row.event for row in rows]
    values = {
        "received_at": stamp.received_at,
        "policy": stamp.policy,
        "code": stamp.code,
        "keys": [row.event_key for row in rows],
        "customers": joined(row.customer_id for row in rows),
        "seqs": [row.case_seq for row in rows],
        "sources": joined(event.source for event in events),
        "ids": joined(event.id for event in events),
        "types": joined(event.type for event in events),
        "schemas": joined(event.dataschema for event in events),
        "times": [event.time for event in events],
        "nows": [row.now for row in rows],
        "payloads": joined(row.payload.decode() for row in rows),
        "digests": [row.payload_digest for row in rows],
        "topics": joined(row.topic for row in rows),
        "partitions": [row.partition for row in rows],
        "offsets": [row.offset for row in rows],
        "causations": joined(event.causationid for event in events),
        "correlations": joined(event.correlationid for event in events),
        "traces": joined(event.traceparent for event in events),
        "links": [row.link for row in rows],
    }
    try:
        await tx.execute(_INSERT, values)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") == _UNIQUE_VIOLATION:
            raise KeyTaken("a row of the inbox has this key already") from error
        raise


async def digests_of(
    tx: AsyncConnection, arrivals: Iterable[Arrival], *, months_around: int = 0
) -> dict[UUID, bytes]:
    """
    Answer the payload digests of those keys that are in the inbox, looking in the month of each event's time
    and so many months before and after it.
    """
    wanted: dict[date, list[UUID]] = defaultdict(list)
    for arrival in arrivals:
        month = month_of(arrival.event.time)
        for shift in range(-months_around, months_around + 1):
            wanted[add_months(month, shift)].append(arrival.event_key)
    found: dict[UUID, bytes] = {}
    for month in sorted(wanted):
        rows = await tx.execute(_KNOWN, {"month": month, "keys": sorted(wanted[month])})
        found |= {row[0]: row[1] for row in rows}
    return found


async def again_if_taken(attempt: Callable[[], Awaitable[T]]) -> T:
    """Make the attempt, and once more where its key was taken meanwhile: then the look-up finds that row."""
    try:
        return await attempt()
    except KeyTaken:
        return await attempt()


async def ensure_partitions(tx: AsyncConnection, now: datetime) -> None:
    """Make the partitions from 60 months back to three ahead of *now* that are missing; again is harmless."""
    months = [add_months(month_of(now), n) for n in range(-MONTHS_BACK, MONTHS_AHEAD + 1)]
    if missing := await missing_partitions(tx, months):
        await tx.execute(_MAKE, {"months": missing})


async def missing_partitions(tx: AsyncConnection, months: Sequence[date]) -> list[date]:
    """Answer those *months* that have no partition yet."""
    there = set(
        await tx.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'inbox'::regclass"
            )
        )
    )
    return [month for month in months if f"inbox_{month:%Y_%m}" not in there]
