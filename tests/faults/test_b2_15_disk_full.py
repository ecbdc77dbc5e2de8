"""RELIABILITY.md B.2, 15: the disk of the database is full, the disk of the logs is full."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from msgspec.structs import replace

from services.notifier.main import PARTS
from shared.clock import SystemClock
from shared.ids import derive
from shared.local import free_port
from shared.local.accounts import database_account
from shared.messaging.recorded import replay_recorded
from tests.conftest import execute
from tests.faults import load
from tests.faults.inside import Inside, eventually, inside
from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.world import note
from tests.http.conftest import EVERYBODY, settings
from tests.waiting import eventually as so

NAME = "on_a_small_disk"


@pytest.fixture
def disk(servers_folder: Path) -> Iterator[SmallDisk]:
    account = database_account()
    owner = None if account is None else (account.uid, account.gid)
    with small_disk(servers_folder / "small", kilobytes=32 * 1024, owner=owner) as found:
        yield found


@pytest.fixture
def small_database(postgres_server, template: str, disk: SmallDisk) -> Iterator[str]:
    """A migrated database whose tables lie on the small disk; the server's own files do not."""
    execute(postgres_server, f"CREATE TABLESPACE small LOCATION '{disk.path}'")
    execute(postgres_server, f"CREATE DATABASE {NAME} TEMPLATE {template} TABLESPACE small")
    yield postgres_server.url(NAME)
    execute(postgres_server, f"DROP DATABASE {NAME} WITH (FORCE)")
    execute(postgres_server, "DROP TABLESPACE small")


def receipt(number: int) -> dict[str, object]:
    effect = derive("effect", number)
    return {
        "type": "provider.receipt",
        "id": derive(effect, "delivered"),
        "time": SystemClock().now().isoformat(),
        "data": {"customer_id": f"H{number}", "effect_id": effect, "outcome": "delivered"},
    }


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_b2_15_a_full_disk_refuses_writes_and_loses_nothing(
    small_database: str, kafka: str, disk: SmallDisk
):
    async with inside(
        PARTS, database=small_database, kafka=kafka, direct=small_database, direct_kafka=kafka
    ) as service:
        await eventually(lambda: is_(service, "/readyz", 200))
        told = {number: receipt(number) for number in range(20_000)}
        assert await post(service, told[0]) == 202
        await customers(service, range(20))
        await eventually(lambda: deposited(service))
        ballast = disk.fill()

        refused = await until_refused(service, told)
        await customers(service, range(20, 400))
        took = await eventually(lambda: is_(service, "/readyz", 503), seconds=60)
        note(
            f"{ballast:,} bytes of ballast; the {refused}th fact was refused, unready after {took:.1f} s"
        )
        refusals = 0
        for number in range(refused, refused + 20):
            # what a refused attempt made of pages is there for the next, so one or the other fits after all
            status = await post(service, told[number])
            assert status in {202, 503}
            refusals += status == 503
            assert (await service.client.get("/cases/H0")).json()["customer_id"] == "H0"
            assert await service.status("/cases?limit=10") == 200
            assert await service.status("/livez") == 200

        note(f"{refusals} of the next 20 facts were refused, and every read was answered")
        assert refusals > 0
        disk.free()
        took = await eventually(lambda: is_(service, "/readyz", 200), seconds=60)
        note(f"ready again {took:.1f} s after there was space")
        for number in range(refused + 20):
            assert await post(service, told[number]) == 202
        await eventually(lambda: deposited(service), seconds=60)
        assert await service.scalar(
            "SELECT count(*) FROM inbox WHERE type = 'provider.receipt'"
        ) == await service.scalar(
            "SELECT count(DISTINCT id) FROM inbox WHERE type = 'provider.receipt'"
        )
        assert await service.scalar("SELECT count(*) FROM cases WHERE customer_id LIKE 'H%'") == (
            refused + 20
        )
        assert await replay_recorded(service.direct, service.runtime.reactor) == []


async def until_refused(service: Inside, told: dict[int, dict[str, object]]) -> int:
    """Tell facts until one is refused: pages that are there already still take some."""
    for number, fact in told.items():
        status = await post(service, fact)
        assert status in {202, 503}
        if status == 503:
            return number
    raise AssertionError("the disk was never full")


async def customers(service: Inside, numbers: range) -> None:
    bank = load.Bank("K", load.zone_of_noon(SystemClock().now()))
    now = SystemClock().now()
    await service.publish([replace(bank.record(number), time=now) for number in numbers])


async def deposited(service: Inside) -> bool:
    """Every contact value of every record of this run is in the vault; the broker holds those of others too."""
    query = "SELECT count(*) FROM vault.points WHERE customer_id LIKE 'K-%'"
    return await service.scalar(query) == 3 * len(service.published)


async def post(service: Inside, fact: dict[str, object]) -> int:
    return int((await service.client.post("/webhooks/outcomes", json=fact)).status_code)


async def is_(service: Inside, path: str, status: int) -> bool:
    return await service.status(path) == status


@pytest.mark.faults
@pytest.mark.timeout(120)
def test_b2_15_a_service_goes_on_when_nothing_more_can_be_logged(
    database: str, kafka: str, servers_folder: Path
):
    port = free_port()
    given = settings(database)
    with small_disk(servers_folder / "logs", kilobytes=64) as disk:
        disk.fill()
        with (disk.path / "service.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli.main", "serve", "notifier"],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                env=environment(given, kafka, port),
            )
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                so(lambda: process.poll() is not None or is_ready(client), seconds=60)
                assert process.poll() is None, "it ended"
                for number in range(50):
                    assert client.get("/cases").status_code == 401  # each is a line in the log
                    told = client.post(
                        "/webhooks/outcomes", json=receipt(number), headers=EVERYBODY
                    )
                    assert told.status_code == 202
                assert is_ready(client)
            assert (disk.path / "service.log").stat().st_size == 0, "the log's disk was not full"
            process.terminate()
            assert process.wait(timeout=15) in {0, -15, 120}  # 120: Python could not flush its log
        finally:
            process.kill()
            process.wait()


def environment(given, kafka: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "ARREARS_KAFKA": kafka,
        "ARREARS_DATABASE_URL": given.database_url,
        "ARREARS_VAULT_KEY": given.vault_key.get_secret_value(),
        "ARREARS_DEV_KEY": given.dev_key.get_secret_value(),
        "ARREARS_PROVIDER_URL": "http://127.0.0.1:9",
        "ARREARS_PARTITIONS": str(given.partitions),
        "ARREARS_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }


def is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.HTTPError:
        return False
