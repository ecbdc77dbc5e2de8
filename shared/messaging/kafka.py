"""Kafka's clients as we use them: every wait bounded, nothing reset silently."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IllegalStateError,
    KafkaError,
    NotCoordinatorForGroupError,
)

from shared.messaging.broker import Reach, broker_of, made, refusal_of

log = structlog.get_logger(__name__)

REQUEST_SECONDS = 10.0
"""The longest wait for one answer of a broker."""
COORDINATOR_SECONDS = 30.0
"""How long a group may be without a coordinator while its offsets are asked for."""
REBALANCE_SECONDS = 30
"""How long a rebalance waits for a member that still has a batch in hand."""
MAX_BATCH_BYTES = 512 * 1024
"""The largest batch of records that the relay sends to one partition."""
FAILURES = (KafkaError, OSError, TimeoutError)
"""What a client raises when the broker or the way to it fails."""


def group_consumer(bootstrap: Reach, group: str, *, client_id: str) -> AIOKafkaConsumer:
    """
    Make a consumer that is a member of *group*; it reads bytes and commits nothing by itself.

    Membership is dynamic, because with a static one aiokafka never leaves the group. An offset that
    is missing or out of range is an error: resetting would lose records silently.
    """
    client = AIOKafkaConsumer(
        **broker_of(bootstrap).options(),
        group_id=group,
        client_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        fetch_max_wait_ms=500,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        session_timeout_ms=15_000,
        heartbeat_interval_ms=1_000,
        rebalance_timeout_ms=REBALANCE_SECONDS * 1000,
        # joining waits for members that died: given up too early, it leaves another dead member behind
        request_timeout_ms=(REBALANCE_SECONDS + 10) * 1000,
        metadata_max_age_ms=60_000,
    )
    return made(client, bootstrap)


def reader(bootstrap: Reach, *, client_id: str = "reader") -> AIOKafkaConsumer:
    """Make a consumer that is in no group: it reads what it is assigned, from the beginning, and commits nothing."""
    client = AIOKafkaConsumer(
        **broker_of(bootstrap).options(),
        client_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
    )
    return made(client, bootstrap)


def new_admin(bootstrap: Reach) -> AIOKafkaAdminClient:
    """Make a client that asks for and changes topics and groups."""
    client = AIOKafkaAdminClient(
        **broker_of(bootstrap).options(), request_timeout_ms=int(REQUEST_SECONDS * 1000)
    )
    return made(client, bootstrap)


def new_producer(bootstrap: Reach, *, client_id: str) -> AIOKafkaProducer:
    """Make an idempotent producer that waits for all replicas and sends at once."""
    client = AIOKafkaProducer(
        **broker_of(bootstrap).options(),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=MAX_BATCH_BYTES,
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
        metadata_max_age_ms=60_000,
    )
    return made(client, bootstrap)


async def open_client(client: Any) -> None:
    """
    Start *client* within bounds; one that failed or was cancelled half-way is closed again.

    Raises one of FAILURES: BrokerRefused where certificate, user or password are not accepted.
    """
    try:
        async with asyncio.timeout(2 * REQUEST_SECONDS):
            await client.start()
    except BaseException as error:
        await close_client(client)
        if isinstance(error, KafkaError) and (refusal := await refusal_of(client)):
            raise refusal from error
        raise


async def close_client(client: Any) -> None:
    """
    Stop *client*, and never raise; what has not stopped in time is cut off.

    A consumer whose start failed must be stopped too: its tasks live on as a member that the group
    waits for. The stop runs to its end even when the caller is cancelled.
    """
    stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
    task = asyncio.ensure_future(_stop_or_cut_off(client, stop))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
    except Exception:  # aiokafka raises here whatever ended its tasks
        log.info("client_closed_badly", client=type(client).__name__, exc_info=True)


async def _stop_or_cut_off(client: Any, stop: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await stop()
    except TimeoutError:
        log.warning("client_cut_off", client=type(client).__name__)
        # left alone, a producer would go on sending, and a fetcher fetching
        for name in ("_sender", "_fetcher", "_client", "client"):
            if (part := getattr(client, name, None)) is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(part.close(), 1.0)


class Offsets:
    """
    Where partitions begin and end now, asked over a connection of its own: on the consumer's, the
    answer would wait behind a fetch. Connects when first asked, and anew after a failure.
    """

    def __init__(self, bootstrap: Reach, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._client: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Answer the offset after the last committed record of each partition; raises one of FAILURES."""
        return await self._ask("end_offsets", topic, partitions)

    async def all_ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Answer the same for partitions of several topics at once; raises one of FAILURES."""
        return await self._ask_all("end_offsets", list(tps))

    async def kept(self, tp: TopicPartition) -> range:
        """Answer the offsets that a partition holds; raises one of FAILURES."""
        (begin,) = (await self._ask("beginning_offsets", tp.topic, [tp.partition])).values()
        (end,) = (await self._ask("end_offsets", tp.topic, [tp.partition])).values()
        return range(begin, end)

    async def _ask(self, what: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        answer = await self._ask_all(what, [TopicPartition(topic, p) for p in partitions])
        return {tp.partition: offset for tp, offset in answer.items()}

    async def _ask_all(self, what: str, wanted: list[TopicPartition]) -> dict[TopicPartition, int]:
        if not wanted:
            return {}
        try:
            client = await self._connected()
            async with asyncio.timeout(REQUEST_SECONDS):
                answer: Mapping[TopicPartition, int] = await getattr(client, what)(wanted)
        except FAILURES:
            await self.close()
            raise
        return dict(answer)

    async def _connected(self) -> AIOKafkaConsumer:
        async with self._connecting:
            if self._client is None:
                client = reader(self._bootstrap, client_id=self._client_id)
                await open_client(client)
                self._client = client
            return self._client

    async def close(self) -> None:
        """Close the connection; the next question opens one again."""
        client, self._client = self._client, None
        if client is not None:
            await close_client(client)


async def _known_offsets(
    admin: AIOKafkaAdminClient, group: str, tps: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Any]:
    while True:
        try:
            found: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(
                group, partitions=list(tps)
            )
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            await asyncio.sleep(0.1)  # a new broker makes its offsets topic when first asked
        else:
            return found


async def seed_offsets(bootstrap: Reach, group: str, tps: Sequence[TopicPartition]) -> None:
    """
    Give a *group* that has no offset for some of *tps* the beginning there, and leave the others alone.

    So a group has offsets from its first start on, and whatever is out of range later is a loss that
    must be seen, not a reset. Raises one of FAILURES.
    """
    admin = new_admin(bootstrap)
    await open_client(admin)
    try:
        async with asyncio.timeout(COORDINATOR_SECONDS):
            known = await _known_offsets(admin, group, tps)
    finally:
        await close_client(admin)
    missing = [tp for tp in tps if tp not in known or known[tp].offset < 0]
    if not missing:
        return
    client = group_consumer(bootstrap, group, client_id=f"{group}-seed")
    client.assign(missing)
    await open_client(client)
    try:
        async with asyncio.timeout(2 * REQUEST_SECONDS):
            await client.commit(await client.beginning_offsets(missing))
    except IllegalStateError as error:
        raise KafkaError(f"{group}: offsets could not be seeded") from error
    finally:
        await close_client(client)
    log.info("offsets_seeded", group=group, partitions=len(missing))
