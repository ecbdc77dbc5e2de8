"""The effect worker: lets due effects leave once each, and hands what became of them to the shell as facts.

No effect leaves after a payment that stood in Kafka before its claim: claims pass the barrier of freshness.py.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import killpoints
from shared.clock import Clock
from shared.events.envelope import Event
from shared.messaging import effect_rows, fuses, refusals
from shared.messaging.claims import Claims
from shared.messaging.effect_rows import EffectRow
from shared.messaging.exchanges import (
    FIRST_WAIT,
    HELD_SECONDS,
    LONGEST_WAIT,
    OVER_AFTER_SECONDS,
    ClaimedEffect,
    Exchanges,
    Job,
    Prepare,
    PutBack,
    back_off,
)
from shared.messaging.freshness import Barrier
from shared.messaging.fuses import Limits
from shared.messaging.shell import Fresh, Shell
from shared.outgoing import OUTCOME_MODELS, outcome_event
from shared.providers import AT_THE_SAME_TIME, HandOver, Provider
from shared.vault import VaultReader

__all__ = ["ClaimedEffect", "EffectWorker", "Prepare"]

log = structlog.get_logger(__name__)

CLAIMS = 4 * AT_THE_SAME_TIME
STEP_CLAIMS = 500
POLL_SECONDS = 0.5
RECOVER_EVERY_SECONDS = 5.0
STATUSES = {"unknown": "unknown", "refused": "refused"}
"""What the worker itself says of an effect, and how the row is settled then; all else is `done`."""
RECOVER_AFTER = timedelta(seconds=OVER_AFTER_SECONDS)
"""A claim as old as this, that this process does not hold, is of a process that died: an exchange is shorter."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """Why a pending effect is left alone until the monotonic instant `until`: `failures`, or 0 for a missing value."""

    until: float
    failures: int


class EffectWorker:
    """
    Works for one service in one process: run() as time passes, or run_due_step() in stepped time.

    *owned* answers the partitions of this process, *fresh* goes to the shell, *observe* lets nothing leave,
    *silent* tells whether core banking has been silent for too long: then nothing is claimed. *packs* are the
    rule packs that are loaded: what was permitted under others is refused (None: not compared).
    """

    def __init__(
        self,
        shell: Shell,
        engine: AsyncEngine,
        clock: Clock,
        *,
        provider: Provider,
        prepare: Prepare,
        vault: VaultReader,
        barrier: Barrier,
        owned: Callable[[], Collection[int]],
        fresh: Fresh,
        observe: bool = False,
        silent: Callable[[datetime], Awaitable[bool]] | None = None,
        limits: Limits = fuses.OFF,
        packs: Collection[str] | None = None,
        over_after: float = OVER_AFTER_SECONDS,
    ) -> None:
        self._silent = silent
        self._shell = shell
        self._service = shell.reactor.name
        self._engine = engine
        self._clock = clock
        self._provider = provider.name
        self._exchanges = Exchanges(
            self._service, clock, provider, prepare, vault, packs=packs, over_after=over_after
        )
        self._barrier = barrier
        self._packs = packs
        self._owned = owned
        self._fresh = fresh
        self._claims = Claims(engine, self._service, provider.name, limits, observe)
        self._jobs: dict[str, Job] = {}
        self._waits: dict[str, _Wait] = {}
        self._due = asyncio.Event()
        self._recovered_at = -RECOVER_EVERY_SECONDS
        self.last_error = ""
        self.failures = 0
        self.rounds = 0

    @property
    def retries(self) -> int:
        """How many exchanges failed."""
        return self._exchanges.retries

    @property
    def in_hand(self) -> int:
        """How many effects this process has claimed and not settled."""
        return len(self._jobs)

    def wake(self) -> None:
        """Effects were started: look at once."""
        self._due.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Let effects leave as they fall due, until *stopping*; what is under way is finished."""
        wait = POLL_SECONDS
        while not stopping.is_set():
            self._due.clear()
            try:
                done = await self._cycle(CLAIMS, RECOVER_AFTER)
                self.last_error, wait = "", POLL_SECONDS
            except Exception as error:
                self.last_error = type(error).__name__
                self.failures += 1
                log.exception("effects_failed", service=self._service, again_in=wait)
                done, wait = 0, min(2 * wait, LONGEST_WAIT)
            if not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), wait)

    async def run_due_step(self) -> int:
        """
        Execute once every effect that is due at the clock's instant, await all of them; answer how many.

        What failed is tried again until it has left or is settled; what waits for a value is left alone.
        """
        self._waits.clear()
        executed = 0
        while True:
            backing_off = (
                self._backing_off()
            )  # asked before: one whose wait is over is still looked at
            done = await self._cycle(STEP_CLAIMS, timedelta(0))
            executed += done
            if not (done or self._jobs or backing_off or self._backing_off()):
                return executed
            if not done:
                await asyncio.sleep(FIRST_WAIT / 4)

    def _backing_off(self) -> bool:
        return any(wait.failures and wait.until > monotonic() for wait in self._waits.values())

    async def _cycle(self, limit: int, recover_after: timedelta) -> int:
        partitions = sorted(self._owned())
        self._jobs = {i: job for i, job in self._jobs.items() if job.row.partition in partitions}
        if not partitions:
            return 0
        self.rounds += 1
        await self._shell.watch.go_on()
        now = self._clock.now()
        await self._recover(partitions, now - recover_after)
        settled = await self._claim(partitions, now, limit) if len(self._jobs) < limit else 0
        ready = [job for job in self._jobs.values() if job.next_at <= monotonic()]
        answers = await asyncio.gather(*(self._exchanges.attempt(job) for job in ready))
        left = sum(isinstance(answer, HandOver) for answer in answers)
        killpoints.reach("effects.after_hand_over", in_hand=left)
        return settled + await self._settle(ready)

    async def _recover(self, partitions: Sequence[int], before: datetime) -> None:
        """Take over what a process that died left as `sending`: it may have left the system."""
        if monotonic() - self._recovered_at < RECOVER_EVERY_SECONDS:
            return
        async with self._engine.connect() as connection:
            rows = await effect_rows.sending(connection, partitions)
        for row in rows:
            if row.claimed_at is None or row.claimed_at <= before:
                self._jobs.setdefault(
                    row.effect_id, Job(row, monotonic(), exchanged=True, over=True)
                )
        self._recovered_at = monotonic()

    async def _claim(self, partitions: Sequence[int], now: datetime, limit: int) -> int:
        """Claim what may leave at *now*; answers how many were settled without leaving."""
        at = monotonic()
        self._waits = {i: w for i, w in self._waits.items() if w.until + LONGEST_WAIT > at}
        waiting = {i for i, wait in self._waits.items() if wait.until > at}
        async with self._engine.connect() as connection:
            due = await effect_rows.due(
                connection, now, partitions, limit + len(waiting), provider=self._provider
            )
        due = [r for r in due if r.effect_id not in waiting and r.effect_id not in self._jobs]
        refused = await self._refuse(due, now)
        due = [r for r in due if r.effect_id not in refused]
        ready = await self._barrier.passed({row.partition for row in due})
        chosen = [row for row in due if row.partition in ready][:limit]
        if not chosen or (self._silent is not None and await self._silent(now)):
            return len(refused)
        began = monotonic()
        taken = await self._claims.take(chosen, now)
        if self._claims.observe:
            return len(refused) + len(taken)
        self._jobs |= {row.effect_id: Job(row, began) for row in taken}
        killpoints.reach("effects.after_claim", in_hand=len(taken))
        return len(refused)

    async def _refuse(self, due: Sequence[EffectRow], now: datetime) -> Collection[str]:
        """Settle what must not leave: its window is over, or it has no leave; answers which."""
        reasons = refusals.of(due, now, self._packs)
        refused = [row for row in due if row.effect_id in reasons]
        facts = [refusals.told(self._service, row, now, reasons[row.effect_id]) for row in refused]
        await self._tell(facts, dict.fromkeys(reasons, "refused"))
        return reasons

    async def _settle(self, jobs: Iterable[Job]) -> int:
        """Hand the outcomes to the shell, in one transaction with their rows; put back what did not leave."""
        now = self._clock.now()
        done: dict[str, Event] = {}
        statuses: dict[str, str] = {}
        back: list[Job] = []
        for job in jobs:
            if isinstance(job.answer, HandOver):
                effect_id = job.row.effect_id
                done[effect_id] = self._outcome(job, job.answer, job.answered_at or now)
                statuses[effect_id] = STATUSES.get(job.answer.outcome, "done")
            elif job.answer is not None:
                back.append(job)
        if back:
            async with self._engine.begin() as tx:
                await effect_rows.put_back(tx, [job.row for job in back], now)
            for job in back:
                self._wait_for(job)
        lapsed = [job.row for job in jobs if statuses.get(job.row.effect_id) == "refused"]
        await refusals.uncount(self._engine, lapsed)
        await self._tell(list(done.values()), statuses)
        for effect_id in done:
            self._jobs.pop(effect_id, None)
            self._waits.pop(effect_id, None)
        return len(done)

    def _wait_for(self, job: Job) -> None:
        """Leave an effect that was put back alone for a while: the longer, the more often it failed."""
        effect_id = job.row.effect_id
        self._jobs.pop(effect_id, None)
        wait, failures = HELD_SECONDS, 0
        if isinstance(job.answer, PutBack) and job.answer.failed:
            before = self._waits.get(effect_id)
            failures = (before.failures if before else 0) + 1
            wait = back_off(failures)
        self._waits[effect_id] = _Wait(monotonic() + wait, failures)

    def _outcome(self, job: Job, answer: HandOver, at: datetime) -> Event:
        row, cause = job.row, job.cause
        if answer.outcome == "refused":
            event = refusals.told(self._service, row, at, answer.reason)
        else:
            fact = OUTCOME_MODELS[self._service](
                customer_id=row.customer_id,
                effect_id=row.effect_id,
                outcome=answer.outcome,  # type: ignore[arg-type]
                reason=answer.reason,
                at=at,
            )
            own = answer.outcome == "unknown"
            source = f"/effects/{self._service}" if own else f"/providers/{self._provider}"
            event = outcome_event(fact, at, source)
        return msgspec.structs.replace(
            event,
            correlationid=cause.correlationid,
            traceparent=job.traceparent or cause.parent_at(at),
        )

    async def _tell(self, facts: Sequence[Event], statuses: Mapping[str, str]) -> None:
        if not facts and not statuses:
            return
        results = await self._shell.handle_facts(facts, fresh=self._fresh, settle_effects=statuses)
        for fact, result in zip(facts, results, strict=True):
            if result.status in {"conflict", "refused"}:
                log.error(
                    "outcome_not_taken", service=self._service, id=fact.id, reason=result.reason
                )
