"""An effect worker with all that is real around it: shell, database, Kafka, and the sandbox behind HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import Clock, SteppedClock
from shared.db import engine_for
from shared.events.envelope import Fact
from shared.events.registry import CORE_BANKING
from shared.messaging import progress
from shared.messaging.effects import ClaimedEffect, EffectWorker
from shared.messaging.freshness import Barrier
from shared.messaging.kafka import Offsets, close_client, new_producer, open_client
from shared.messaging.shell import Shell
from shared.messaging.topics import ensure_topics
from shared.providers import HttpProvider, ProviderRequest
from shared.sandbox.app import SandboxSettings, create_sandbox_app
from shared.sandbox.log import read
from shared.testing import START, fact
from shared.vault import VaultReader
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, always, records

SERVICE = "notifier"
ALL = range(PARTITIONS)


@dataclass
class Rig:
    """`values` are the contact values by customer; `log` is the sandbox's, the judge."""

    engine: AsyncEngine
    clock: Any
    shell: Shell
    provider: HttpProvider
    offsets: Offsets
    bootstrap: str
    log: Path
    values: dict[str, str] = field(default_factory=dict)
    packs: frozenset[str] = frozenset({"firm@1:abc"})
    offset: int = 0

    def worker(self, *, provider: Any = None, **options: Any) -> EffectWorker:
        usual = {
            "prepare": self.prepare,
            "vault": VaultReader(KEYS, self.engine),
            "barrier": Barrier(self.offsets, self.settled),
            "owned": lambda: ALL,
            "fresh": always,
            "packs": self.packs,
        }
        return EffectWorker(
            self.shell,
            self.engine,
            self.clock,
            provider=provider or self.provider,
            **(usual | options),
        )

    async def prepare(self, effect: ClaimedEffect, _: VaultReader) -> ProviderRequest | None:
        value = self.values.get(effect.customer_id)
        return value and ProviderRequest(effect.kind, value, {"text": "please call"})

    async def settled(self, _: Any) -> dict[int, int]:
        async with self.engine.connect() as connection:
            return await progress.settled(connection)

    async def settle_all(self) -> None:
        """As if the scheduler had said that it saved whatever core banking has sent."""
        ends = await self.offsets.ends(CORE_BANKING, ALL)
        async with self.engine.begin() as tx:
            await progress.note(tx, ends)

    async def happened(self, *facts: Fact) -> None:
        """The shell hears of facts; the tick that follows starts an effect for who owes. Offsets are made up."""
        now, settled = self.clock.now(), await self.settled(())
        batch = records(*(fact(each, now) for each in facts), start=self.offset)
        self.offset += len(batch)
        await self.shell.handle(batch, fresh=always)
        async with self.engine.begin() as tx:
            await tx.execute(text("DELETE FROM progress"))
            await progress.note(tx, settled)

    async def send_to_core_banking(self, *facts: Fact) -> None:
        producer = new_producer(self.bootstrap, client_id="bank")
        await open_client(producer)
        try:
            for sent in records(*facts, at=self.clock.now()):
                await producer.send_and_wait(
                    CORE_BANKING, sent.value, partition=sent.partition, headers=list(sent.headers)
                )
        finally:
            await close_client(producer)

    async def effects(self) -> dict[str, str]:
        """The status of each customer's effect."""
        return dict(await self.rows("SELECT customer_id, status FROM effects"))

    async def receipts(self) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT customer_id, source, payload->>'outcome', payload->>'reason' FROM inbox"
            " WHERE type = 'provider.receipt' ORDER BY 1"
        )

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """As the administrator, who may do what the service's role may not."""
        async with self.engine.begin() as tx:
            await tx.execute(text("SET LOCAL ROLE NONE"))
            found = await tx.execute(text(query), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in read(self.log) if line["entry"] == "request"]

    def handed_over(self) -> list[str]:
        """The customers whose effect the provider was given, each time it was."""
        return [line["customer_id"] for line in self.requests()]


@asynccontextmanager
async def rig(
    database: str, kafka: str, folder: Path, *, clock: Clock | None = None, **faults: Any
) -> AsyncIterator[Rig]:
    """Everything around a worker; without a *clock*, time stands still at START."""
    await ensure_topics(kafka, PARTITIONS, topics=[CORE_BANKING])
    sandbox = create_sandbox_app(
        SandboxSettings(
            log=folder / "sandbox.jsonl",
            callback_base={SERVICE: "http://none"},
            stepped=clock is None,
            **faults,
        )
    )
    engine = engine_for(database, SERVICE)
    offsets = Offsets(kafka, client_id="rig")
    reactor = ledger(name=SERVICE)
    time = clock or SteppedClock(START)
    async with sandbox.router.lifespan_context(sandbox):
        transport = httpx2.ASGITransport(sandbox)
        provider = HttpProvider("http://sandbox", SERVICE, transport=transport)
        shell = Shell(reactor, engine, time, keys=KEYS, partitions=PARTITIONS)
        found = Rig(engine, time, shell, provider, offsets, kafka, folder / "sandbox.jsonl")
        if clock is None:
            await set_clock(transport, START)
        await found.settle_all()
        try:
            yield found
        finally:
            await provider.close()
            await offsets.close()
            await engine.dispose()


async def set_clock(transport: httpx2.ASGITransport, now: datetime) -> None:
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        answer = await client.post("/_step/clock", json={"now": now.isoformat()})
        assert answer.is_success, answer.text
