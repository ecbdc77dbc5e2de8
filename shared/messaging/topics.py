"""The topics: which there are, which a service reads, and that all have the same number of partitions."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from shared.decision import Reactor
from shared.events.registry import CORE_BANKING, EVENT_TYPES, SERVICES, TOPICS
from shared.messaging.broker import Reach
from shared.messaging.kafka import REQUEST_SECONDS, close_client, new_admin, open_client

log = structlog.get_logger(__name__)

ALREADY_EXISTS = 36
UNKNOWN_TOPIC = 3
APPEAR_SECONDS = 15.0
CONFIG = {"message.timestamp.type": "LogAppendTime"}
"""When a record came is the broker's word, not the publisher's: judged by it, no contact follows a payment."""


class PartitionsDiffer(RuntimeError):
    """A topic has another number of partitions than configured, and the number is fixed for life."""


def topics_of(reactor: Reactor[Any], *, keeps_vault: bool) -> tuple[str, ...]:
    """
    Answer the topics that a service reads: where its events stand, what the others say of parked
    customers and of the scheduler's progress, and core banking's where it keeps the vault.
    """
    topics = {topic for name in reactor.reacts_to for topic in EVENT_TYPES[name].topics}
    topics |= {*SERVICES} | ({CORE_BANKING} if keeps_vault else set())
    return tuple(sorted(topics - {reactor.name}))


async def ensure_topics(
    bootstrap: Reach,
    partitions: int,
    *,
    topics: Iterable[str] = TOPICS,
    replication: int | None = None,
) -> None:
    """
    Create the topics that are missing; *replication* None is three, or the number of brokers where there are fewer.

    Raises PartitionsDiffer when an existing one has another number of partitions, because then a
    customer's records would not lie side by side, and KafkaError when the broker refuses.
    """
    wanted = list(topics)
    admin = new_admin(bootstrap)
    await open_client(admin)
    try:
        async with asyncio.timeout(APPEAR_SECONDS + 2 * REQUEST_SECONDS):
            counts = await _partition_counts(admin, wanted)
            missing = [topic for topic in wanted if topic not in counts]
            if missing:
                brokers = len((await admin.describe_cluster())["brokers"])
                await _create(admin, missing, partitions, replication or min(3, brokers))
                counts |= await _appeared(admin, missing)
    finally:
        await close_client(admin)
    wrong = {topic: count for topic, count in counts.items() if count != partitions}
    if wrong:
        found = ", ".join(f"{topic} has {count}" for topic, count in sorted(wrong.items()))
        raise PartitionsDiffer(
            f"every topic must have {partitions} partitions, and {found}: the number is fixed for life; "
            "set ARREARS_PARTITIONS to it, or use new topics"
        )


async def _partition_counts(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    return {
        found["topic"]: len(found["partitions"])
        for found in await admin.describe_topics(topics)
        if found["error_code"] == 0
    }


async def _create(
    admin: AIOKafkaAdminClient, topics: list[str], partitions: int, replication: int
) -> None:
    new = [NewTopic(name, partitions, replication, topic_configs=CONFIG) for name in topics]
    answer = await admin.create_topics(new)
    for name, code, *message in answer.topic_errors:
        if code not in (0, ALREADY_EXISTS):
            raise KafkaError(f"topic {name}: {for_code(code).__name__} {message}")
    log.info("topics_created", topics=topics, partitions=partitions)


async def _appeared(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    """Wait until every broker's metadata shows the topics."""
    while True:
        counts = await _partition_counts(admin, topics)
        if len(counts) == len(topics):
            return counts
        await asyncio.sleep(0.05)
