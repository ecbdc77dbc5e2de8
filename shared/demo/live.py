"""Read back what a live run left: every published event from Kafka, every state from PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import TopicPartition
from sqlalchemy import text

from shared.db import engine_for
from shared.decision import CaseState
from shared.events.envelope import Event
from shared.events.registry import EVENT_TYPES, SERVICES
from shared.messaging.broker import Reach
from shared.messaging.decode import Broken, Decoded, Decoder
from shared.messaging.kafka import close_client, open_client, reader
from shared.messaging.records import Record
from shared.services import reactor

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)
RUNTIMES_OWN = frozenset({"case.parked", "case.released"})
"""What the shells publish themselves: no decision, so no replay says it."""


class Unreadable(RuntimeError):
    """A service published a record that the contract does not allow: a defect."""


async def published(bootstrap: Reach, partitions: int) -> list[tuple[str, Event]]:
    """Answer every (service, event) on the services' topics, in order per partition."""
    decoder = Decoder(frozenset(EVENT_TYPES) - RUNTIMES_OWN, partitions=partitions)
    events: list[tuple[str, Event]] = []
    for service in SERVICES:
        for record in await _read(bootstrap, service, partitions):
            found = decoder.decode(record, oldest=LONG_AGO, latest=FAR_AHEAD)
            if isinstance(found, Broken):
                raise Unreadable(f"{service} published what cannot be read: {found.error}")
            if isinstance(found, Decoded):
                events.append((service, found.event))
    return events


async def _read(bootstrap: Reach, topic: str, partitions: int) -> list[Record]:
    consumer = reader(bootstrap)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    await open_client(consumer)
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records: list[Record] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            fetched = await consumer.getmany(timeout_ms=500, max_records=5000)
            records += [
                Record(
                    topic=found.topic,
                    partition=found.partition,
                    offset=found.offset,
                    key=found.key,
                    value=found.value,
                    headers=tuple(found.headers),
                    timestamp=found.timestamp,
                )
                for batch in fetched.values()
                for found in batch
            ]
        return records
    finally:
        await close_client(consumer)


async def states(
    database_url: str, services: Sequence[str] = SERVICES
) -> dict[tuple[str, str], CaseState]:
    """Answer every state by (service, customer), decoded as the service itself would."""
    from shared.messaging.cases import upcast  # noqa: PLC0415

    found: dict[tuple[str, str], CaseState] = {}
    for service in services:
        engine = engine_for(database_url, service, pool_size=1, name="demo")
        try:
            async with engine.connect() as connection:
                rows = await connection.execute(
                    text(
                        "SELECT customer_id, CAST(state AS text) AS state, state_version FROM cases"
                    )
                )
                for row in rows:
                    state = upcast(reactor(service), row.state, row.state_version)
                    found[service, row.customer_id] = state
        finally:
            await engine.dispose()
    return found
