"""All services over real PostgreSQL by the loop of one instant, with the broker left out: records go from outbox to shell.

Two members per service share the work; batches are cut at random, and some are handed in by both at once.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush

from shared.clock import SteppedClock
from shared.db import engine_for
from shared.decision import Reactor
from shared.events.envelope import Event
from shared.events.registry import BY_HTTP, CORE_BANKING, EVENT_TYPES, SERVICES
from shared.messaging import effect_rows, outbox
from shared.messaging.decode import encode
from shared.messaging.onward import Onward
from shared.messaging.partitions import partition_of
from shared.messaging.records import Record
from shared.messaging.shell import Shell
from shared.outgoing import outcome_event, refused_event
from shared.permits import permitted
from shared.sandbox.outcomes import facts as sandbox_facts
from shared.vault import VaultWriter
from tests.database.support import KEYS, PARTITIONS, Database, always, cut

OWNER = {"provider.receipt": "notifier", "field.report": "visits", "court.notice": "legal"}
SEED = 1


class Service:
    """One service with two members, and what it has not read yet."""

    def __init__(
        self, url: str, reactor: Reactor, clock: SteppedClock, *, vault: VaultWriter | None
    ) -> None:
        self.name = reactor.name
        topics = {topic for name in reactor.reacts_to for topic in EVENT_TYPES[name].topics}
        self.topics = (topics - {reactor.name}) | ({CORE_BANKING} if vault else set())
        self.db = Database(engine_for(url, self.name))
        self.members = [
            Shell(
                reactor,
                self.db.engine,
                clock,
                keys=KEYS,
                partitions=PARTITIONS,
                fused_ticks=False,
                vault=vault,
            )
            for _ in range(2)
        ]
        self.onward = [
            Onward(member, self.db.engine, fresh=always, told=lambda: None, too_new=lambda _: None)
            for member in self.members
        ]
        self.unread: list[Record] = []


@dataclass
class Bank:
    """The running whole."""

    services: dict[str, Service]
    clock: SteppedClock
    dice: random.Random
    published: list[tuple] = field(default_factory=list)
    _agenda: list[tuple] = field(default_factory=list)
    _offset: int = 0

    @classmethod
    async def open(
        cls, url: str, reactors: Iterable[Reactor], seed: int, *, with_vault: bool = False
    ) -> "Bank":
        clock = SteppedClock()
        vaults = {"notifier": VaultWriter(KEYS)} if with_vault else {}
        services = {
            reactor.name: Service(url, reactor, clock, vault=vaults.get(reactor.name))
            for reactor in reactors
        }
        for service in services.values():
            await service.db.clear()
        return cls(services, clock, random.Random(seed))

    async def close(self) -> None:
        for service in self.services.values():
            await service.db.engine.dispose()

    def expect(self, event: Event) -> None:
        rank = 0 if CORE_BANKING in EVENT_TYPES[event.type].topics else 1
        self._offset += 1
        heappush(self._agenda, (event.time, rank, event.source, event.id, self._offset, event))

    async def run(self, until: datetime) -> None:
        while (now := await self._next()) is not None and now <= until:
            self.clock.set(max(now, self.clock.now()))
            await self._instant(self.clock.now())

    async def _next(self) -> datetime | None:
        found = [self._agenda[0][0]] if self._agenda else []
        for service in self.services.values():
            found += [
                row[0]
                for row in await service.db.rows("""
                    SELECT least((SELECT min(wake_at) FROM cases),
                        (SELECT min(not_before) FROM effects WHERE status = 'pending'))
                """)
                if row[0] is not None
            ]
        return min(found, default=None)

    async def _instant(self, now: datetime) -> None:
        for _ in range(50):
            await self._deliver(now)
            await self._drain()
            ticked = [await self.services[name].members[0].tick_step(now) for name in SERVICES]
            if any(result.published for result in ticked):
                continue
            if not await self._execute(now) and not any(result.decided for result in ticked):
                return
        raise AssertionError(f"no end at {now}")

    async def _deliver(self, now: datetime) -> None:
        while self._agenda and self._agenda[0][0] <= now:
            event = heappop(self._agenda)[-1]
            if event.type in BY_HTTP:
                members = self.services[OWNER[event.type]].members
                await asyncio.gather(*(member.handle_facts([event]) for member in members))
            else:
                key, value, headers = encode(event)
                self._publish(CORE_BANKING, key, value, headers)

    def _publish(self, topic: str, key: bytes | None, value: bytes, headers: list) -> None:
        partition = 0 if key is None else partition_of(key.decode(), PARTITIONS)
        self._offset += 1
        found = Record(topic, partition, self._offset, key, value, tuple(headers))
        for service in self.services.values():
            if topic in service.topics:
                service.unread.append(found)

    async def _drain(self) -> None:
        while True:
            for service in self.services.values():
                batches = cut(service.unread, [self.dice.randint(1, 9) for _ in range(5)])
                service.unread = []
                for batch in batches:
                    count = self.dice.choice([1, 1, 2])
                    await asyncio.gather(
                        *(
                            member.handle(batch, fresh=always)
                            for member in self.dice.sample(service.members, count)
                        )
                    )
            relayed = [await self._relay(service) for service in self.services.values()]
            both = [each.once() for service in self.services.values() for each in service.onward]
            if not any([*relayed, *(await asyncio.gather(*both))]):
                return

    async def _relay(self, service: Service) -> bool:
        async with service.db.engine.begin() as tx:
            rows = await outbox.read(tx, 1000)
            await outbox.delete(tx, [row.id for row in rows])
        for row in rows:
            self._publish(service.name, *outbox.to_kafka(row))
            if row.aggregateid:
                told = (
                    service.name,
                    row.aggregateid,
                    row.event_id,
                    row.type,
                    row.time,
                    row.payload,
                )
                self.published.append(told)
        return bool(rows)

    async def _execute(self, now: datetime) -> bool:
        executed = False
        for service in self.services.values():
            async with service.db.engine.begin() as tx:
                due = await effect_rows.due(tx, now, range(PARTITIONS), 1000)
                taken, late = await effect_rows.claim(tx, [row.effect_id for row in due], now)
                late += [r for r in taken if permitted.refusal(r.kind, r.request, now, None)]
                taken = [row for row in taken if row not in late]
                await effect_rows.settle(tx, {row.effect_id: "done" for row in taken}, now)
                await effect_rows.settle(tx, {row.effect_id: "refused" for row in late}, now)
            executed = executed or bool(due)
            for row in taken:
                until = permitted.valid_until(row.kind, row.request, row.not_after, now)
                about = (row.customer_id, row.effect_id, row.kind, now, until)
                told = sandbox_facts(SEED, *about)
                for at, fact in told:
                    self.expect(outcome_event(fact, at))
            for row in late:
                why = permitted.refusal(row.kind, row.request, now, None) or permitted.EXPIRED
                about = (service.name, row.customer_id, row.effect_id, now)
                self.expect(refused_event(*about, why))
        return executed
