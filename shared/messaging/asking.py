"""A fact that asks, and the tick that answers it, in one transaction under the lock of its case.

So two who ask at once are answered one after the other, and the second reckons with what the first was given.
Such a tick is made in stepped mode too: the request is in hand, and whoever asks waits for the answer.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.events.envelope import Event
from shared.messaging import inbox
from shared.messaging.arriving import fact_arrival
from shared.messaging.batch import window
from shared.messaging.cases import Case
from shared.messaging.cloudevents import BrokenEvent
from shared.messaging.records import FactResult
from shared.messaging.tally import Tally
from shared.messaging.transaction import Kit, Transaction

Lock = Callable[[AsyncConnection, list[str]], Awaitable[dict[str, Case]]]


class NotFresh(RuntimeError):
    """What core banking said lately may still wait in the queue, or somebody cannot decide this customer's events."""


class Asking:
    """Takes one fact and ticks its case, whatever else is due there; the caller knows that the partition is fresh."""

    def __init__(
        self,
        kit: Kit,
        engine: AsyncEngine,
        *,
        now: Callable[[], Awaitable[datetime]],
        lock: Lock,
        observe: Callable[[Tally], None],
    ) -> None:
        self._kit = kit
        self._engine = engine
        self._now = now
        self._lock = lock
        self._observe = observe

    async def ask(self, fact: Event) -> tuple[FactResult, Any]:
        """
        Answer what became of the fact, and the state of its case after the tick (None: it was refused).

        A repetition is no second question: nothing is ticked. Raises NotFresh, before anything is saved, while a
        service parks the customer, and ServiceStopped after a mass failure.
        """
        return await inbox.again_if_taken(lambda: self._ask(fact))

    async def _ask(self, fact: Event) -> tuple[FactResult, Any]:
        now = await self._now()
        oldest, latest = window(now)
        try:
            arrival = fact_arrival(fact, self._kit.keys, oldest=oldest, latest=latest)
        except BrokenEvent as error:
            return FactResult("refused", f"{error.field}: {error.detail}"), None
        async with self._engine.begin() as tx:
            locked = await self._lock(tx, [arrival.customer_id])
            case = locked[arrival.customer_id]
            if case.parked_by:
                raise NotFresh("the customer is parked")
            work = Transaction(tx, self._kit, locked, now)
            await work.claim([arrival], months_around=1)
            if arrival.fate == "new":
                work.decide([arrival])
                work.folding.tick(case, fresh=True)
                await work.save()
            state = self._kit.cases.state_of(case)
        self._observe(work.tally())
        match arrival.fate:
            case "repeated":
                return FactResult("repeated"), state
            case "reused":
                return FactResult("conflict", "id: was used before, with another body"), state
            case _:
                return FactResult("new"), state
