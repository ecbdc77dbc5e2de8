"""Events per second through one service, end to end, beside the ceiling: the same work written by hand (ceiling.py).

Kafka -> decide -> PostgreSQL -> outbox -> Kafka, real parts with fsync on. The runs are interleaved, each on its own copy
of one filled database and with a new group, so that each reads the same records.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import median

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.parts import PARTITIONS, Parts, servers
from benchmarks.process import Measured, measure
from benchmarks.tab import REACTOR, filled, payment
from benchmarks.tables import quantile, table
from shared.canonical import canonical
from shared.clock import SystemClock
from shared.events.envelope import Event
from shared.ids import derive
from shared.messaging.kafka import Offsets
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics

CUSTOMERS = 20_000
REPEATED = 0.05
GOAL = 0.6
SYSTEMS = ("service", "ceiling")


@dataclass(frozen=True)
class Load:
    """What is measured: records per run (5 % of them repeats), pairs of runs, members, most per batch."""

    records: int
    rounds: int
    processes: int
    batch: int


@dataclass(frozen=True)
class Run:
    """One run's figures, and what it left behind; `rows` is a digest of facts and states in the tables."""

    system: str
    measured: Measured
    records: int
    outputs: int
    twice: int
    leftovers: int
    rows: str

    @property
    def rate(self) -> float:
        """Records per second, from the first batch until the outbox was empty."""
        return self.records / self.measured.seconds

    def micros(self, part: int) -> float:
        """CPU microseconds per record: of the service (0), PostgreSQL (1), Kafka (2)."""
        return 1e6 * self.measured.cpu[part] / self.records


def customer(number: int) -> str:
    """Answer a customer's id."""
    return f"bench-{number:06d}"


def stream(records: int, now: datetime) -> Iterator[Event]:
    """Answer payments of random customers; one in twenty is said again, up to 2,000 records later."""
    random = Random(20)
    recent: list[Event] = []
    for number in range(records):
        if recent and random.random() < REPEATED:
            yield random.choice(recent)
            continue
        data = payment(customer(random.randrange(CUSTOMERS)), number)
        event = Event(
            id=derive("benchmark", number),
            source="/benchmark",
            type="payment.received",
            subject=data.customer_id,
            time=now + timedelta(milliseconds=number),
            data=data,
            dataschema="urn:arrears:payment.received:1",
        )
        recent = [*recent[-1999:], event] if number % 100 == 0 else recent
        if number % 5 == 0:
            recent.append(event)
        yield event


async def run(load: Load) -> None:
    """Measure and print."""
    facts = list(stream(load.records, SystemClock().now() - timedelta(hours=1)))
    distinct = len({fact.id for fact in facts})
    with servers(kafka=True) as parts:
        await parts.fill(customer(number) for number in range(CUSTOMERS))
        await ensure_topics(parts.bootstrap, PARTITIONS)
        async with Publisher(parts.bootstrap) as publisher:
            await publisher.publish(facts)
        await _one(parts, load, "ceiling", 1, "warm_up")  # Kafka compiles what is hot
        runs = []
        for turn in range(load.rounds):
            for system in SYSTEMS[:: -1 if turn % 2 else 1]:
                members = load.processes if system == "service" else 1
                runs.append(await _one(parts, load, system, members, f"{system}_{turn}"))
    _print(load, runs, facts, distinct)


async def _one(parts: Parts, load: Load, system: str, members: int, name: str) -> Run:
    url = await parts.copy(name)
    offsets = Offsets(parts.bootstrap, client_id="judge")
    before = await offsets.ends(REACTOR.name, range(PARTITIONS))
    measured = await measure(
        parts, f"benchmarks.{system}", url, name, members=members, batch=load.batch,
        records=load.records,
    )  # fmt: skip
    after = await offsets.ends(REACTOR.name, range(PARTITIONS))
    await offsets.close()
    said = await _published(parts.bootstrap, before, after)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    leftovers = await connection.fetchval(f"SELECT count(*) FROM {REACTOR.name}.outbox")  # noqa: S608
    rows = await connection.fetchval(ROWS)
    await connection.close()
    await parts.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return Run(
        system, measured, load.records, len(said), sum(said.values()) - len(said), leftovers, rows
    )


ROWS = f"""
    SELECT md5((SELECT string_agg(concat(event_key, customer_id, payload, payload_digest, time), '' ORDER BY event_key)
        FROM {REACTOR.name}.inbox WHERE topic <> '')
    || (SELECT string_agg(concat(customer_id, state), '' ORDER BY customer_id) FROM {REACTOR.name}.cases))
"""  # noqa: S608  constants


async def _published(
    bootstrap: str, before: dict[int, int], after: dict[int, int]
) -> Counter[bytes]:
    """Read the topic back: how often each event id stands between the offsets; control records have none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    said: Counter[bytes] = Counter()
    try:
        ends = {TopicPartition(REACTOR.name, p): end for p, end in after.items()}
        consumer.assign(list(ends))
        for tp in ends:
            consumer.seek(tp, before[tp.partition])
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                said.update(v for record in batch for k, v in record.headers if k == "ce_id")
    finally:
        await consumer.stop()
    return said


def _print(load: Load, runs: list[Run], facts: list[Event], distinct: int) -> None:
    state = len(canonical(filled(customer(1))))
    print(
        f"## events: {load.records:,} records ({load.records - distinct:,} repeats), payload "
        f"{len(canonical(facts[0].data))} B, state {state:,} B, batch {load.batch}, "
        f"{load.processes} process(es) of the service\n"
    )
    head = (
        "run", "events/s", "us/event: process", "PostgreSQL", "Kafka", "all",
        "batch p50 ms", "p99 ms", "process idle", "outputs", "said twice", "left in outbox",
    )  # fmt: skip
    print(table(head, [_row(run) for run in runs]))
    ours, theirs = ([run for run in runs if run.system == system] for system in SYSTEMS)
    pairs = list(zip(ours, theirs, strict=True))
    rate = median(a.rate / b.rate for a, b in pairs)
    process = median(b.micros(0) / a.micros(0) for a, b in pairs)
    everything = median(sum(b.measured.cpu) / sum(a.measured.cpu) for a, b in pairs)
    right = all(r.outputs == distinct and not r.twice and not r.leftovers for r in runs)
    same = len({run.rows for run in runs}) == 1
    verdict = "met" if rate >= GOAL else "MISSED"
    print(
        f"\nof the ceiling (median of pairs): {rate:.2f} of its events/s (goal {GOAL}: {verdict}), "
        f"{process:.2f} by CPU of the process, {everything:.2f} by CPU of all parts\n"
        f"every distinct event answered once ({distinct:,}), outbox empty: {'yes' if right else 'NO'}; "
        f"facts and states the same in every run: {'yes' if same else 'NO'}\n"
    )


def _row(run: Run) -> list[object]:
    measured = run.measured
    idle = 1 - measured.cpu[0] / measured.seconds / measured.members
    parts = [run.micros(part) for part in range(3)]
    return [
        run.system, run.rate, *parts, sum(parts), 1000 * quantile(measured.batches, 0.5),
        1000 * quantile(measured.batches, 0.99), f"{max(0.0, idle):.0%}", run.outputs, run.twice,
        run.leftovers,
    ]  # fmt: skip
