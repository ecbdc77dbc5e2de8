"""Call the services back: a queue of outcomes by their due instant, and their delivery as webhooks."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush

import httpx2
import msgspec
import structlog

from shared.events.envelope import Fact
from shared.events.registry import TYPE_OF

TIMEOUT = httpx2.Timeout(10.0, connect=2.0)
ATTEMPTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between attempts: doubled each time, six attempts take about three seconds."""
AT_THE_SAME_TIME = 16
log = structlog.get_logger()


@dataclass(frozen=True, order=True, slots=True)
class Callback:
    """One outcome to be told: the `nth` (from 1; the hand-over is 0) of its effect, once `due` has come."""

    due: datetime
    effect_id: str
    nth: int
    service: str = field(compare=False)
    event_id: str = field(compare=False)
    fact: Fact = field(compare=False)

    def body(self) -> bytes:
        """Answer the webhook's body: the same on every attempt."""
        return msgspec.json.encode(
            {
                "type": TYPE_OF[type(self.fact)],
                "id": self.event_id,
                "time": self.due,
                "data": self.fact,
            }
        )


class Queue:
    """What is still to be told, soonest first."""

    def __init__(self) -> None:
        self._heap: list[Callback] = []

    def __len__(self) -> int:
        """Count what is still to be told."""
        return len(self._heap)

    def add(self, callback: Callback) -> None:
        """Put one in; also one that could not be delivered back."""
        heappush(self._heap, callback)

    def next_due(self) -> datetime | None:
        """Answer the soonest due instant."""
        return self._heap[0].due if self._heap else None

    def services(self) -> set[str]:
        """Name the services that are still to be told something."""
        return {callback.service for callback in self._heap}

    def take_due(self, now: datetime) -> list[Callback]:
        """Take out all that are due at *now*, in order."""
        due = []
        while self._heap and self._heap[0].due <= now:
            due.append(heappop(self._heap))
        return due


class Delivery:
    """
    Posts callbacks to `{base}/webhooks/outcomes` of their service until it answers 2xx.

    `repeats` tells whether a webhook is sent once more after it was acknowledged;
    `acknowledged` is called once for each that was.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        bases: Mapping[str, str],
        *,
        repeats: Callable[[Callback], bool],
        acknowledged: Callable[[Callback], None],
    ) -> None:
        self._client = client
        self._bases = bases
        self._repeats = repeats
        self._acknowledged = acknowledged
        # Each service has its own: one that hangs must not hold up the others' outcomes.
        self._slots = {service: asyncio.Semaphore(AT_THE_SAME_TIME) for service in bases}

    async def deliver(self, callbacks: list[Callback]) -> list[Callback]:
        """
        Deliver *callbacks*, those of one customer one after the other; answer those that nobody took.

        After one that failed the customer's later ones are not tried: they must not overtake it.
        """
        queues: dict[tuple[str, str], list[Callback]] = defaultdict(list)
        for callback in callbacks:
            queues[callback.service, callback.fact.customer_id].append(callback)
        left = await asyncio.gather(*map(self._deliver_in_order, queues.values()))
        return [callback for rest in left for callback in rest]

    async def _deliver_in_order(self, callbacks: list[Callback]) -> list[Callback]:
        async with self._slots[callbacks[0].service]:
            for index, callback in enumerate(callbacks):
                if not await self._until_taken(callback):
                    return callbacks[index:]
                self._acknowledged(callback)
                if self._repeats(callback):
                    await self._post(callback)
        return []

    async def _until_taken(self, callback: Callback) -> bool:
        pause = FIRST_PAUSE
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            if await self._post(callback):
                return True
        return False

    async def _post(self, callback: Callback) -> bool:
        url = f"{self._bases[callback.service].rstrip('/')}/webhooks/outcomes"
        try:
            answer = await self._client.post(
                url,
                content=callback.body(),
                headers={"Content-Type": "application/json", "Idempotency-Key": callback.event_id},
            )
        except httpx2.HTTPError as error:
            log.warning("webhook_failed", service=callback.service, error=repr(error))
            return False
        if not answer.is_success:
            log.warning("webhook_refused", service=callback.service, status=answer.status_code)
        return answer.is_success
