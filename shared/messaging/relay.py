"""The relay: publishes the outbox in order, and deletes a row only after the broker's answer.

One per service, by an advisory lock of the session that reads. Of each partition one batch is under way at a time and a
batch is all or nothing, so no row overtakes an earlier one of its key, whatever fails.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import killpoints
from shared.messaging import outbox, positions, spans
from shared.messaging.broker import Reach
from shared.messaging.kafka import FAILURES, close_client, new_producer, open_client
from shared.messaging.outbox import OutboxRow
from shared.messaging.partitions import partition_of

log = structlog.get_logger(__name__)

ROWS = 1000
POLL_SECONDS = 0.2
STANDBY_SECONDS = 1.0
ANSWER_SECONDS = 30.0
BLOCKED_SECONDS = 30.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
OF_THE_RECORD = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    CorruptRecordException,
    InvalidTimestampError,
)
"""What the broker answers when it will never take these records; anything else passes."""

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


class Relay:
    """
    start() begins, wake() says that rows were written, stop() publishes what is left and ends.

    `produced` is the end offset per partition behind what this relay wrote; `blocked` names the keys whose
    oldest row the broker refuses, with the reason: their later rows wait behind it, the others go on.
    """

    def __init__(
        self,
        bootstrap: Reach,
        engine: AsyncEngine,
        service: str,
        *,
        partitions: int,
        client_id: str = "",
    ) -> None:
        self._bootstrap = bootstrap
        self._engine = engine
        self._service = service
        self._partitions = partitions
        self._client_id = client_id or f"{service}-relay"
        self._rows = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._busy = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._singly: set[int] = set()
        self.blocked: dict[str, str] = {}
        self.produced: dict[TopicPartition, int] = {}
        self.is_leader = False
        self.last_error = ""
        self.failures = 0

    def start(self) -> None:
        """Begin to publish in a task of its own."""
        self._task = asyncio.create_task(self._run(), name=f"relay {self._service}")

    async def stop(self, *, within: float = 10.0) -> None:
        """Publish what is in the outbox, then end; after *within* seconds leave the rest to the next relay."""
        self._stopping.set()
        self._open.set()
        self._rows.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=within)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task], timeout=within)

    def wake(self) -> None:
        """Rows were written: look at once."""
        self._rows.set()

    async def pause(self) -> None:
        """Publish nothing more; returns when nothing is under way."""
        self._open.clear()
        async with self._busy:
            pass

    def resume(self) -> None:
        """Undo pause()."""
        self._open.set()
        self._rows.set()

    async def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            try:
                async with self._leading() as connection:
                    if connection is None:
                        await self._sleep(STANDBY_SECONDS)
                        continue
                    await self._publish_on(connection)
                    wait = FIRST_WAIT
            except (*FAILURES, SQLAlchemyError) as error:
                self.last_error = type(error).__name__
                log.warning("relay_failed", service=self._service, again_in=wait, exc_info=True)
            except Exception as error:
                self.last_error = type(error).__name__
                log.exception("relay_failed", service=self._service, again_in=wait)
            self.failures += bool(self.last_error)
            await self._sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[AsyncConnection | None]:
        """Hold the service's lock on a connection of its own, or answer None when another process does."""
        name = {"name": f"arrears relay {self._service}"}
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            if not await connection.scalar(_LOCK, name):
                yield None
                return
            self.is_leader = True
            try:
                yield connection
                await connection.execute(_UNLOCK, name)
            except BaseException:
                # the session ends, and with it the lock
                with contextlib.suppress(Exception):
                    await connection.invalidate()
                raise
            finally:
                self.is_leader = False

    async def _publish_on(self, connection: AsyncConnection) -> None:
        producer = new_producer(self._bootstrap, client_id=self._client_id)
        await open_client(producer)
        loop = asyncio.get_running_loop()
        try:
            retry_blocked = loop.time() + BLOCKED_SECONDS
            while True:
                self._rows.clear()
                await self._open.wait()
                async with self._busy:
                    sent = await self._publish(connection, producer)
                self.last_error = ""
                if not sent:
                    if self._stopping.is_set():
                        return
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._rows.wait(), POLL_SECONDS)
                if self.blocked and loop.time() > retry_blocked:
                    self.blocked.clear()
                    retry_blocked = loop.time() + BLOCKED_SECONDS
        finally:
            await close_client(producer)

    async def _publish(self, connection: AsyncConnection, producer: AIOKafkaProducer) -> int:
        """Send the oldest rows, wait for the answers, delete what was taken; answer how many."""
        rows = await outbox.read(connection, ROWS, skip=sorted(self.blocked))
        shares = self._shares(rows)
        if not shares:
            return 0
        with spans.of_relay(self._service, rows):
            sends = [await self._send(producer, tp, share) for tp, share in shares.items()]
            async with asyncio.timeout(ANSWER_SECONDS):
                answers = await asyncio.gather(
                    *(future for _, future in sends), return_exceptions=True
                )
        taken: list[int] = []
        written: set[TopicPartition] = set()
        failed: BaseException | None = None
        for (tp, share), (count, _), answer in zip(shares.items(), sends, answers, strict=True):
            if isinstance(answer, OF_THE_RECORD):
                self._refused(tp, share, answer)
            elif isinstance(answer, BaseException):
                failed = failed or answer
            else:
                self.produced[tp] = max(self.produced.get(tp, 0), answer.offset + count)
                written.add(tp)
                taken += [row.id for row in share[:count]]
                self._singly.discard(tp.partition)
        killpoints.reach("relay.after_send", in_hand=len(taken))
        if taken:
            await positions.note_published(connection, {tp: self.produced[tp] for tp in written})
            await outbox.delete(connection, taken)
        if failed is not None:
            raise failed
        return len(rows)

    def _shares(self, rows: Sequence[OutboxRow]) -> dict[TopicPartition, list[OutboxRow]]:
        """
        Divide the rows by partition, in order.

        Behind a blocked key of its partition a control record waits: it would promise withdrawals that never came.
        """
        holding = {partition_of(key, self._partitions) for key in self.blocked}
        shares: dict[TopicPartition, list[OutboxRow]] = defaultdict(list)
        for row in rows:
            if row.partition is None:
                partition = partition_of(row.aggregateid, self._partitions)
            elif row.partition in holding:
                continue
            else:
                partition = row.partition
            shares[TopicPartition(row.aggregatetype, partition)].append(row)
        return shares

    async def _send(
        self, producer: AIOKafkaProducer, tp: TopicPartition, share: Sequence[OutboxRow]
    ) -> tuple[int, Any]:
        """Send one batch with as many rows as it takes; answers their number, and the future of the answer."""
        batch = producer.create_batch()
        count = 0
        for row in share[:1] if tp.partition in self._singly else share:
            key, value, headers = outbox.to_kafka(row)
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                break
            count += 1
        batch.close()
        return count, await producer.send_batch(batch, tp.topic, partition=tp.partition)

    def _refused(self, tp: TopicPartition, share: Sequence[OutboxRow], error: Exception) -> None:
        """Find out which row it is by sending one at a time, then hold its key back."""
        if tp.partition not in self._singly and len(share) > 1:
            self._singly.add(tp.partition)
            return
        key = share[0].aggregateid
        self.blocked[key] = type(error).__name__
        log.error("row_refused", service=self._service, outbox_id=share[0].id, reason=str(error))

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
