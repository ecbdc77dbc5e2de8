"""Every service dies by kill -9 at every kill point that it has, under load, and nothing is lost or doubled."""

import time
from pathlib import Path

import pytest

from shared.killpoints import PLACES
from tests.faults import load
from tests.faults.supervisor import Supervisor
from tests.faults.world import World, note

AGENDA = {
    "scheduler": 3
    * [
        "shell.before_commit:4",
        "relay.after_send:3",
        "consumer.after_save:4",
        "shell.tick_before_commit:1",
    ],
    "notifier": 5 * ["effects.after_claim:2", "effects.after_hand_over:2"]
    + 2 * ["shell.tick_before_commit:1", "relay.after_send:3"],
    "visits": 2 * ["shell.before_commit:3", "consumer.after_save:3"],
    "legal": 2 * ["shell.before_commit:2", "consumer.after_save:2"],
}
AT_LEAST = 5
SECONDS = 85


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_services_killed_at_every_kill_point_under_load_lose_and_double_nothing(
    faults_folder: Path,
):
    world = World(faults_folder / "kills", second_step_in=85)
    with world.running():
        supervisor = Supervisor(world, AGENDA)
        supervisor.start()
        world.play(load.plan(world.bank("K"), seed=1, customers=800, seconds=SECONDS))
        deadline = time.monotonic() + 2 * SECONDS
        while supervisor.look():
            assert time.monotonic() < deadline, f"still to die: {supervisor.agenda}"
            time.sleep(0.1)
        note(f"deaths with something in hand: {dict(supervisor.counts())}")
        world.drain(seconds=120)

        assert not world.ended()
        world.judge()
        assert world.differences() == []
    counts = supervisor.counts()
    assert set(counts) == PLACES
    assert min(counts.values()) >= AT_LEAST, counts
