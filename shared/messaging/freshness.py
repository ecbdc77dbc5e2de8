"""Know whether facts of core banking may still wait in the queue: nobody is dunned while their payment does."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from time import monotonic

import structlog

from shared.events.registry import CORE_BANKING
from shared.messaging.kafka import FAILURES, Offsets

log = structlog.get_logger(__name__)

MAX_AGE_SECONDS = 30.0
SAMPLE_SECONDS = 1.0
BARRIER_SECONDS = 2.0
BARRIER_POLL_SECONDS = 0.02
Settled = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]


class Freshness:
    """
    The bookkeeping: a partition of core banking is fresh when some sample of its end offset, not
    older than 30 s, is settled. A partition newly taken over begins stale.

    Instants are seconds of the machine's monotonic clock, never of the clock port.
    """

    def __init__(
        self, *, max_age: float = MAX_AGE_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        self._max_age = max_age
        self._clock = clock
        self._ahead: dict[int, deque[tuple[float, int]]] = {}
        self._settled: dict[int, int] = {}
        self._caught_up_at: dict[int, float] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are watched."""
        return frozenset(self._ahead)

    def assign(self, partitions: Collection[int]) -> None:
        """Watch exactly these; those that were not watched before begin stale."""
        self._ahead = {p: self._ahead.get(p, deque()) for p in partitions}
        self._settled = {p: o for p, o in self._settled.items() if p in self._ahead}
        self._caught_up_at = {p: t for p, t in self._caught_up_at.items() if p in self._ahead}

    def sample(self, taken_at: float, ends: Mapping[int, int]) -> None:
        """Note where the partitions ended; *taken_at* is when the question was sent."""
        for partition, end in ends.items():
            if (ahead := self._ahead.get(partition)) is None:
                continue
            ahead.append((taken_at, end))
            while ahead[0][0] < taken_at - self._max_age:
                ahead.popleft()
            self._catch_up(partition)

    def settle(self, partition: int, offset: int) -> None:
        """Note that every record below *offset* is saved, and its withdrawals took effect here."""
        if partition in self._ahead and offset > self._settled.get(partition, -1):
            self._settled[partition] = offset
            self._catch_up(partition)

    def is_fresh(self, partition: int) -> bool:
        """Tell whether what core banking said up to 30 s ago is settled."""
        caught_up_at = self._caught_up_at.get(partition)
        return caught_up_at is not None and caught_up_at >= self._clock() - self._max_age

    def stale(self) -> tuple[int, ...]:
        """Name the watched partitions that are not fresh."""
        return tuple(sorted(p for p in self._ahead if not self.is_fresh(p)))

    def _catch_up(self, partition: int) -> None:
        ahead, settled = self._ahead[partition], self._settled.get(partition, 0)
        while ahead and ahead[0][1] <= settled:
            self._caught_up_at[partition] = ahead.popleft()[0]


class Sampler:
    """Samples core banking's end offsets, and what is settled, about once a second, until cancelled."""

    def __init__(
        self,
        freshness: Freshness,
        offsets: Offsets,
        settled: Settled,
        *,
        every: float = SAMPLE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._freshness = freshness
        self._offsets = offsets
        self._settled = settled
        self._every = every
        self._clock = clock

    async def run(self) -> None:
        """Sample for ever; a broker or database that fails makes the partitions stale in time, no more."""
        while True:
            try:
                await self.once()
            except Exception:  # whatever fails here, staleness is the right consequence
                log.warning("freshness_not_sampled", exc_info=True)
            await asyncio.sleep(self._every)

    async def once(self) -> None:
        """Take one sample of the watched partitions."""
        partitions = self._freshness.partitions
        if not partitions:
            return
        taken_at = self._clock()
        self._freshness.sample(taken_at, await self._offsets.ends(CORE_BANKING, partitions))
        for partition, offset in (await self._settled(partitions)).items():
            self._freshness.settle(partition, offset)


class Barrier:
    """
    Lets an effect be claimed only when the scheduler has settled core banking up to where it ended
    after the claim began; *settled* answers that for given partitions.
    """

    def __init__(self, offsets: Offsets, settled: Settled) -> None:
        self._offsets = offsets
        self._settled = settled

    async def passed(self, partitions: Collection[int]) -> set[int]:
        """Answer the partitions where all that core banking has said by now is settled; waits a little for it."""
        if not partitions:
            return set()
        ends = await self._offsets.ends(CORE_BANKING, partitions)
        deadline = monotonic() + BARRIER_SECONDS
        while True:
            settled = await self._settled(partitions)
            ready = {p for p, end in ends.items() if settled.get(p, 0) >= end}
            if len(ready) == len(ends) or monotonic() > deadline:
                return ready
            await asyncio.sleep(BARRIER_POLL_SECONDS)

    async def passes(self, partition: int) -> bool:
        """
        Tell whether one partition is settled up to now, for somebody who waits for the answer.

        Of any partition: also of one that another process owns, and in stepped mode.
        """
        try:
            async with asyncio.timeout(2 * BARRIER_SECONDS):
                return partition in await self.passed({partition})
        except FAILURES as error:
            log.warning("freshness_not_known", error=type(error).__name__)
            return False
