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
from shared.stepper import StepClient

QUIET_SECONDS = 120
"""How long a drain may take; a system that is not quiet by then hangs, and the run fails."""


SWEEPS = 2
"""Quiet is what this many sweeps in a row found so: a single one reported a false quiet in 34 of 300 runs."""


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
    produced: dict[str, dict[int, int]] = field(default_factory=dict)

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
                self.produced.setdefault(CORE_BANKING, {})[partition] = end
            await self._drain()
        if await self._deliver():
            await self._drain()
        for _ in range(MAX_ROUNDS):
            if not await self._round():
                return
        raise NotQuiet(f"more than {MAX_ROUNDS} rounds at {now.isoformat()}")

    async def _round(self) -> bool:
        """Do one pass of ticks; effects only if it published nothing. Answers whether anything was done."""
        self.rounds += 1
        await self._all("close")
        ticks = await self._all("tick")
        decided = sum(answer["decided"] for answer in ticks)
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
        return bool(decided or published or executed)

    async def _drain(self) -> None:
        """Wait until all is quiet: two sweeps in a row with nothing waiting anywhere."""
        quiet = 0
        deadline = asyncio.get_running_loop().time() + QUIET_SECONDS
        while quiet < SWEEPS:
            counts = dict(zip(self.clients, await self._all("counts"), strict=True))
            for answer in counts.values():
                for topic, ends in answer["produced"].items():
                    known = self.produced.setdefault(topic, {})
                    for partition, end in ends.items():
                        known[int(partition)] = max(end, known.get(int(partition), 0))
            waiting = self._waiting(counts)
            quiet = 0 if waiting else quiet + 1
            if waiting and asyncio.get_running_loop().time() > deadline:
                raise NotQuiet(f"after {QUIET_SECONDS} s there still waits: {waiting[:5]}")
            if waiting:
                await asyncio.sleep(0.002)

    def _waiting(self, counts: Mapping[str, Any]) -> list[str]:
        waiting = []
        for service, answer in counts.items():
            if answer["outbox"]:
                waiting.append(f"{service}: {answer['outbox']} rows in the outbox")
            for topic, saved in answer["saved"].items():
                for partition, end in self.produced.get(topic, {}).items():
                    if saved.get(str(partition), 0) < end:
                        waiting.append(f"{service}: {topic}/{partition} below {end}")
        return waiting

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
