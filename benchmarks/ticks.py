"""What a tick costs: per case that is due, at 500 a round, and when nothing is due among 200,000 that wait."""

from time import perf_counter, process_time

import asyncpg

from benchmarks.parts import PARTITIONS, Parts, servers
from benchmarks.tab import KEYS, REACTOR, Tab, filled
from benchmarks.tables import quantile, table
from shared.clock import SystemClock
from shared.db import engine_for
from shared.messaging.shell import Shell

PENDING = 200_000
DUE = 10_000
EMPTY = 300
LIMIT = 500
GOAL_EMPTY_MS = 2.0
_PENDING = f"""
    INSERT INTO {REACTOR.name}.cases (customer_id, partition, stage, state, state_version, wake_at)
    SELECT 'later-' || n, n % {PARTITIONS}, 'idle', '{{}}', 1, now() + interval '1 day' * (1 + n % 90)
    FROM generate_series(1, {PENDING}) AS n
"""  # noqa: S608  constants


async def run() -> None:
    """Measure and print."""
    with servers(kafka=False) as parts:
        await parts.fill([])
        url = await parts.copy("ticks")
        await parts.execute(_PENDING, "ticks")
        await parts.execute(f"VACUUM ANALYZE {REACTOR.name}.cases", "ticks")
        engine = engine_for(url, REACTOR.name)
        shell = Shell(REACTOR, engine, SystemClock(), keys=KEYS, partitions=PARTITIONS)
        await shell.prepare()
        before = await _empty(shell)
        await parts.add_cases("ticks", _due())
        row = await _full(parts, shell)
        after = await _empty(shell)
        await engine.dispose()
        left = await _waiting(parts)
    print(f"## ticks: {DUE:,} cases due (state 2 KB, one event each) among {PENDING:,} that wait\n")
    head = (
        "ticks", "ticks/s", "us/tick: process", "PostgreSQL", "round p50 ms", "p99 ms", "events",
    )  # fmt: skip
    print(table(head, [row]), "\n")
    columns = ("empty tick", "p50 ms", "p99 ms", "goal p99")
    print(table(columns, [_row("nothing due yet", before), _row("right after the ticks", after)]))
    print(f"\nrows in the outbox: {left:,} (no relay here), one for each case: {left == DUE}\n")


def _due() -> dict[str, Tab]:
    return {name: filled(name, due=True) for name in (f"due-{n:06d}" for n in range(DUE))}


def _always(_: int) -> bool:
    return True


async def _empty(shell: Shell) -> list[float]:
    seconds = []
    for _ in range(EMPTY):
        began = perf_counter()
        result = await shell.tick_due(SystemClock().now(), None, fresh=_always, limit=LIMIT)
        seconds.append(perf_counter() - began)
        assert not result.decided
    return seconds


async def _full(parts: Parts, shell: Shell) -> list[object]:
    cpu, postgres, began = process_time(), parts.cpu()[0], perf_counter()
    rounds: list[float] = []
    decided = published = 0
    more = True
    while more:
        start = perf_counter()
        result = await shell.tick_due(SystemClock().now(), None, fresh=_always, limit=LIMIT)
        rounds.append(perf_counter() - start)
        decided += result.decided
        published += result.published
        more = bool(result.decided)
    seconds = perf_counter() - began
    cpu, postgres = process_time() - cpu, parts.cpu()[0] - postgres
    return [
        decided, decided / seconds, 1e6 * cpu / decided, 1e6 * postgres / decided,
        1000 * quantile(rounds, 0.5), 1000 * quantile(rounds, 0.99), published,
    ]  # fmt: skip


async def _waiting(parts: Parts) -> int:
    connection = await asyncpg.connect(parts.postgres.url("ticks", driver=""))
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {REACTOR.name}.outbox"))  # noqa: S608
    finally:
        await connection.close()


def _row(name: str, seconds: list[float]) -> list[object]:
    worst = 1000 * quantile(seconds, 0.99)
    verdict = "met" if worst <= GOAL_EMPTY_MS else "MISSED"
    return [name, 1000 * quantile(seconds, 0.5), worst, f"{GOAL_EMPTY_MS} ms: {verdict}"]
