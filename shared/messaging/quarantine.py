"""The quarantine: records that cannot be decided, encrypted, with the reason beside them."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.registry import EVENT_TYPES
from shared.messaging.decode import Broken
from shared.messaging.folding import Failure
from shared.messaging.records import Arrival, Record
from shared.vault import Keys, open_for, seal_for
from shared.vault.places import quarantine_place

_PUT = """
    INSERT INTO quarantine (topic, partition, kafka_offset, customer_id, event_key, type, reason, error, code_version, sealed, at)
    VALUES (:topic, :partition, :offset, :customer, :event_key, :type, :reason, :error, :code, :sealed, :at)
    ON CONFLICT (topic, partition, kafka_offset, customer_id, event_key)
"""
_PUT_ONCE = text(_PUT + " DO NOTHING RETURNING id")
_PUT_AGAIN = text(_PUT + " DO UPDATE SET status = 'waiting', error = excluded.error RETURNING id")
_STATUS = text("""
    UPDATE quarantine SET status = :status WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_ERROR = text("UPDATE quarantine SET error = :error WHERE id = :id")


async def put_broken(
    tx: AsyncConnection, broken: Broken, keys: Keys, code: str, at: datetime
) -> int | None:
    """Quarantine a record that is no event; None when it was quarantined before, whatever became of it since."""
    record = broken.record
    values = await _values(tx, record, broken.customer_id, "", keys, code, at)
    # a header of a broken record may hold anything, so only a name that is known is kept in clear
    kind = dict(record.headers).get("ce_type", b"").decode(errors="replace")
    found = await tx.execute(
        _PUT_ONCE,
        {
            **values,
            "type": kind if kind in EVENT_TYPES else "",
            "reason": broken.reason,
            "error": broken.error,
        },
    )
    return found.scalar_one_or_none()


async def put_failed(
    tx: AsyncConnection,
    failure: Failure,
    keys: Keys,
    code: str,
    at: datetime,
    *,
    once: bool = False,
) -> int | None:
    """Quarantine an event or a tick that cannot be decided; `once`: None when it was quarantined before."""
    arrival = failure.arrival
    values = await _values(
        tx, record_of(arrival), arrival.customer_id, str(arrival.event_key), keys, code, at
    )
    found = await tx.execute(
        _PUT_ONCE if once else _PUT_AGAIN,
        {**values, "type": arrival.event.type, "reason": failure.reason, "error": failure.error},
    )
    return found.scalar_one_or_none()


def record_of(arrival: Arrival) -> Record:
    """Answer the record that an arrival came in, or one that stands for what came otherwise."""
    if arrival.record is not None:
        return arrival.record
    return Record(
        arrival.topic,
        arrival.partition,
        arrival.offset,
        arrival.customer_id.encode(),
        arrival.payload,
    )


async def _values(
    tx: AsyncConnection,
    record: Record,
    customer_id: str,
    event_key: str,
    keys: Keys,
    code: str,
    at: datetime,
) -> dict[str, Any]:
    identity = (record.topic, record.partition, record.offset, customer_id, event_key)
    place = quarantine_place(identity)
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "customer": customer_id,
        "event_key": event_key,
        "code": code,
        "sealed": await seal_for(tx, keys, customer_id, place, msgspec.msgpack.encode(record)),
        "at": at,
    }


async def content(connection: AsyncConnection, keys: Keys, quarantine_id: int) -> Record | None:
    """Decrypt a quarantined record; raises SealBroken, and Forgotten where its customer was forgotten."""
    row = (
        await connection.execute(
            text("""
                SELECT topic, partition, kafka_offset, customer_id, event_key, sealed
                FROM quarantine WHERE id = :id
            """),
            {"id": quarantine_id},
        )
    ).one_or_none()
    if row is None:
        return None
    place = quarantine_place(row[:5])
    plain = await open_for(connection, keys, row.customer_id, place, row.sealed)
    return msgspec.msgpack.decode(plain, type=Record)


async def set_status(tx: AsyncConnection, ids: list[int], status: str) -> None:
    """Say what became of quarantined records."""
    if ids:
        await tx.execute(_STATUS, {"ids": ids, "status": status})


async def set_error(tx: AsyncConnection, quarantine_id: int, error: str) -> None:
    """Note why a record still cannot be decided."""
    await tx.execute(_ERROR, {"id": quarantine_id, "error": error})


async def waiting_of(tx: AsyncConnection, customer_id: str) -> list[int]:
    """Name the customer's quarantined records that nobody has dealt with."""
    found = await tx.scalars(
        text(
            "SELECT id FROM quarantine WHERE customer_id = :id AND status = 'waiting' ORDER BY id"
        ),
        {"id": customer_id},
    )
    return list(found)
