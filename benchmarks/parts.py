"""Embedded Kafka and PostgreSQL for a benchmark, databases copied from a filled one, and the CPU time of each part."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from benchmarks.tab import KEYS, REACTOR, Tab, filled
from shared.clock import SystemClock
from shared.db import engine_for, migrate
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres
from shared.messaging.partitions import partition_of
from shared.messaging.shell import Shell

FOLDER = Path(".arrears") / "benchmarks"
PARTITIONS = 12
TEMPLATE = "bench"


@dataclass(frozen=True)
class Parts:
    """The servers; `kafka` is None where a benchmark needs none."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka | None = None

    @property
    def bootstrap(self) -> str:
        """Where Kafka answers."""
        assert self.kafka is not None
        return self.kafka.bootstrap

    def cpu(self) -> tuple[float, float]:
        """Answer the CPU seconds that PostgreSQL and Kafka have used so far."""
        kafka = cpu_of(self.kafka.pid) if self.kafka is not None else 0.0
        return cpu_of(self.postgres.pid), kafka

    async def execute(self, statement: str, database: str = "postgres") -> None:
        """Execute a statement outside any transaction."""
        connection = await asyncpg.connect(self.postgres.url(database, driver=""), timeout=10)
        try:
            await connection.execute(statement, timeout=120)
        finally:
            await connection.close()

    async def fill(self, customers: Iterable[str]) -> None:
        """Make the template database: migrated, with the inbox's partitions, and a case of each customer."""
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        url = self.postgres.url(TEMPLATE)
        await migrate(url, [REACTOR.name])
        engine = engine_for(url, REACTOR.name)
        await Shell(REACTOR, engine, SystemClock(), keys=KEYS, partitions=PARTITIONS).prepare()
        await engine.dispose()
        await self.add_cases(TEMPLATE, {customer: filled(customer) for customer in customers})

    async def add_cases(self, database: str, states: dict[str, Tab]) -> None:
        """Put cases with these states into a database, as if they had been decided before."""
        connection = await asyncpg.connect(self.postgres.url(database, driver=""), timeout=10)
        try:
            await connection.copy_records_to_table(
                "cases",
                schema_name=REACTOR.name,
                columns=["customer_id", "partition", "stage", "state", "state_version", "wake_at"],
                records=[
                    (c, partition_of(c, PARTITIONS), s.stage, s.json(), 1, s.wake_at)
                    for c, s in states.items()
                ],
            )
            await connection.execute(f"VACUUM ANALYZE {REACTOR.name}.cases", timeout=120)
        finally:
            await connection.close()

    async def copy(self, name: str) -> str:
        """Make a copy of the template with nothing left to write back, and answer its URL."""
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        await self.execute("CHECKPOINT")
        return self.postgres.url(name)


def cpu_of(pid: int | None) -> float:
    """Answer the CPU seconds of a process, its living children, and those that it has waited for."""
    if pid is None:
        return 0.0
    root = psutil.Process(pid)
    seconds = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:  # it ended just now: its parent has its time
            continue
        seconds += times.user + times.system
        seconds += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return seconds


@contextmanager
def servers(*, kafka: bool) -> Iterator[Parts]:
    """Start the servers with fsync on, in a folder that is empty and is removed at the end."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    postgres = EmbeddedPostgres(FOLDER / "postgres")
    broker = EmbeddedKafka(FOLDER / "kafka") if kafka else None
    try:
        postgres.start()
        if broker is not None:
            broker.start()
        yield Parts(postgres, broker)
    finally:
        if broker is not None:
            broker.stop()
        postgres.erase()
        shutil.rmtree(FOLDER, ignore_errors=True)
