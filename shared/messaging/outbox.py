"""The outbox: what is to be published, saved with the decision; the relay sends it in order and deletes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.canonical import canonical
from shared.events.common import PROGRESS, Progress
from shared.messaging.cloudevents import headers_of, rfc3339
from shared.messaging.columns import joined, split


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """
    One row, in the meaning of Debezium's outbox router: `aggregatetype` is the topic, `aggregateid` the key.

    Control records have a `partition`, no key and no event_id. `id` is 0 until the row is saved.
    """

    event_id: str
    aggregatetype: str
    aggregateid: str
    type: str
    payload: str
    time: datetime
    partition: int | None = None
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""
    id: int = 0


def progress_row(topic: str, partition: int, offset: int, now: datetime) -> OutboxRow:
    """Make the control record that says how far core banking's partition is settled."""
    return OutboxRow(
        event_id="",
        aggregatetype=topic,
        aggregateid="",
        type=PROGRESS,
        payload=canonical(Progress(offset=offset)).decode(),
        time=now,
        partition=partition,
    )


_APPEND = text(f"""
    INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, time, partition,
        causationid, correlationid, traceparent)
    SELECT event_id, CAST(:topic AS text), aggregateid, type, payload, time, partition, causationid, correlationid, traceparent
    FROM unnest({split("ids")}, {split("keys")}, {split("types")}, {split("payloads")},
        CAST(:times AS timestamptz[]), CAST(:partitions AS int[]), {split("causations")},
        {split("correlations")}, {split("traces")}) WITH ORDINALITY
        AS v (event_id, aggregateid, type, payload, time, partition, causationid, correlationid, traceparent, place)
    WHERE time IS NOT NULL ORDER BY place
""")  # noqa: S608  constants
_READ = text("""
    SELECT event_id, aggregatetype, aggregateid, type, payload, time, partition,
        causationid, correlationid, traceparent, id
    FROM outbox WHERE aggregateid <> ALL (CAST(:skip AS text[])) ORDER BY id LIMIT :limit
""")
_DELETE = text("DELETE FROM outbox WHERE id = ANY(CAST(:ids AS bigint[]))")


async def append(tx: AsyncConnection, service: str, rows: Sequence[OutboxRow]) -> None:
    """Append rows in their order. Writers of one case hold its lock, so ids follow the order of its decisions."""
    if not rows:
        return
    await tx.execute(
        _APPEND,
        {
            "topic": service,
            "ids": joined(row.event_id for row in rows),
            "keys": joined(row.aggregateid for row in rows),
            "types": joined(row.type for row in rows),
            "payloads": joined(row.payload for row in rows),
            "times": [row.time for row in rows],
            "partitions": [row.partition for row in rows],
            "causations": joined(row.causationid for row in rows),
            "correlations": joined(row.correlationid for row in rows),
            "traces": joined(row.traceparent for row in rows),
        },
    )


async def read(
    connection: AsyncConnection, limit: int, *, skip: Sequence[str] = ()
) -> list[OutboxRow]:
    """Answer the oldest rows but those of the keys to *skip*, in order. One relay per service reads; nothing is locked."""
    rows = await connection.execute(_READ, {"limit": limit, "skip": list(skip)})
    return [OutboxRow(*row) for row in rows]


async def delete(tx: AsyncConnection, ids: Sequence[int]) -> None:
    """Delete rows that the broker has acknowledged."""
    await tx.execute(_DELETE, {"ids": list(ids)})


async def waiting(connection: AsyncConnection) -> tuple[int, float]:
    """Answer how many rows wait, and for how long the oldest has (seconds; 0 where none waits)."""
    row = (
        await connection.execute(
            text("""
                SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)::float8
                FROM outbox
            """)
        )
    ).one()
    return row[0], row[1]


def to_kafka(row: OutboxRow) -> tuple[bytes | None, bytes, list[tuple[str, bytes]]]:
    """Answer key, value and headers of the row's record; a control record has no key."""
    if row.type == PROGRESS:
        return None, row.payload.encode(), headers_of(row.type, {})
    headers = headers_of(
        row.type,
        {
            "id": row.event_id,
            "source": f"/services/{row.aggregatetype}",
            "subject": row.aggregateid,
            "time": rfc3339(row.time),
            "causationid": row.causationid,
            "correlationid": row.correlationid,
            "traceparent": row.traceparent,
        },
    )
    return row.aggregateid.encode(), row.payload.encode(), headers
