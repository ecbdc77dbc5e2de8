"""One real service in stepped time, driven over its control socket."""

import asyncio
import base64
from datetime import timedelta
from time import perf_counter

import pytest

from services.scheduler.main import PARTS
from shared.http import create_app
from shared.local.kafka import EmbeddedKafka
from shared.messaging.publisher import Publisher
from shared.settings import Settings
from shared.stepper import StepClient, StepError
from shared.testing import START, fact
from tests.database.support import PARTITIONS, missed


@pytest.fixture(scope="module")
def kafka(servers_folder):
    """A broker of our own: on a new database a service reads all that there is, and others leave their records."""
    with EmbeddedKafka(servers_folder / "kafka-stepped") as broker:
        yield broker.bootstrap


@pytest.fixture
async def stepped(database, kafka):
    settings = Settings(
        database_url=database,
        kafka=kafka,
        vault_key=base64.b64encode(b"k" * 32).decode(),
        partitions=PARTITIONS,
        stepped=True,
    )
    app = create_app(PARTS, settings)
    async with app.router.lifespan_context(app), StepClient(app.state.step_port) as client:
        yield client


async def saved(client: StepClient, ends: dict[int, int]) -> None:
    for _ in range(500):
        counts = await client.call("counts")
        held = counts["saved"].get("core-banking", {})
        if all(held.get(str(p), -1) >= end for p, end in ends.items()) and not counts["outbox"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(counts)


async def test_time_ticks_and_effects_come_from_the_driver_alone(stepped, kafka):
    client = stepped
    await client.call("clock", now=START.isoformat())
    async with Publisher(kafka) as publisher:
        ends = await publisher.publish([fact(missed(), START)])
    await saved(client, ends)
    digests = await client.call("digest")
    assert list(digests) == ["C1"]

    await client.call("close")
    first = await client.call("tick")
    assert first["decided"] == 1
    assert first["published"] > 0
    assert (await client.call("counts"))["outbox"] > 0, "a closed relay publishes nothing"
    assert (await client.call("tick"))["decided"] in {0, 1}
    assert await client.call("effects") == {"executed": 0}
    await client.call("open")
    await saved(client, ends)
    produced = (await client.call("counts"))["produced"]
    assert sum(produced["scheduler"].values()) >= first["published"]
    assert await client.call("digest") != digests
    upcoming = (await client.call("next"))["next"]
    assert upcoming > START.isoformat()

    with pytest.raises(StepError, match="does not go back"):
        await client.call("clock", now=(START - timedelta(days=1)).isoformat())
    with pytest.raises(StepError, match="unknown command"):
        await client.call("dance")


async def test_a_command_costs_about_a_millisecond(stepped):
    client = stepped
    await client.call("clock", now=START.isoformat())
    for command in ("counts", "next", "close", "open"):
        took = []
        for _ in range(50):
            began = perf_counter()
            await client.call(command)
            took.append(perf_counter() - began)
        assert sorted(took)[10] < 0.02, command
