"""Play a plan as core banking would: `python -m tests.faults.player PLAN BOOTSTRAP`; what is not acknowledged is sent again."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from shared.clock import SystemClock
from shared.events.envelope import Event
from shared.events.jsonl import read_line
from shared.messaging.kafka import FAILURES
from shared.messaging.publisher import Publisher

MOST = 40
TICK = timedelta(microseconds=1)


def read(path: Path) -> list[tuple[float, Event]]:
    lines = map(msgspec.json.decode, path.read_bytes().splitlines())
    return [(line["at"], read_line(line["line"].encode())) for line in lines]


async def play(path: Path, bootstrap: str) -> None:
    waiting = read(path)
    clock = SystemClock()
    sent: dict[str, Event] = {}
    last = clock.now()
    began = asyncio.get_running_loop().time()
    while waiting:
        await asyncio.sleep(max(0.0, waiting[0][0] - (asyncio.get_running_loop().time() - began)))
        elapsed = asyncio.get_running_loop().time() - began
        count = sum(1 for at, _ in waiting[:MOST] if at <= elapsed) or 1
        events = []
        for _, event in waiting[:count]:
            if event.id not in sent:
                # a payment that bears the very instant of the missed one counts as netted in it
                last = max(clock.now(), last + TICK)
                sent[event.id] = replace(event, time=last)
            events.append(sent[event.id])  # a second telling is the same to the byte
        await until_acknowledged(bootstrap, events)
        waiting = waiting[count:]


_publishers: dict[str, Publisher] = {}


async def until_acknowledged(bootstrap: str, events: list[Event]) -> None:
    while True:
        try:
            if bootstrap not in _publishers:
                _publishers[bootstrap] = await Publisher(bootstrap).__aenter__()
            async with asyncio.timeout(10):
                await _publishers[bootstrap].publish(events)
        except FAILURES as error:
            sys.stderr.write(f"again: {error!r}\n")
            if publisher := _publishers.pop(bootstrap, None):
                await publisher.__aexit__(None, None, None)
            await asyncio.sleep(0.5)
        else:
            return


async def main() -> None:
    path, bootstrap = sys.argv[1:]
    await play(Path(path), bootstrap)
    for publisher in _publishers.values():
        await publisher.__aexit__(None, None, None)


if __name__ == "__main__":
    asyncio.run(main())
