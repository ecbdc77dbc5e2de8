"""What a fault run asks of the broker itself: what stands in the topics, how far the groups are, who is dead."""

import base64
import json
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from shared.events.registry import TOPICS
from shared.messaging.kafka import close_client, new_producer, open_client
from shared.settings import DEFAULT_PARTITIONS


async def dump(bootstrap: str, path: Path) -> int:
    """Write every record of every topic as a line, bytes in base64, in the order of each partition."""
    places = [TopicPartition(t, p) for t in TOPICS for p in range(DEFAULT_PARTITIONS)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await open_client(consumer)
    count = 0
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        with path.open("w", encoding="ascii") as file:
            while any([await consumer.position(place) < ends[place] for place in places]):
                fetched = await consumer.getmany(timeout_ms=500, max_records=5000)
                for record in (record for batch in fetched.values() for record in batch):
                    line = {
                        "topic": record.topic,
                        "partition": record.partition,
                        "offset": record.offset,
                        "timestamp": record.timestamp,
                        "timestamp_type": record.timestamp_type,
                        "key": _text(record.key),
                        "headers": {name: _text(value) for name, value in record.headers},
                        "value": _text(record.value),
                    }
                    file.write(json.dumps(line) + "\n")
                    count += 1
    finally:
        await close_client(consumer)
    return count


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


async def lag(bootstrap: str, topics_of: dict[str, tuple[str, ...]]) -> int:
    """Count the records that the groups have not committed yet; topics_of: what each group reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await open_client(admin)
    try:
        await open_client(consumer)
        places = [TopicPartition(t, p) for t in TOPICS for p in range(DEFAULT_PARTITIONS)]
        ends = await consumer.end_offsets(places)
        behind = 0
        for group, topics in topics_of.items():
            committed = await admin.list_consumer_group_offsets(group)
            for place in (place for place in places if place.topic in topics):
                found = committed.get(place)
                behind += ends[place] - (max(0, found.offset) if found else 0)
        return behind
    finally:
        await close_client(consumer)
        await close_client(admin)


async def forget_members(bootstrap: str, group: str) -> int:
    """
    Tell the broker that all members of *group* are gone; answer how many there were.

    For processes that were killed: the broker finds out by itself when their session ends, 15 s later.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await open_client(admin)
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        coordinator = await admin.find_coordinator(group)
        members = [member[0] for found in answer.groups for member in found[5]]
        for member in members:
            await admin._send_request(LeaveGroupRequest(group, member), coordinator)  # noqa: SLF001
        return len(members)
    finally:
        await close_client(admin)


async def send_raw(
    bootstrap: str, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    """Send one record, whatever it is."""
    producer = new_producer(bootstrap, client_id="poison")
    await open_client(producer)
    try:
        await producer.send_and_wait(topic, value, key=key, headers=headers)
    finally:
        await close_client(producer)
