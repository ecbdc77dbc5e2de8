"""Kafka and PostgreSQL die by kill -9 under load and come back; nobody of us dies with them, nothing is lost or doubled."""

import time
from pathlib import Path

import pytest

from tests.faults import load
from tests.faults.world import World, note
from tests.waiting import eventually

SECONDS = 40
DOWN_SECONDS = 3


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_kafka_and_postgresql_killed_under_load_lose_and_double_nothing(faults_folder: Path):
    world = World(faults_folder / "parts", second_step_in=60)
    with world.running():
        pids = world.pids()
        kafka, postgres = world.cluster.embedded_kafka, world.cluster.embedded_postgres
        assert kafka is not None
        assert postgres is not None
        world.play(load.plan(world.bank("P"), seed=2, customers=720, seconds=SECONDS))
        for part in (kafka, postgres):
            before = world.handed_over()
            eventually(lambda before=before: world.handed_over() > before + 20, seconds=60)
            assert world.plays(), "the load must go on while a part is down"
            part.kill()
            note(f"{type(part).__name__} is down")
            time.sleep(DOWN_SECONDS)
            part.start()
            note(f"{type(part).__name__} is back")
        world.drain(seconds=150)

        assert world.pids() == pids
        assert not world.ended()
        world.judge()
        assert world.differences() == []
