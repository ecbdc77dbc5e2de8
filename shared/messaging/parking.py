"""The queue behind a parked customer: later events wait here, durably and in order, until somebody releases them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.canonical import canonical
from shared.events.envelope import Event
from shared.messaging.arriving import key_for
from shared.messaging.decode import from_stored
from shared.messaging.records import Arrival


@dataclass(frozen=True, slots=True)
class Released:
    """What a release came to: events `decided`, `left` in the queue, and why it stopped there ("" if it did not)."""

    customer_id: str
    decided: int
    left: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One place in the queue. Without an arrival it is a record that was never an event: see the quarantine."""

    seq: int
    quarantine_id: int | None
    arrival: Arrival | None


class _Envelope(msgspec.Struct):
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: msgspec.Raw
    dataschema: str = ""
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""


_ADD = text("""
    INSERT INTO parked (customer_id, event_key, quarantine_id, envelope, payload_digest, topic, partition,
        kafka_offset, received_at)
    VALUES (:customer, :event_key, :quarantine, CAST(:envelope AS json), :digest, :topic, :partition, :offset, :at)
    ON CONFLICT (customer_id, event_key) DO NOTHING
    RETURNING seq
""")
_READ = text("""
    SELECT seq, quarantine_id, envelope::text, payload_digest, topic, partition, kafka_offset FROM parked
    WHERE customer_id = :customer ORDER BY seq LIMIT :limit
""")
_KNOWN = text("""
    SELECT payload_digest FROM parked
    WHERE customer_id = :customer AND event_key = :event_key AND payload_digest IS NOT NULL
""")
_COUNT = text("SELECT count(*) FROM parked WHERE customer_id = :customer")


async def add(
    tx: AsyncConnection, arrival: Arrival, at: datetime, quarantine_id: int | None = None
) -> bool:
    """Queue an event; False when it is in the queue already."""
    found = await tx.execute(
        _ADD,
        {
            "customer": arrival.customer_id,
            "event_key": str(arrival.event_key),
            "quarantine": quarantine_id,
            "envelope": canonical(arrival.event).decode(),
            "digest": arrival.payload_digest,
            "topic": arrival.topic,
            "partition": arrival.partition,
            "offset": arrival.offset,
            "at": at,
        },
    )
    return found.scalar_one_or_none() is not None


async def add_broken(
    tx: AsyncConnection, customer_id: str, quarantine_id: int, at: datetime
) -> None:
    """Hold the place of a record that could not be decoded."""
    await tx.execute(
        _ADD,
        {
            "customer": customer_id,
            "event_key": f"quarantine/{quarantine_id}",
            "quarantine": quarantine_id,
            "envelope": None,
            "digest": None,
            "topic": "",
            "partition": -1,
            "offset": -1,
            "at": at,
        },
    )


async def digest_of(tx: AsyncConnection, customer_id: str, event_key: UUID) -> bytes | None:
    """Answer the payload digest of an event that waits in the queue."""
    found = await tx.scalar(_KNOWN, {"customer": customer_id, "event_key": str(event_key)})
    return None if found is None else bytes(found)


async def mark(tx: AsyncConnection, customer_id: str, seq: int, quarantine_id: int) -> None:
    """Note under which number a place of the queue stands in quarantine."""
    await tx.execute(
        text("UPDATE parked SET quarantine_id = :id WHERE customer_id = :customer AND seq = :seq"),
        {"customer": customer_id, "seq": seq, "id": quarantine_id},
    )


async def waiting(tx: AsyncConnection, customer_id: str, limit: int) -> list[Waiting]:
    """Answer the head of the customer's queue, in order."""
    rows = await tx.execute(_READ, {"customer": customer_id, "limit": limit})
    return [Waiting(row[0], row[1], _arrival(customer_id, row)) for row in rows]


async def count(tx: AsyncConnection, customer_id: str) -> int:
    """Answer how long the customer's queue is."""
    return int(await tx.scalar(_COUNT, {"customer": customer_id}) or 0)


async def undecoded(tx: AsyncConnection, customer_id: str) -> list[int]:
    """Name the quarantined records in the customer's queue that were never an event."""
    found = await tx.scalars(
        text(
            "SELECT quarantine_id FROM parked WHERE customer_id = :customer AND envelope IS NULL ORDER BY seq"
        ),
        {"customer": customer_id},
    )
    return [id_ for id_ in found if id_ is not None]


async def holds(tx: AsyncConnection, customer_id: str, quarantine_id: int) -> bool:
    """Tell whether the entry has a place in the customer's queue: a tick that failed has none."""
    found = await tx.scalar(
        text("SELECT 1 FROM parked WHERE customer_id = :customer AND quarantine_id = :id LIMIT 1"),
        {"customer": customer_id, "id": quarantine_id},
    )
    return found is not None


async def remove(tx: AsyncConnection, customer_id: str, seqs: Sequence[int]) -> None:
    """Take what was decided off the queue."""
    await tx.execute(
        text(
            "DELETE FROM parked WHERE customer_id = :customer AND seq = ANY(CAST(:seqs AS bigint[]))"
        ),
        {"customer": customer_id, "seqs": list(seqs)},
    )


def event_of(stored: str) -> tuple[Event, bytes]:
    """Answer an event that was stored as canonical JSON, and its data as bytes."""
    envelope = msgspec.json.decode(stored, type=_Envelope)
    payload = bytes(envelope.data)
    attributes = {name: getattr(envelope, name) for name in envelope.__struct_fields__}
    return Event(**{**attributes, "data": from_stored(envelope.type, payload)}), payload


def _arrival(customer_id: str, row: Any) -> Arrival | None:
    if row[2] is None:
        return None
    event, payload = event_of(row[2])
    return Arrival(
        event=event,
        customer_id=customer_id,
        event_key=key_for(event),
        payload=payload,
        payload_digest=bytes(row[3]),
        topic=row[4],
        partition=row[5],
        offset=row[6],
    )
