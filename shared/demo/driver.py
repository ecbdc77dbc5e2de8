"""Drive the real services through stepped time: the loop of DESIGN.md section 4 over Kafka and PostgreSQL.

At each instant: every clock is set; facts are delivered and drained until all is quiet; then rounds of
ticks, and of effects once the decisions of the instant have settled, until nothing is due.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from shared.events.envelope import Event
from shared.events.registry import CORE_BANKING, SERVICES
from shared.messaging.publisher import Publisher
from shared.replay.world import MAX_ROUNDS
from shared.stepper import StepClient, StepError

QUIET_SECONDS = 120
"""How long a drain may take; a system that is not quiet by then hangs, and the run fails."""


class NotQuiet(RuntimeError):
    """Something goes on that should have come to rest; the message holds the counts."""


@dataclass(slots=True)
class Driver:
    """
    Steps the services named in *clients* and the sandbox at *sandbox_url*.

    `instants` and `rounds` count what was stepped through, for the figures at the end.
    """

    publisher: Publisher
    clients: Mapping[str, StepClient]
    sandbox: httpx2.AsyncClient
    instants: int = 0
    rounds: int = 0
    produced: dict[str, dict[str, int]] = field(default_factory=dict)
    _unsaved: bool = False

    async def run(
        self,
        facts: Iterable[Event],
        until: datetime,
        on_instant: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        """Deliver *facts* (sorted by time) as time passes, and live on to *until*."""
        waiting = list(facts)
        place = 0
        now = waiting[0].time if waiting else None
        while now is not None and now <= until:
            end = place
            while end < len(waiting) and waiting[end].time <= now:
                end += 1
            await self.instant(now, waiting[place:end])
            on_instant(now)
            place = end
            coming = [await self._next()]
            if place < len(waiting):
                coming.append(waiting[place].time)
            now = min((at for at in coming if at is not None), default=None)

    async def instant(self, now: datetime, facts: Sequence[Event]) -> None:
        """Live through one instant to its end."""
        self.instants += 1
        await self._all("clock", now=now.isoformat())
        await self._post("/_step/clock", {"now": now.isoformat()})
        if facts:
            for partition, end in (await self.publisher.publish(facts)).items():
                self.produced.setdefault(CORE_BANKING, {})[str(partition)] = end
            self._unsaved = True
            await self._drain()
        if await self._deliver():
            await self._drain()
        for _ in range(MAX_ROUNDS):
            if not await self._round():
                return
        raise NotQuiet(f"more than {MAX_ROUNDS} rounds at {now.isoformat()}")

    async def _round(self) -> bool:
        """Do one pass of ticks; effects only if it published nothing. Answers whether another may be needed."""
        self.rounds += 1
        await self._all("close")
        ticks = await self._all("tick")
        again = any(answer["again"] for answer in ticks)
        published = sum(answer["published"] for answer in ticks)
        executed = 0
        if not published:
            executed = sum(answer["executed"] for answer in await self._all("effects"))
        await self._all("open")
        if published:
            await self._drain()
        delivered = await self._deliver() if executed else 0
        if delivered:
            await self._drain()
        return bool(again or published or executed)

    async def _drain(self) -> None:
        """
        Wait until all is quiet: outboxes empty, everything published saved by all who read it, and
        outboxes still empty after that, because saving may publish too (the scheduler's progress).
        """
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while await self._flush():
                    await self._all("save", ends=self.produced)
        except (TimeoutError, StepError) as error:
            counts = dict(zip(SERVICES, await self._all("counts"), strict=True))
            raise NotQuiet(f"{error!r}; {counts}") from error

    async def _flush(self) -> bool:
        """Let everything in the outboxes go out; answers whether anything new did since the last drain."""
        new = self._unsaved
        for answer in await self._all("flush"):
            for topic, ends in answer["produced"].items():
                known = self.produced.setdefault(topic, {})
                for partition, end in ends.items():
                    if end > known.get(partition, 0):
                        known[partition] = end
                        new = True
        self._unsaved = False
        return new

    async def _deliver(self) -> int:
        answer = await self._post("/_step/deliver", {})
        return int(answer["delivered"])

    async def _next(self) -> datetime | None:
        answers = await self._all("next")
        instants = [answer["next"] for answer in answers]
        response = await self.sandbox.get("/_step/next")
        instants.append(response.raise_for_status().json()["next"])
        return min((datetime.fromisoformat(at) for at in instants if at), default=None)

    async def _all(self, command: str, **arguments: Any) -> list[Any]:
        calls = (self.clients[name].call(command, **arguments) for name in SERVICES)
        return list(await asyncio.gather(*calls))

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        response = await self.sandbox.post(path, json=body)
        return response.raise_for_status().json()
