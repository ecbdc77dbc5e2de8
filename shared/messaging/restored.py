"""
After the database was restored: what the scheduler published since the backup is void, because it decides it anew.

A restored scheduler does not remember these decisions, so it would not take one back when the customer pays: a step of the
first life would be taken after the payment. What the other services published stays: it tells what happened.
"""

import asyncio

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db import direct_engine
from shared.events.registry import SERVICES
from shared.messaging.broker import Broker
from shared.messaging.kafka import Offsets, close_client, new_admin, open_client, reader

LEADER = SERVICES[0]
LEAVE_SECONDS = 40.0
"""Longer than a session in the group: so long a member that was killed is still counted."""
Ranges = dict[int, range]


class DatabaseWentBack(RuntimeError):
    """Kafka holds decisions of ours that the database does not remember."""


class StillRunning(RuntimeError):
    """A service is still a member of its group."""


async def check(engine: AsyncEngine, broker: Broker, service: str, partitions: int) -> None:
    """
    Raise DatabaseWentBack when the scheduler's topic holds an event that its database does not know to be published.

    What a relay sent without hearing the answer is still in the outbox, and no sign of that. A partition to which it never
    published says nothing: a new database may stand beside old topics.
    """
    if service != LEADER:
        return
    ends = await _ends(broker, partitions)
    async with engine.connect() as connection:
        # in this order, because another process's relay may be at work: it notes what it wrote before the row goes
        waiting = set(await connection.scalars(text("SELECT event_id FROM outbox")))
        beyond = await _beyond(connection, ends, unknown_too=False)
    for record in await _records(broker, beyond):
        id_ = dict(record.headers).get("ce_id")
        if id_ is not None and id_.decode() not in waiting:
            raise DatabaseWentBack(
                f"{LEADER} published what its database does not remember (partition {record.partition}, offset "
                f"{record.offset}): after a restore, end all services and run `arrears after-restore`"
            )


async def void(url: str, broker: Broker, partitions: int) -> Ranges:
    """
    Declare void, for all services, what the scheduler published and its database does not remember; answers it by partition.

    *url* is the owner's. Raises StillRunning while a service is in its group; again is harmless.
    """
    async with asyncio.timeout(LEAVE_SECONDS + 10):
        await _alone(broker)
    ends = await _ends(broker, partitions)
    engine = direct_engine(url, "arrears-after-restore")
    try:
        async with engine.begin() as tx:
            await tx.execute(text(f'SET LOCAL search_path = "{LEADER}"'))
            ranges = await _beyond(tx, ends, unknown_too=True)
            for partition, beyond in ranges.items():
                place = {"topic": LEADER, "partition": partition}
                for service in SERVICES[1:]:
                    await tx.execute(
                        text(
                            f'INSERT INTO "{service}".voids VALUES (:topic, :partition, :start, :stop)'  # noqa: S608
                            " ON CONFLICT (topic, partition, from_) DO UPDATE SET to_ = excluded.to_"
                        ),
                        {**place, "start": beyond.start, "stop": beyond.stop},
                    )
                await tx.execute(
                    text(
                        "INSERT INTO positions VALUES (:topic, :partition, :stop)"
                        " ON CONFLICT (topic, partition) DO UPDATE SET offset_ = excluded.offset_"
                    ),
                    {**place, "stop": beyond.stop},
                )
    finally:
        await engine.dispose()
    return ranges


async def _beyond(
    connection: AsyncConnection, ends: dict[int, int], *, unknown_too: bool
) -> Ranges:
    """Answer, by partition, the offsets of the scheduler's topic that its database does not know to be published."""
    rows = await connection.execute(
        text("SELECT partition, offset_ FROM positions WHERE topic = :topic"), {"topic": LEADER}
    )
    known = {row[0]: row[1] for row in rows}
    beyond = {
        partition: range(known.get(partition, 0), end)
        for partition, end in ends.items()
        if unknown_too or partition in known
    }
    return {partition: offsets for partition, offsets in beyond.items() if offsets}


async def _ends(broker: Broker, partitions: int) -> dict[int, int]:
    offsets = Offsets(broker, client_id="restored")
    try:
        return await offsets.ends(LEADER, range(partitions))
    finally:
        await offsets.close()


async def _records(broker: Broker, ranges: Ranges) -> list[ConsumerRecord]:
    if not ranges:
        return []
    client = reader(broker, client_id="restored")
    await open_client(client)
    try:
        places = {TopicPartition(LEADER, partition): r for partition, r in ranges.items()}
        client.assign(list(places))
        begins = await client.beginning_offsets(list(places))
        for tp, offsets in places.items():
            client.seek(tp, max(offsets.start, begins[tp]))
        found: list[ConsumerRecord] = []
        while any([await client.position(tp) < r.stop for tp, r in places.items()]):
            for tp, batch in (await client.getmany(timeout_ms=500)).items():
                found += [record for record in batch if record.offset in places[tp]]
        return found
    finally:
        await close_client(client)


async def _alone(broker: Broker) -> None:
    """Wait until no service is in its group: one that was killed is counted until its session ends."""
    deadline = asyncio.get_running_loop().time() + LEAVE_SECONDS
    admin = new_admin(broker)
    await open_client(admin)
    try:
        while True:
            members = [service for service in SERVICES if await _has_members(admin, service)]
            if not members:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise StillRunning(f"{', '.join(members)} still runs: end all services first")
            await asyncio.sleep(0.5)
    finally:
        await close_client(admin)


async def _has_members(admin: AIOKafkaAdminClient, group: str) -> bool:
    """Asked one by one: to aiokafka's question about several groups the broker hangs up."""
    try:
        (answer,) = await admin.describe_consumer_groups([group])
    except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
        return True  # a new broker makes its groups' topic when first asked: ask again
    return any(found[5] for found in answer.groups)
