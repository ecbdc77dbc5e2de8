"""The effect worker: lets due effects leave once each, and hands what became of them to the shell as facts.

No effect leaves after a payment that stood in Kafka before its claim: claims pass the barrier of freshness.py.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import killpoints
from shared.clock import Clock
from shared.events.envelope import Event
from shared.messaging import effect_rows
from shared.messaging.effect_rows import EffectRow
from shared.messaging.freshness import Barrier
from shared.messaging.shell import Fresh, Shell
from shared.outgoing import OUTCOME_MODELS, expired_event, outcome_event
from shared.providers import (
    AT_THE_SAME_TIME,
    HandOver,
    LookupImpossible,
    Provider,
    ProviderRequest,
)
from shared.vault import VaultReader

log = structlog.get_logger(__name__)

CLAIMS = 4 * AT_THE_SAME_TIME
STEP_CLAIMS = 500
POLL_SECONDS = 0.5
HELD_SECONDS = 5.0
RECOVER_EVERY_SECONDS = 5.0
RECOVER_AFTER = timedelta(seconds=20)
"""A claim as old as this, that this process does not hold, is of a process that died: an exchange is shorter."""
GIVE_UP_AFTER = timedelta(hours=1)
"""So long after the window's end a provider that does not answer a look-up counts as one that cannot tell."""
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0


@dataclass(frozen=True, slots=True)
class ClaimedEffect:
    """An effect that is about to leave: references only, no contact values."""

    effect_id: str
    customer_id: str
    kind: str
    request: Mapping[str, Any]
    not_before: datetime
    not_after: datetime


Prepare = Callable[[ClaimedEffect, VaultReader], Awaitable[ProviderRequest | None]]
"""Looks up values and renders; None while a value is missing: then the effect waits until its window is over."""


@dataclass(slots=True)
class _Job:
    """A row that stands as `sending`, and is ours; `look_up` where the provider may have it already."""

    row: EffectRow
    look_up: bool = False
    failures: int = 0
    next_at: float = 0.0

    def again_later(self, now: datetime) -> None:
        self.failures += 1
        self.next_at = monotonic() + min(FIRST_WAIT * 2 ** min(self.failures, 10), LONGEST_WAIT)
        self.look_up = self.look_up or now >= self.row.not_after


class _PutBack(Exception):
    """It has not left: it is pending again, to be claimed anew or to expire."""


