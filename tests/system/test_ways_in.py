"""Each type of the gate's log comes in the way it does in production, and the next contact heeds it: at the provider."""

import asyncio
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from shared.demo import verdict
from shared.events.core_banking import CustomerUpdated
from shared.events.permits import PermitRefused
from shared.permits.ways_in import LOG_TYPES
from shared.services import strategy
from tests.system.gate_world import CN, World
from tests.system.ways import WAYS
from tests.waiting import eventually

STEP_IN = 100.0
"""Seconds from the start: the cluster is up after some thirty, the facts are in after some thirty more."""


@dataclass
class Lived:
    """What came of it: what went wrong with whom, who got a message, which rules refused whom, what the audit says."""

    wrong: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lawful: bool = False
    audit: str = ""


@pytest.fixture(scope="module")
def lived(request: pytest.FixtureRequest) -> Iterator[Lived]:
    folder = Path(tempfile.mkdtemp(prefix="arrears-ways-"))
    folder.chmod(0o711)
    world, found = World(folder, STEP_IN), Lived()
    before = request.session.testsfailed
    try:
        world.start()
        live(world, found)
        yield found
    finally:
        world.stop()
    if request.session.testsfailed == before:
        shutil.rmtree(folder, ignore_errors=True)


def live(world: World, found: Lived) -> None:
    world.tell([f for name, way in WAYS.items() for f in world.facts(name, way.law)])
    heir = world.facts("W-heir", CN)
    world.tell(each for each in heir if isinstance(each, CustomerUpdated))
    eventually(lambda: all(world.state(name).get("episode") for name in WAYS), seconds=60)
    play(world, found, "acts")
    world.await_step()
    free = {name for name, way in WAYS.items() if way.sms and name not in found.wrong}
    deadline = time.monotonic() + 60
    while not free <= set(world.sent()) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(3)  # what must not leave has had its time, too
    play(world, found, "after")
    found.sent = set(world.sent())
    for event in world.events():
        if isinstance(event.data, PermitRefused):
            found.refused[event.subject] |= {reason.rule for reason in event.data.reasons}
    console = Console(record=True, file=StringIO(), width=200)
    policy = strategy(world.strategy)
    found.lawful = asyncio.run(verdict.lawful(console, world.cluster.database_url, policy))
    found.audit = console.export_text()


def play(world: World, found: Lived, part: str) -> None:
    for name, way in WAYS.items():
        try:
            for act in getattr(way, part):
                act(world, name)
        except (AssertionError, KeyError, ValueError) as error:
            found.wrong[name] = f"{part}: {error}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WAYS)
def test_the_next_contact_heeds_what_came_in(lived, name):
    assert name not in lived.wrong, lived.wrong[name]
    assert (name in lived.sent) == WAYS[name].sms
    if WAYS[name].rule:
        assert WAYS[name].rule in lived.refused[name]


@pytest.mark.timeout(300)
def test_every_contact_of_the_run_audits_to_nothing_wrong(lived):
    assert lived.lawful, lived.audit
    assert "0 bypass, 0 engine fault" in lived.audit
    assert not lived.audit.startswith("0 contacts")


def test_every_type_of_the_log_is_sent():
    assert {log for way in WAYS.values() for log in way.logs} == LOG_TYPES
