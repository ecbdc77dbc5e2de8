"""The imperative shell: one batch of records becomes one PostgreSQL transaction.

Lock the cases, look the events up in the inbox, decide each new event in the order of arrival, tick what fell due, save all of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import killpoints
from shared.canonical import canonical, digest
from shared.clock import Clock
from shared.decision import Reactor
from shared.events.envelope import Event
from shared.messaging import effect_rows, inbox, positions, progress
from shared.messaging.arriving import fact_arrival
from shared.messaging.asking import Asking
from shared.messaging.batch import Sorter, window
from shared.messaging.cases import Case, CaseMissing, Cases
from shared.messaging.cloudevents import BrokenEvent
from shared.messaging.mass_failure import Watch
from shared.messaging.outbox import OutboxRow, append, progress_row
from shared.messaging.records import Arrival, BatchResult, FactResult, Record, TickResult
from shared.messaging.releases import Releases
from shared.messaging.releasing import answer_facts
from shared.messaging.tally import Tally
from shared.messaging.transaction import Kit, Transaction
from shared.vault import Keys, VaultWriter
from shared.version import code_version

Fresh = Callable[[int], bool]
"""Tells whether a partition is fresh: what core banking said up to 30 s ago is saved (DESIGN.md, section 2)."""
MOST_KNOWN = 200_000
STEP_BATCH = 500


def never(_: int) -> bool:
    """No partition is fresh: the answer of a process that does not own it."""
    return False


class Shell:
    """Runs one service's decider over batches, HTTP facts and ticks; many tasks and processes may do so at once."""

    def __init__(
        self,
        reactor: Reactor[Any],
        engine: AsyncEngine,
        clock: Clock,
        *,
        keys: Keys,
        vault: VaultWriter | None = None,
        fused_ticks: bool = True,
        partitions: int = 12,
        observe: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        self.reactor = reactor
        self._observe = observe
        self.fused_ticks = fused_ticks
        self._engine = engine
        self._clock = clock
        self._partitions = partitions
        self._sorter = Sorter(reactor, keys, keeps_vault=vault is not None, partitions=partitions)
        cases = Cases(reactor, partitions)
        code = code_version()
        self.watch = Watch(engine, reactor.name, clock, code=code)
        self._kit = Kit(reactor, cases, keys, vault, digest(reactor.policy), code, self.watch)
        self._known: set[str] = set()
        self._ready_for: date | None = None
        self._voids = positions.Voids({})
        self.releases = Releases(self._kit, self._sorter, engine, self._now, self._lock)
        self.asking = Asking(self._kit, engine, now=self._go_on, lock=self._lock, observe=observe)

    async def prepare(self) -> None:
        """Write the policy down and make the inbox's partitions around the clock's month; again is harmless."""
        now = self._clock.now()
        async with self._engine.begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO policies (digest, content) VALUES (:d, :c) ON CONFLICT DO NOTHING"
                ),
                {"d": self._kit.policy, "c": canonical(self.reactor.policy).decode()},
            )
            await inbox.ensure_partitions(tx, now)
            self._voids = await positions.Voids.read(tx)
        self._ready_for = inbox.month_of(now)

    async def handle(self, records: Sequence[Record], *, fresh: Fresh) -> BatchResult:
        """
        Decide every new record, and save all that follows, or nothing.

        Raises when the database fails or another transaction took a key just now (hand in the same batch again),
        ServiceStopped after a mass failure (again, until somebody resumes) and StateTooNew (give the partitions back).
        """
        now = await self._go_on()
        batch = self._sorter.sort_out(self._voids.without(records), now)
        arrivals = [item for item in batch.sequence if isinstance(item, Arrival)]
        customers = batch.customers()
        async with self._engine.begin() as tx:
            work = Transaction(tx, self._kit, await self._lock(tx, customers), now)
            await work.claim(arrivals)
            await work.quarantine(batch.sequence)
            work.decide(batch.sequence)
            if self.fused_ticks:
                work.folding.tick_due(fresh)
            ends = batch.ends if self._sorter.leads else batch.settled
            advanced = await progress.note(tx, ends, now)
            last = self._control_records(advanced, ends, now)
            queued = await work.save(last=last, deposits=batch.deposits)
            await positions.note(tx, records)
            killpoints.reach("shell.before_commit", in_hand=len(batch.sequence))
        self._remember(customers)
        self._observe(work.tally())
        return work.result(batch, len(records), queued, ends)

    async def settle(self, positions: Mapping[int, int]) -> None:
        """
        Note that the consumer stands at these core-banking positions with nothing unsaved below them.

        For partitions that end in something that is no record (markers, retention). Only the service that
        folds core banking's facts notes it, and tells the others.
        """
        if not self._sorter.leads:
            return
        async with self._engine.begin() as tx:
            now = self._clock.now()
            advanced = await progress.note(tx, positions, now)
            rows = self._control_records(advanced, positions, now)
            await append(tx, self.reactor.name, rows)

    async def handle_facts(
        self,
        facts: Sequence[Event],
        *,
        fresh: Fresh = never,
        settle_effects: Mapping[str, str] | None = None,
    ) -> list[FactResult]:
        """
        Take in facts that came by HTTP, in one transaction; one answer each, in order.

        `settle_effects` (effect_id -> status) is written in the same transaction: the worker's rows.
        """
        return await inbox.again_if_taken(lambda: self._facts(facts, fresh, settle_effects or {}))

    async def _facts(
        self, facts: Sequence[Event], fresh: Fresh, settle_effects: Mapping[str, str]
    ) -> list[FactResult]:
        now = await self._go_on()
        oldest, latest = window(now)
        taken: list[Arrival | FactResult] = []
        for fact in facts:
            try:
                if fact.type not in self.reactor.reacts_to:
                    raise BrokenEvent("schema", "type", f"{self.reactor.name} takes no {fact.type}")
                taken.append(fact_arrival(fact, self._kit.keys, oldest=oldest, latest=latest))
            except BrokenEvent as error:
                taken.append(FactResult("refused", f"{error.field}: {error.detail}"))
        arrivals = [item for item in taken if isinstance(item, Arrival)]
        customers = sorted({arrival.customer_id for arrival in arrivals})
        async with self._engine.begin() as tx:
            work = Transaction(tx, self._kit, await self._lock(tx, customers), now)
            await work.claim(arrivals, months_around=1)
            answers = await answer_facts(tx, work.folding, taken)
            work.decide([a for a in arrivals if a.fate in {"", "new"}])
            if self.fused_ticks:
                work.folding.tick_due(fresh)
            await work.save()
            await effect_rows.settle(tx, settle_effects, now)
        self._remember(customers)
        self._observe(work.tally((settle_effects or {}).values()))
        return answers

    async def tick_due(
        self,
        now: datetime,
        partitions: Sequence[int] | None,
        *,
        fresh: Fresh,
        limit: int = STEP_BATCH,
    ) -> TickResult:
        """
        Tick about *limit* cases that are due, unparked and not locked by others, in those *partitions* that are fresh.

        None means all partitions. `now` is the clock's instant.
        """
        owned = range(self._partitions) if partitions is None else partitions
        chosen = sorted(partition for partition in owned if fresh(partition))
        if not chosen:
            return TickResult()
        await self._go_on()
        async with self._engine.begin() as tx:
            locked = await self._kit.cases.lock_due(tx, now, chosen, limit)
            result, tally = await self._tick(tx, locked, now)
        self._observe(tally)
        share = -(-limit // len(chosen))
        sizes = [sum(case.partition == p for case in locked.values()) for p in chosen]
        return replace(result, more=max(sizes) >= share)

    async def tick_step(self, now: datetime) -> TickResult:
        """Tick each case that was due when the pass began exactly once: point (4) of the stepped run."""
        await self._go_on()
        async with self._engine.connect() as connection:
            due = await self._kit.cases.due(connection, now)
        decided = published = effects = 0
        for start in range(0, len(due), STEP_BATCH):
            async with self._engine.begin() as tx:
                locked = await self._kit.cases.lock(tx, due[start : start + STEP_BATCH])
                result, tally = await self._tick(tx, locked, now)
            self._observe(tally)
            decided += result.decided
            published += result.published
            effects += result.effects
        return TickResult(decided, published, effects)

    async def _tick(
        self, tx: AsyncConnection, locked: dict[str, Case], now: datetime
    ) -> tuple[TickResult, Tally]:
        if not locked:
            return TickResult(), Tally()
        work = Transaction(tx, self._kit, locked, now)
        for case in locked.values():
            if case.wake_at is not None and case.wake_at <= now:
                work.folding.tick(case, fresh=True)
        await work.save()
        folding = work.folding
        killpoints.reach("shell.tick_before_commit", in_hand=folding.ticks)
        return TickResult(folding.ticks, len(folding.outbox), len(folding.effects)), work.tally()

    async def _go_on(self) -> datetime:
        """Answer the clock's instant; raises ServiceStopped while a mass failure stands."""
        await self.watch.go_on()
        return await self._now()

    async def _now(self) -> datetime:
        """Answer the clock's instant; the inbox has its partitions for it."""
        now = self._clock.now()
        if self._ready_for != inbox.month_of(now):
            await self.prepare()
        return now

    async def _lock(self, tx: AsyncConnection, customers: list[str]) -> dict[str, Case]:
        """Lock the cases; missing ones are made first, so that nobody waits for a row while holding a later one."""
        if not customers:
            return {}
        if strange := [customer for customer in customers if customer not in self._known]:
            await self._kit.cases.create(tx, strange)
        try:
            return await self._kit.cases.lock(tx, customers)
        except CaseMissing:
            self._known.clear()
            raise

    def _remember(self, customers: list[str]) -> None:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known.update(customers)

    def _control_records(
        self, partitions: Sequence[int], offsets: Mapping[int, int], now: datetime
    ) -> list[OutboxRow]:
        leads = partitions if self._sorter.leads else ()
        return [progress_row(self.reactor.name, p, offsets[p], now) for p in sorted(leads)]