class EffectWorker:
    """
    Works for one service in one process: run() as time passes, or run_due_step() in stepped time.

    *owned* answers the partitions of this process, *fresh* goes to the shell, *observe* lets nothing leave,
    *silent* tells whether core banking has been silent for too long: then nothing is claimed.
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
    ) -> None:
        self._silent = silent
        self._shell = shell
        self._service = shell.reactor.name
        self._engine = engine
        self._clock = clock
        self._provider = provider
        self._prepare = prepare
        self._vault = vault
        self._barrier = barrier
        self._owned = owned
        self._fresh = fresh
        self._observe = observe
        self._jobs: dict[str, _Job] = {}
        self._held: dict[str, float] = {}
        self._slots = asyncio.Semaphore(AT_THE_SAME_TIME)
        self._due = asyncio.Event()
        self._recovered_at = -RECOVER_EVERY_SECONDS
        self.last_error = ""
        self.failures = 0
        self.retries = 0

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
        """Execute once every effect that is due at the clock's instant, await all of them; answer how many."""
        self._held.clear()
        executed = 0
        while (done := await self._cycle(STEP_CLAIMS, timedelta(0))) or self._jobs:
            executed += done
            if not done:
                await asyncio.sleep(FIRST_WAIT / 4)
        return executed

    async def _cycle(self, limit: int, recover_after: timedelta) -> int:
        partitions = sorted(self._owned())
        self._jobs = {i: job for i, job in self._jobs.items() if job.row.partition in partitions}
        if not partitions:
            return 0
        now = self._clock.now()
        await self._recover(partitions, now - recover_after)
        settled = await self._claim(partitions, now, limit) if len(self._jobs) < limit else 0
        ready = [job for job in self._jobs.values() if job.next_at <= monotonic()]
        answers = await asyncio.gather(*(self._attempt(job) for job in ready))
        left = sum(isinstance(answer, HandOver) for answer in answers)
        killpoints.reach("effects.after_hand_over", in_hand=left)
        return settled + await self._settle(zip(ready, answers, strict=True))

    async def _recover(self, partitions: Sequence[int], before: datetime) -> None:
        """Take over what a process that died left as `sending`: it may have left the system."""
        if monotonic() - self._recovered_at < RECOVER_EVERY_SECONDS:
            return
        async with self._engine.connect() as connection:
            rows = await effect_rows.sending(connection, partitions)
        for row in rows:
            if row.claimed_at is None or row.claimed_at <= before:
                self._jobs.setdefault(row.effect_id, _Job(row, look_up=True))
        self._recovered_at = monotonic()

    async def _claim(self, partitions: Sequence[int], now: datetime, limit: int) -> int:
        """Claim what may leave at *now*; answers how many were settled without leaving."""
        self._held = {i: until for i, until in self._held.items() if until > monotonic()}
        async with self._engine.connect() as connection:
            due = await effect_rows.due(connection, now, partitions, limit + len(self._held))
        due = [
            row
            for row in due
            if row.effect_id not in self._held and row.effect_id not in self._jobs
        ]
        late = [row for row in due if now >= row.not_after]
        if late:
            await self._tell(
                [expired_event(self._service, r.customer_id, r.effect_id, now) for r in late],
                {row.effect_id: "refused" for row in late},
            )
        ready = await self._barrier.passed({row.partition for row in due if now < row.not_after})
        chosen = [r.effect_id for r in due if now < r.not_after and r.partition in ready][:limit]
        if not chosen or (self._silent is not None and await self._silent(now)):
            return len(late)
        async with self._engine.begin() as tx:
            taken, _ = await effect_rows.claim(tx, chosen, now)
            if self._observe:
                await effect_rows.settle(tx, {row.effect_id: "observed" for row in taken}, now)
        if self._observe:
            return len(late) + len(taken)
        self._jobs |= {row.effect_id: _Job(replace(row, claimed_at=now)) for row in taken}
        killpoints.reach("effects.after_claim", in_hand=len(taken))
        return len(late)

    async def _attempt(self, job: _Job) -> HandOver | _PutBack | None:
        """Make one exchange with the provider; None: again later."""
        row = job.row
        async with self._slots:
            try:
                if job.look_up:
                    return await self._provider.look_up(row.effect_id) or _PutBack()
                effect = ClaimedEffect(
                    row.effect_id,
                    row.customer_id,
                    row.kind,
                    row.request,
                    row.not_before,
                    row.not_after,
                )
                request = await self._prepare(effect, self._vault)
                if request is None:
                    self._held[row.effect_id] = monotonic() + HELD_SECONDS
                    return _PutBack()
                claimed_at = row.claimed_at or self._clock.now()
                return await self._provider.hand_over(
                    row.effect_id, row.customer_id, claimed_at, request
                )
            except LookupImpossible:
                return HandOver("unknown")
            except Exception as error:  # noqa: BLE001  whatever it is, the effect must not be lost
                now = self._clock.now()
                self.retries += 1
                log.warning(
                    "effect_again",
                    service=self._service,
                    kind=row.kind,
                    error=type(error).__name__,
                )
                if job.look_up and now >= row.not_after + GIVE_UP_AFTER:
                    return HandOver("unknown")
                job.again_later(now)
                return None

    async def _settle(self, results: Iterable[tuple[_Job, HandOver | _PutBack | None]]) -> int:
        """Hand the outcomes to the shell; the rows are done in the same transaction."""
        now = self._clock.now()
        facts: list[Event] = []
        statuses: dict[str, str] = {}
        for job, answer in results:
            if isinstance(answer, HandOver):
                facts.append(self._outcome(job.row, answer, now))
                statuses[job.row.effect_id] = "unknown" if answer.outcome == "unknown" else "done"
            elif answer is not None:
                statuses[job.row.effect_id] = "pending"
        await self._tell(facts, statuses)
        for effect_id in statuses:
            self._jobs.pop(effect_id, None)
        return len(facts)

    def _outcome(self, row: EffectRow, answer: HandOver, now: datetime) -> Event:
        fact = OUTCOME_MODELS[self._service](
            customer_id=row.customer_id,
            effect_id=row.effect_id,
            outcome=answer.outcome,  # type: ignore[arg-type]
            reason=answer.reason,
            at=now,
        )
        own = answer.outcome == "unknown"
        source = f"/effects/{self._service}" if own else f"/providers/{self._provider.name}"
        return outcome_event(fact, now, source)

    async def _tell(self, facts: Sequence[Event], statuses: Mapping[str, str]) -> None:
        if not facts and not statuses:
            return
        results = await self._shell.handle_facts(facts, fresh=self._fresh, settle_effects=statuses)
        for fact, result in zip(facts, results, strict=True):
            if result.status in {"conflict", "refused"}:
                log.error(
                    "outcome_not_taken", service=self._service, id=fact.id, reason=result.reason
                )
