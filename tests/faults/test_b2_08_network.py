"""RELIABILITY.md B.2, 8: the way to the database and to the broker is cut, half-open, slow; bounded waits, no task left behind."""

import asyncio
from time import monotonic

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import make_url

from services.scheduler.main import PARTS
from shared.clock import SystemClock
from shared.messaging.recorded import replay_recorded
from tests.faults import load
from tests.faults.inside import Inside, eventually, inside
from tests.faults.line import Line, Mode
from tests.faults.world import note

FAULTS: tuple[tuple[str, Mode, float], ...] = (
    ("database", "cut", 4),
    ("database", "silent", 30),
    ("database", "slow", 6),
    ("broker", "cut", 4),
    ("broker", "silent", 20),
    ("broker", "slow", 6),
)
LONGEST = 45.0
"""So soon after a fault everything is decided: no wait is longer than 30 s, and then another attempt is made."""


@pytest.mark.faults
@pytest.mark.timeout(290)
async def test_b2_08_a_cut_silent_or_slow_network_loses_nothing_and_leaves_no_task(
    database: str, kafka_server
):
    url = make_url(database)
    lines = {
        "database": Line(str(url.host), int(url.port or 0)),
        "broker": Line("127.0.0.1", kafka_server.extra_port),
    }
    shown = int(kafka_server.extra_bootstrap.rpartition(":")[2])
    async with (
        lines["database"].listening() as port,
        lines["broker"].listening(shown),
        inside(
            PARTS,
            database=url.set(port=port).render_as_string(hide_password=False),
            kafka=kafka_server.extra_bootstrap,
            direct=database,
            direct_kafka=kafka_server.bootstrap,
        ) as service,
    ):
        await eventually(lambda: is_(service, "/readyz", 200))
        feeding = asyncio.create_task(feed(service))
        await eventually(lambda: caught_up(service))
        tasks = names()
        try:
            for what, mode, seconds in FAULTS:
                await fault(service, lines[what], f"{what} {mode}", mode, seconds)
        finally:
            feeding.cancel()
        await asyncio.wait([feeding])
        await eventually(lambda: caught_up(service))
        assert await service.decided() == sorted(set(service.published))
        assert [line async for line in differences(service)] == []
        await eventually(lambda: as_few(tasks), seconds=60)
    note(f"{len(service.published)} facts, each decided once")


async def fault(service: Inside, line: Line, name: str, mode: Mode, seconds: float) -> None:
    began = monotonic()
    line.become(mode)
    unready = False
    while monotonic() - began < seconds:
        asked = monotonic()
        unready |= await service.status("/readyz") == 503
        assert monotonic() - asked < 10, "readiness answers in time, whatever does not"
        assert await service.status("/livez") == 200
        await asyncio.sleep(0.5)
    assert unready or mode != "cut" or seconds < 10
    if mode == "silent":
        assert unready, f"{name}: readiness must have gone red"
        assert line.held > 0
    line.become("open")
    waiting = len(service.published)
    took = await eventually(lambda: caught_up(service, waiting), seconds=LONGEST)
    await eventually(lambda: is_(service, "/readyz", 200), seconds=LONGEST)
    note(f"{name} for {seconds:.0f} s; all decided {took:.1f} s after it")


async def feed(service: Inside) -> None:
    """Let customers miss payments, one after the other, as long as the test lasts."""
    bank = load.Bank("N", load.zone_of_noon(SystemClock().now()))
    number = 0
    while True:
        number += 1
        events = [bank.record(number), bank.account(number), bank.missed(number)]
        now = SystemClock().now()
        await service.publish([replace(event, time=now) for event in events])
        await asyncio.sleep(0.25)


async def is_(service: Inside, path: str, status: int) -> bool:
    return await service.status(path) == status


async def caught_up(service: Inside, count: int | None = None) -> bool:
    wanted = len(service.published) if count is None else count
    return wanted > 0 and len(await service.decided()) >= wanted


async def differences(service: Inside):
    for difference in await replay_recorded(service.direct, service.runtime.reactor):
        yield difference


def names() -> list[str]:
    """Name what runs in this process, but for the lines themselves and the test."""
    ours = ("_serve", "_pass_on", "feed")
    return sorted(
        str(getattr(task.get_coro(), "__qualname__", ""))
        for task in asyncio.all_tasks()
        if not any(name in str(getattr(task.get_coro(), "__qualname__", "")) for name in ours)
    )


async def as_few(before: list[str]) -> bool:
    return len(names()) <= len(before) + 2
