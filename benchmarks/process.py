"""Run measured processes (child.py) side by side, from the word "join" until everything they wrote is published."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import asyncpg
import msgspec

from benchmarks.child import Assignment
from benchmarks.parts import PARTITIONS, Parts
from benchmarks.tab import REACTOR

LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Measured:
    """
    `seconds` of wall clock from the first batch until the outbox was empty; CPU seconds of the processes
    since their first batch, of PostgreSQL and Kafka since the word "join"; the durations of the batches.
    """

    seconds: float
    cpu: tuple[float, float, float]
    batches: list[float]
    members: int


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.records = self.joined = 0
        self.began = 0.0
        self.end: dict[str, Any] = {}
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = msgspec.json.decode(line)
            self.joined = told.get("joined", self.joined)
            self.records = told.get("records", self.records)
            self.began = self.began or told.get("began", 0.0)
            if "cpu" in told:
                self.end = told

    async def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        await self._process.stdin.drain()

    async def wait(self) -> None:
        await self.reading
        if await self._process.wait() != 0:
            raise RuntimeError("a measured process failed; see above")

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


async def measure(
    parts: Parts,
    module: str,
    url: str,
    group: str,
    *,
    members: int,
    batch: int,
    records: int,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """
    Run *members* processes of *module* until they have saved so many records and published all of it.

    *environment* is added to theirs.
    """
    together = members > 1
    given = Assignment(parts.bootstrap, url, group, batch, together)
    watching = await asyncpg.connect(url.replace("+asyncpg", ""))
    children = [await _spawn(module, given, environment or {}) for _ in range(members)]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            before = parts.cpu()
            for child in children:
                await child.say("join")
            while together and not _all_joined(children):  # noqa: ASYNC110  they are processes
                await asyncio.sleep(0.05)
            for child in children:
                await child.say("go")
            while sum(child.records for child in children) < records:
                _check(children)
                await asyncio.sleep(0.02)
            while await watching.fetchval(f"SELECT count(*) FROM {REACTOR.name}.outbox"):  # noqa: S608
                _check(children)
                await asyncio.sleep(0.01)
            seconds = monotonic() - min(child.began for child in children if child.began)
            after = parts.cpu()
            for child in children:
                await child.say("stop")
            await asyncio.gather(*(child.wait() for child in children))
    finally:
        for child in children:
            child.kill()
        await watching.close()
    ours = sum(child.end["cpu"] for child in children)
    return Measured(
        seconds,
        (ours, after[0] - before[0], after[1] - before[1]),
        [seconds for child in children for seconds in child.end["seconds"]],
        members,
    )


async def _spawn(module: str, given: Assignment, environment: Mapping[str, str]) -> _Child:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        msgspec.json.encode(given).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
        env={**os.environ, **environment},
    )
    return _Child(process)


def _all_joined(children: list[_Child]) -> bool:
    _check(children)
    return sum(c.joined for c in children) == PARTITIONS and all(c.joined for c in children)


def _check(children: list[_Child]) -> None:
    if any(child.reading.done() for child in children):
        raise RuntimeError("a measured process ended; see above")
