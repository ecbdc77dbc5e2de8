"""B.2 test 28: a dump in mid-load, everything after it destroyed, restored and resumed by the commands of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from shared.clock import SystemClock
from shared.events.registry import SERVICES
from shared.local.accounts import database_account, reachable_programs
from shared.local.postgres import environment, find_programs
from tests.faults import load
from tests.faults.world import World, note
from tests.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "backup.md"
BLOCK = re.compile(
    r"^(?P<indent> *)```sh (?P<name>[\w-]+)\n(?P<lines>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
SECONDS = 30


def commands(name: str) -> str:
    """What the page says under this name."""
    found = {match["name"]: match["lines"] for match in BLOCK.finditer(PAGE.read_text("utf-8"))}
    return found[name]


def run(world: World, name: str, folder: Path) -> None:
    """Run a block of the page as an operator would, with libpq's variables set."""
    url = make_url(world.cluster.database_url)
    programs = reachable_programs(find_programs(), database_account()) / "bin"
    given = {
        **environment(),
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": str(url.database),
        **{n: v for n, v in world.cluster.env(SERVICES[0]).items() if n.startswith("ARREARS_")},
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(name)],
        cwd=folder,
        env=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_b2_28_a_dump_in_mid_load_restored_loses_and_doubles_nothing(faults_folder: Path):
    """B.2 test 28. Kafka and the provider know more than the restored database; both are asked, neither is believed blindly."""
    world = World(faults_folder / "backup")
    with world.running():
        world.play(load.plan(world.bank("R"), seed=5, customers=600, seconds=SECONDS))
        eventually(lambda: world.handed_over() > 100, seconds=60)
        run(world, "backup", faults_folder)
        run(world, "base-backup", faults_folder)
        dumped = world.handed_over()
        note(f"dumped after {dumped} contacts, {world.counts()}")
        eventually(lambda: world.handed_over() > dumped + 150, seconds=60)
        for name in SERVICES:
            world.cluster.processes[name].kill()
        before = world.counts()
        left = world.handed_over()
        restored_at = SystemClock().now().isoformat()
        run(world, "restore", faults_folder)
        refused = world.cluster.folder / "scheduler.log"
        world.cluster.start_process("scheduler")
        assert world.cluster.processes["scheduler"].wait(60) != 0
        assert "run `arrears after-restore`" in refused.read_text(errors="replace")
        run(world, "after-restore", faults_folder)
        after = world.counts()
        note(f"destroyed after {left} contacts: {before}; restored: {after}")
        assert after["scheduler"]["inbox"] < before["scheduler"]["inbox"] - 100
        for name in SERVICES:
            world.cluster.start_process(name)
        world.drain(seconds=120)
        went_back = [
            name
            for name in SERVICES
            if "offsets_ahead_of_the_database"
            in (world.cluster.folder / f"{name}.log").read_text(errors="replace")
        ]
        assert went_back == list(SERVICES)
        for name in SERVICES:
            assert world.rows(f"SELECT reason FROM {name}.quarantine") == []
        verdict = world.judge("--least", "300", "--restored-at", restored_at)
        assert verdict["repeated_requests"] > 0, (
            "nothing was handed over again: the dump was no older"
        )
        assert world.differences() == []
