"""Run one service in this process: compose the loops, start them in order, stop them gracefully."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from aiokafka import TopicPartition
from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import killpoints
from shared.audit.sealing import Sealer
from shared.clock import Clock, SteppedClock, SystemClock
from shared.content.loading import load as load_content
from shared.database_url import DatabaseRefused
from shared.db import check_schema, engine_for
from shared.decision import Reactor
from shared.events.envelope import Event
from shared.events.registry import CORE_BANKING
from shared.messaging import positions, progress, restored, spans
from shared.messaging.alarm import Alarm
from shared.messaging.asking import NotFresh
from shared.messaging.broker import BrokerRefused
from shared.messaging.cases import StateTooNew
from shared.messaging.consumer import Consumer, GiveBack
from shared.messaging.effects import EffectWorker, Prepare
from shared.messaging.freshness import Barrier, Freshness, Sampler
from shared.messaging.kafka import FAILURES, Offsets
from shared.messaging.made import recording
from shared.messaging.onward import Onward
from shared.messaging.partitions import partition_of
from shared.messaging.records import BatchResult, FactResult, Record, TickResult
from shared.messaging.relay import Relay
from shared.messaging.shell import Shell
from shared.messaging.silence import Silence
from shared.messaging.tally import Tally
from shared.messaging.topics import ensure_topics, topics_of
from shared.metrics import Metrics
from shared.providers import HttpProvider
from shared.services import packs_in_force
from shared.settings import Settings
from shared.vault import VaultReader, VaultWriter

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
"""How long a start waits for the database and the broker."""


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What one service is made of. `router` holds its own routes; `prepare` renders its effects (None: it
    has none); `keeps_vault`: its shell stores the contact values; `policy` reads the policy that the
    settings name (None: the reactor's own counts).
    """

    reactor: Reactor[Any]
    router: APIRouter | None = None
    prepare: Prepare | None = None
    keeps_vault: bool = False
    policy: Callable[[Settings], Any] | None = None


