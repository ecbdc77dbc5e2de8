"""The demo on the real parts: live equals replay, the comparison notices what is wrong, nothing is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from shared.demo import verdict
from shared.demo.live import published, states
from shared.demo.run import step
from shared.events.envelope import Event
from shared.events.jsonl import write_line
from shared.local.cluster import Cluster
from shared.portfolio import generate
from shared.replay.reading import read
from shared.replay.run import Replayed, all_reactors, replay
from shared.services import standing, strategy
from shared.settings import DEFAULT_PARTITIONS
from tests.waiting import eventually

CUSTOMERS = 20
DAYS = 60
SEED = 7
AUDITED = {}
"""What the audit of the live run's inboxes came to; its words."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], verdict.Live, Replayed]:
    """A small portfolio lived through by the real services, and its replay."""
    folder = tmp_path_factory.mktemp("demo")
    start = date(2026, 1, 5)
    events = sorted(
        generate(customers=CUSTOMERS, days=DAYS, seed=SEED, start=start),
        key=lambda event: (event.time, event.source, event.id),
    )
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(map(write_line, events)))
    until = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=DAYS)
    cluster = Cluster(folder / "cluster", stepped=True, seed=SEED)
    try:
        cluster.start()
        asyncio.run(step(cluster, events, until, Console(quiet=True)))
        live = (
            asyncio.run(published(cluster.kafka, DEFAULT_PARTITIONS)),
            asyncio.run(states(cluster.database_url)),
        )
        AUDITED["console"] = console = Console(record=True, file=StringIO(), width=200)
        AUDITED["lawful"] = asyncio.run(
            verdict.lawful(console, cluster.database_url, strategy(None))
        )
    finally:
        cluster.stop()
    replayed = replay(
        read(path),
        reactors=all_reactors(strategy(None)),
        standing=standing(),
        seed=SEED,
        until=until,
    )
    return events, live, replayed


def exit_status(lived: tuple[list[Event], verdict.Live, Replayed], plant: str = "") -> int:
    events, live, replayed = lived
    console = Console(quiet=True)
    return verdict.status(console, events, live, replayed, demanded=0, plant=plant)


@pytest.mark.timeout(300)
def test_the_live_run_equals_the_replay_event_by_event_and_state_by_state(lived):
    assert len(lived[1][0]) > 10 * CUSTOMERS, "the run must have brought something forth"
    assert exit_status(lived) == 0


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("lived")
def test_every_contact_of_the_live_run_audits_to_nothing_wrong():
    said = AUDITED["console"].export_text()
    assert AUDITED["lawful"], said
    assert "0 bypass, 0 engine fault" in said
    assert not said.startswith("0 contacts")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plant", ["event", "state", "tick"])
def test_a_planted_difference_ends_the_demo_with_status_1(lived, plant):
    assert exit_status(lived, plant) == 1


@pytest.mark.timeout(300)
def test_killing_the_demo_leaves_no_process_behind(tmp_path: Path):
    command = [sys.executable, "-m", "shared.cli.main", "demo", "--customers", "5", "--days", "900"]
    demo = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    parent = psutil.Process(demo.pid)
    log = tmp_path / ".arrears" / "demo" / "scheduler.log"
    eventually(lambda: log.exists() and len(parent.children(recursive=True)) > 10, seconds=120)
    family = parent.children(recursive=True)

    demo.send_signal(signal.SIGKILL)
    demo.wait()

    eventually(lambda: not any(_lives(process) for process in family), seconds=60)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
