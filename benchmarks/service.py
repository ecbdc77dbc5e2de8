"""One process of the benchmark's service: the runtime's own Consumer, Shell and Relay, composed as in shared/runtime.py."""

import asyncio
from collections.abc import Collection, Sequence
from time import monotonic

from benchmarks.child import Assignment, Report, assignment, word
from benchmarks.parts import PARTITIONS
from benchmarks.tab import KEYS, REACTOR
from shared.clock import SystemClock
from shared.db import engine_for
from shared.messaging.consumer import Consumer
from shared.messaging.records import Record
from shared.messaging.relay import Relay
from shared.messaging.shell import Shell
from shared.messaging.topics import topics_of
from shared.metrics import Metrics


def always(_: int) -> bool:
    """Every partition is fresh: freshness is sampled once a second, and no part of the rate."""
    return True


async def main(given: Assignment) -> None:
    """Serve until told to stop."""
    report = Report()
    engine = engine_for(given.url, REACTOR.name)
    metrics = Metrics(REACTOR.name)
    shell = Shell(
        REACTOR,
        engine,
        SystemClock(),
        keys=KEYS,
        partitions=PARTITIONS,
        observe=metrics.observe,
    )
    await shell.prepare()
    relay = Relay(given.bootstrap, engine, REACTOR.name, partitions=PARTITIONS)
    counts = {"decided": 0, "repeated": 0, "published": 0}

    async def handle(records: Sequence[Record]) -> None:
        report.begin()
        began = monotonic()
        result = await shell.handle(records, fresh=always)
        metrics.batch(result, monotonic() - began)
        report.saved(len(records))
        for name in counts:
            counts[name] += getattr(result, name)
        relay.wake()

    def assigned(partitions: Collection[int]) -> None:
        report.joined(len(partitions))

    consumer = Consumer(
        given.bootstrap,
        given.group,
        topics_of(REACTOR, keeps_vault=False),
        handle,
        partitions=PARTITIONS,
        assigned=assigned,
        max_records=given.batch,
    )
    await word("join")
    if given.paused:
        await consumer.pause()
    relay.start()
    consumer.start()
    await word("go")
    consumer.resume()
    await word("stop")
    report.end(**counts)
    await consumer.stop()
    await relay.stop()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(assignment()))