class Runtime:
    """The loops of one service in one process. In stepped mode time, ticks and effects are driven from outside."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        killpoints.arm(production=settings.mode == "production")
        load_content(Path(settings.content) if settings.content else None)
        reactor = parts.reactor
        if parts.policy is not None:
            reactor = replace(reactor, policy=parts.policy(settings))
        keys = settings.keys()
        name = reactor.name
        self.settings = settings
        self.reactor = reactor
        self.metrics = Metrics(name)
        self.clock: Clock = SteppedClock() if settings.stepped else SystemClock()
        self.engine: AsyncEngine = engine_for(
            settings.database_url, name, pool_size=settings.pool_size
        )
        self.shell = Shell(
            reactor,
            self.engine,
            self.clock,
            keys=keys,
            vault=VaultWriter(keys) if parts.keeps_vault else None,
            fused_ticks=not settings.stepped,
            partitions=settings.partitions,
            observe=self._observe,
        )
        self.silence = Silence(
            self.engine,
            name,
            hours=0 if settings.stepped else settings.silence_hours,
            zone=settings.business_zone,
            country=settings.business_country,
        )
        kafka = settings.broker()
        self.offsets = Offsets(kafka, client_id=f"{name}-offsets")
        self.freshness = Freshness()
        self.barrier = Barrier(self.offsets, self._settled)
        self.sampler = Sampler(self.freshness, self.offsets, self._settled)
        self.relay = Relay(kafka, self.engine, name, partitions=settings.partitions)
        self.consumer = Consumer(
            kafka,
            name,
            topics_of(reactor, keeps_vault=parts.keeps_vault),
            self._handle,
            partitions=settings.partitions,
            settle=self._settle,
            assigned=self.freshness.assign,
            max_records=settings.batch,
            places=self._places,
        )
        self.alarm = Alarm(
            self.shell,
            self.clock,
            owned=self.consumer.owned,
            fresh=self.freshness.is_fresh,
            ticked=self._did,
            too_new=self._too_new,
        )
        fresh, too_new = self.freshness.is_fresh, self._too_new
        self.onward = Onward(self.shell, self.engine, fresh=fresh, told=self._wake, too_new=too_new)
        self.provider: HttpProvider | None = None
        self.worker: EffectWorker | None = None
        if parts.prepare is not None:
            self.provider = HttpProvider(settings.provider_url, name, name=settings.provider_name)
            self.worker = EffectWorker(
                self.shell,
                self.engine,
                self.clock,
                provider=self.provider,
                prepare=recording(parts.prepare, self.engine, keys),
                vault=VaultReader(keys, self.engine),
                barrier=self.barrier,
                owned=self.consumer.owned,
                fresh=self.freshness.is_fresh,
                observe=settings.contact_mode == "observe",
                silent=self.silence.silent,
                limits=settings.limits(),
                packs=packs_in_force(settings),
            )
        self.sealer = Sealer(self.engine, name, settings.signer(), self.clock)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """
        Run while the body does. Raises SchemaTooOld, PartitionsDiffer, BrokerRefused or DatabaseRefused, and
        what does not answer in a minute.
        """
        try:
            await self._reach("database", self._prepare_database)
            await self._reach("kafka", self._prepare_topics)
            self._start()
            yield
        finally:
            await self._stop()

    async def take_facts(self, facts: Sequence[Event]) -> list[FactResult]:
        """Hand facts that came by HTTP to the shell; one answer each."""
        try:
            results = await self.shell.handle_facts(facts, fresh=self.freshness.is_fresh)
        except StateTooNew as error:
            self._too_new(error)
            raise
        self._wake()
        return results

    async def ask(self, fact: Event) -> tuple[FactResult, Any]:
        """
        Hand in a fact that asks, and answer what the tick on it came to, with the state of the case after it.

        Raises NotFresh while facts of core banking may still wait for this customer's partition.
        """
        partition = partition_of(fact.subject, self.settings.partitions)
        if not (self.freshness.is_fresh(partition) or await self.barrier.passes(partition)):
            raise NotFresh("facts of core banking may still wait")
        try:
            answer = await self.shell.asking.ask(fact)
        except StateTooNew as error:
            self._too_new(error)
            raise
        self._wake()
        return answer

    async def _prepare_database(self) -> None:
        await check_schema(self.engine, self.reactor.name)
        if not self.settings.stepped:
            await self.shell.prepare()

    async def _prepare_topics(self) -> None:
        broker, count = self.settings.broker(), self.settings.partitions
        await ensure_topics(broker, count)
        await restored.check(self.engine, broker, self.reactor.name, count)

    async def _reach(self, what: str, attempt: Any) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        wait = 0.2
        while True:
            try:
                return await attempt()  # type: ignore[no-any-return]
            except (BrokerRefused, DatabaseRefused):
                raise
            except (*FAILURES, SQLAlchemyError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                log.warning("not_reached", what=what, error=type(error).__name__, again_in=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, 5.0)

    def _start(self) -> None:
        self.relay.start()
        self.consumer.start()
        if self.settings.stepped:
            return
        self._tasks = [
            asyncio.create_task(self.sampler.run(), name="sampler"),
            asyncio.create_task(self.alarm.run(self._stopping), name="alarm"),
            asyncio.create_task(self.onward.run(self._stopping), name="onward"),
            asyncio.create_task(self.sealer.run(self._stopping), name="sealer"),
            asyncio.create_task(self.silence.watch(self.clock, self._stopping), name="silence"),
        ]
        if self.worker is not None:
            working = self.worker.run(self._stopping)
            self._tasks.append(asyncio.create_task(working, name="effect worker"))

    async def _stop(self) -> None:
        """Finish what is in hand, leave the group, publish what is left; every step is bounded."""
        self._stopping.set()
        self.onward.wake()
        if self.worker is not None:
            self.worker.wake()
        await self.consumer.stop()
        for task in self._tasks:
            if task.get_name() == "sampler":
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=15.0)
            for task in self._tasks:
                task.cancel()
        await self.relay.stop()
        await self.offsets.close()
        if self.provider is not None:
            await self.provider.close()
        await self.engine.dispose()

    async def _handle(self, records: Sequence[Record]) -> None:
        began = monotonic()
        try:
            with spans.of_batch(self.reactor.name, records):
                result = await self.shell.handle(records, fresh=self.freshness.is_fresh)
        except StateTooNew as error:
            raise GiveBack(str(error)) from error
        self.metrics.batch(result, monotonic() - began)
        for partition, offset in result.progress.items():
            self.freshness.settle(partition, offset)
        self._did(result)

    async def _settle(self, positions: Mapping[TopicPartition, int]) -> None:
        ends = {tp.partition: at for tp, at in positions.items() if tp.topic == CORE_BANKING}
        if ends:
            await self.shell.settle(ends)
            self._wake()

    async def _settled(self, partitions: Collection[int]) -> Mapping[int, int]:
        async with self.engine.connect() as connection:
            settled = await progress.settled(connection)
        return {p: offset for p, offset in settled.items() if p in partitions}

    async def _places(self) -> Mapping[TopicPartition, int]:
        async with self.engine.connect() as connection:
            return await positions.saved(connection)

    def _observe(self, tally: Tally) -> None:
        self.metrics.observe(tally)
        if tally.onward:
            self.onward.wake()

    def _did(self, result: BatchResult | TickResult) -> None:
        if result.effects and self.worker is not None:
            self.worker.wake()
        if result.published or isinstance(result, BatchResult):
            self._wake()

    def _too_new(self, error: StateTooNew) -> None:
        self.consumer.give_back(str(error))

    def _wake(self) -> None:
        self.relay.wake()
