"""Stepped time: the control socket of each service process, and the client that a driver uses.

One JSON object a line each way, on loopback; for demo and tests only. The order of a step is in DESIGN.md, section 4.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog
from aiokafka import TopicPartition
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.canonical import digest
from shared.clock import SteppedClock
from shared.events.envelope import utc
from shared.messaging.cases import upcast
from shared.runtime import Runtime

log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
LONGEST_LINE = 64 * 1024 * 1024

_WAITING = text("SELECT count(*) FROM outbox")
POLL_SECONDS = 0.002
_ANY_WAITING = text("SELECT EXISTS (SELECT FROM outbox)")
_STILL_DUE = text("SELECT EXISTS (SELECT FROM cases WHERE wake_at <= :now AND parked_by = '{}')")
_NEXT = text("""
    SELECT least(
        (SELECT min(wake_at) FROM cases WHERE wake_at > :now AND parked_by = '{}'),
        (SELECT min(not_before) FROM effects WHERE status = 'pending' AND not_before > :now),
        (SELECT min(not_after) FROM effects WHERE status = 'pending' AND not_before <= :now AND not_after > :now))
""")


class StepError(RuntimeError):
    """The process could not do what it was told; the message is its own."""


class Stepper:
    """Answers the commands in one process: clock, close, tick, effects, open, flush, save, counts, next, digest."""

    def __init__(self, runtime: Runtime, clock: SteppedClock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._connection: AsyncConnection | None = None
        self._asking = asyncio.Lock()
        self._commands: dict[str, Callable[..., Awaitable[Mapping[str, Any]]]] = {
            "clock": self._set_clock,
            "close": self._close,
            "tick": self._tick,
            "effects": self._effects,
            "open": self._open,
            "flush": self._flush,
            "save": self._save,
            "counts": self._counts,
            "next": self._next,
            "digest": self._digest,
        }

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[int]:
        """Listen on *port* of loopback (0: any) while the body runs; yields the port."""
        server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=LONGEST_LINE)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            if self._connection is not None:
                await self._connection.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            log.info("driver_gone")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = msgspec.json.decode(line)
            command = self._commands.get(request.pop("command", ""))
            if command is None:
                return {"error": f"unknown command; there are {', '.join(self._commands)}"}
            return await command(**request)
        except Exception as error:
            log.exception("step_failed")
            return {"error": f"{type(error).__name__}: {error}"}

    async def _set_clock(self, now: str) -> Mapping[str, Any]:
        self._clock.set(utc(datetime.fromisoformat(now)))
        return {"now": now}

    async def _close(self) -> Mapping[str, Any]:
        """Stop the relay and the consumer; answers when nothing is in hand."""
        await self._runtime.relay.pause()
        await self._runtime.consumer.pause()
        return {}

    async def _open(self) -> Mapping[str, Any]:
        self._runtime.relay.resume()
        self._runtime.consumer.resume()
        return {}

    async def _tick(self) -> Mapping[str, Any]:
        """Do one pass of ticks; `again` tells whether some case is due once more (after a pass that decided)."""
        now = self._clock.now()
        ticked = await self._runtime.shell.tick_step(now)
        again = bool(ticked.decided and await self._scalar(_STILL_DUE, now=now))
        return {"decided": ticked.decided, "published": ticked.published, "again": again}

    async def _effects(self) -> Mapping[str, Any]:
        worker = self._runtime.worker
        return {"executed": 0 if worker is None else await worker.run_due_step()}

    async def _flush(self) -> Mapping[str, Any]:
        """Tell our own cases what waits for them; wait until the outbox is empty; answer where what we published ends."""
        while await self._runtime.onward.once():
            pass
        while await self._scalar(_ANY_WAITING):
            self._runtime.relay.wake()
            await asyncio.sleep(POLL_SECONDS)
        return {"produced": _by_topic(self._runtime.relay.produced)}

    async def _save(self, ends: Mapping[str, Mapping[str, int]]) -> Mapping[str, Any]:
        """Wait until everything below *ends* in the topics that we read is saved."""
        consumer = self._runtime.consumer
        wanted = {
            TopicPartition(topic, int(partition)): end
            for topic, partitions in ends.items()
            for partition, end in partitions.items()
        }
        while True:
            held = consumer.saved
            if all(held[tp] >= end for tp, end in wanted.items() if tp in held):
                return {}
            await asyncio.sleep(POLL_SECONDS)

    async def _counts(self) -> Mapping[str, Any]:
        """Count in the order in which work moves on, so that nothing slips through between two counts."""
        runtime = self._runtime
        saved = _by_topic(runtime.consumer.saved)
        running = 0 if runtime.worker is None else runtime.worker.in_hand
        async with runtime.engine.connect() as connection:
            waiting = await connection.scalar(text("SELECT count(*) FROM outbox"))
        return {
            "saved": saved,
            "outbox": waiting,
            "produced": _by_topic(runtime.relay.produced),
            "running_effects": running,
        }

    async def _next(self) -> Mapping[str, Any]:
        at = await self._scalar(_NEXT, now=self._clock.now())
        return {"next": None if at is None else utc(at).isoformat()}

    async def _scalar(self, query: TextClause, **values: Any) -> Any:
        """Ask on a connection that stays open: the driver asks thousands of times."""
        async with self._asking:
            if self._connection is None or self._connection.invalidated:
                plain = await self._runtime.engine.connect()
                self._connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            return await self._connection.scalar(query, values)

    async def _digest(self) -> Mapping[str, str]:
        reactor = self._runtime.reactor
        async with self._runtime.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT customer_id, state::text, state_version FROM cases")
            )
        return {row[0]: digest(upcast(reactor, row[1], row[2])) for row in rows}


def _by_topic(offsets: Mapping[TopicPartition, int]) -> dict[str, dict[str, int]]:
    topics: dict[str, dict[str, int]] = {}
    for tp, offset in offsets.items():
        topics.setdefault(tp.topic, {})[str(tp.partition)] = offset
    return topics


class StepClient:
    """The driver's end: `async with StepClient(port) as client: await client.call("clock", now=...)`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(CONNECT_SECONDS):
            self._streams = await asyncio.open_connection(LOOPBACK, self._port, limit=LONGEST_LINE)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._streams is not None:
            self._streams[1].close()

    async def call(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Answer what the process answers; raises StepError, ConnectionError and TimeoutError."""
        if self._streams is None:
            raise RuntimeError("a StepClient is used inside `async with`")
        reader, writer = self._streams
        async with self._turn, asyncio.timeout(ANSWER_SECONDS):
            writer.write(msgspec.json.encode({"command": command, **arguments}) + b"\n")
            await writer.drain()
            line = await reader.readline()
        if not line:
            raise ConnectionError("the process closed its control socket")
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "error" in answer:
            raise StepError(answer["error"])
        return answer
