"""One claimed effect and the provider: hand it over once, and after that only ask what became of it.

A payment that comes while a provider is down must win. So a hand-over whose answer is missing is never repeated under
its claim: the provider is asked. What it never saw is pending again, and passes everything that a claim passes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog

from shared.clock import Clock
from shared.messaging import refusals, spans
from shared.messaging.causes import Cause
from shared.messaging.effect_rows import EffectRow
from shared.permits import permitted
from shared.providers import (
    AT_THE_SAME_TIME,
    ATTEMPT_SECONDS,
    HandOver,
    LookupImpossible,
    Provider,
    ProviderRequest,
    ProviderUnavailable,
)
from shared.telemetry import tracing
from shared.vault import VaultReader

log = structlog.get_logger(__name__)

HELD_SECONDS = 5.0
USE_WITHIN_SECONDS = 5.0
"""A claim that is older is given up before its hand-over: what was decided or stopped since then counts."""
OVER_AFTER_SECONDS = 20.0
"""So long after a claim nothing of it is under way: begun within 5 s, ended within 10, and 5 for the network."""
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


@dataclass(frozen=True, slots=True)
class PutBack:
    """
    It surely has not left: it is pending again, to be claimed anew or to expire.

    `failed`: something went wrong, so it waits the longer the more often; else it waits for a value.
    """

    failed: bool


@dataclass(slots=True)
class Job:
    """
    A row that stands as `sending`, and is ours. `began` (before its claim) and the like are monotonic seconds.

    `exchanged`: the provider may have it, so it is only looked up. `over`: nothing of it is under way any
    more, so a look-up that does not find it counts. `answer` stands from `answered_at` on, until it is saved.
    """

    row: EffectRow
    began: float
    exchanged: bool = False
    over: bool = False
    failures: int = 0
    next_at: float = 0.0
    answer: HandOver | PutBack | None = None
    answered_at: datetime | None = None
    traceparent: str = ""

    @property
    def cause(self) -> Cause:
        """What the effect came from; its outcome goes on in the same thread."""
        return Cause.read(self.row.cause)

    def again_later(self, not_before: float = 0.0) -> None:
        """Look up again after a while that grows."""
        self.failures += 1
        self.next_at = max(not_before, monotonic() + back_off(self.failures))


def back_off(failures: int) -> float:
    """Answer how many seconds to wait after so many failures in a row."""
    return min(FIRST_WAIT * 2.0 ** min(failures, 10), LONGEST_WAIT)


class Exchanges:
    """
    Makes the exchanges of one process, a few at the same time. *over_after* is OVER_AFTER_SECONDS but in tests.

    *packs* are the rule packs that are loaded; None: permits are not compared with them.
    """

    def __init__(
        self,
        service: str,
        clock: Clock,
        provider: Provider,
        prepare: Prepare,
        vault: VaultReader,
        *,
        packs: Collection[str] | None = None,
        over_after: float = OVER_AFTER_SECONDS,
    ) -> None:
        self.provider = provider
        self.retries = 0
        self._service = service
        self._clock = clock
        self._prepare = prepare
        self._vault = vault
        self._packs = packs
        self._over_after = over_after
        self._slots = asyncio.Semaphore(AT_THE_SAME_TIME)

    async def attempt(self, job: Job) -> HandOver | PutBack | None:
        """Make one exchange about *job*, bounded in time; None: again later."""
        async with self._slots:
            if job.answer is None:
                try:
                    async with asyncio.timeout(2 * ATTEMPT_SECONDS):
                        job.answer = await self._traced(job)
                except LookupImpossible:
                    job.answer = HandOver("unknown")
                except Exception as error:  # noqa: BLE001  whatever it is, the effect must not be lost
                    job.answer = self._failed(job, error)
                job.answered_at = self._clock.now()
        return job.answer

    async def _traced(self, job: Job) -> HandOver | PutBack | None:
        row = job.row
        span = spans.of_exchange(
            "look up" if job.exchanged else "hand over",
            self._service,
            row.kind,
            job.cause,
            self._clock.now(),
        )
        with tracing.inside(span):
            job.traceparent = tracing.traceparent_of(span)
            return await (self._look_up(job) if job.exchanged else self._hand_over(job))

    async def _hand_over(self, job: Job) -> HandOver | PutBack:
        row = job.row
        if monotonic() - job.began > USE_WITHIN_SECONDS:
            return PutBack(failed=True)
        effect = ClaimedEffect(
            row.effect_id, row.customer_id, row.kind, row.request, row.not_before, row.not_after
        )
        request = await self._prepare(effect, self._vault)
        if request is None:
            return PutBack(failed=False)
        if monotonic() - job.began > USE_WITHIN_SECONDS:
            return PutBack(failed=True)
        now = self._clock.now()
        if permitted.is_early(row.request, now):
            return PutBack(failed=False)
        if reason := refusals.at_exit(row, now, self._packs):  # the last look before it is theirs
            return HandOver("refused", reason)
        permit = permitted.permit_of(row.request)
        request = replace(
            request,
            permit_id=permit.permit_id if permit else "",
            validity_until=permitted.valid_until(row.kind, row.request, row.not_after, now),
        )
        claimed_at = row.claimed_at or now
        job.exchanged = True
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self.provider.hand_over(
                    row.effect_id, row.customer_id, claimed_at, request
                )
        except ProviderUnavailable as error:
            if error.how == "never_left":
                return PutBack(failed=True)
            job.over = error.how == "answered"
            raise

    async def _look_up(self, job: Job) -> HandOver | PutBack | None:
        if found := await self.provider.look_up(job.row.effect_id):
            return found
        over_at = job.began + self._over_after
        if not job.over and monotonic() < over_at:
            job.again_later(over_at)
            return None
        return PutBack(failed=True)

    def _failed(self, job: Job, error: Exception) -> HandOver | PutBack | None:
        """Answer what an exchange that failed means; None: look up, later."""
        self.retries += 1
        kind = type(error).__name__
        log.warning("effect_again", service=self._service, kind=job.row.kind, error=kind)
        if not job.exchanged:
            return PutBack(failed=True)
        if self._clock.now() >= job.row.not_after + GIVE_UP_AFTER:
            return HandOver("unknown")
        job.again_later()
        return None
