"""What every test may ask for: a real Kafka, a real PostgreSQL, and a fresh database of its own.

Both servers start at the first test that asks, once per run. With xdist each worker has its own pair: a start costs
2.7 s and 0.5 s, nothing has to be shared, and a server lives exactly as long as the worker that started it.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from shared.local import free_port
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres
from tests.template import make_template

# The same examples in every run, so that main is not red by chance; HYPOTHESIS_PROFILE=explore draws new ones.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("explore", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TEMPLATE = "arrears_template"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Not under pytest's own folder, which only we may enter: as root, PostgreSQL runs as another account."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_server(servers_folder: Path) -> Iterator[EmbeddedKafka]:
    """A running broker; its second listener is for a proxy that cuts connections (tests/kafka/proxy.py)."""
    with EmbeddedKafka(servers_folder / "kafka", extra_listener_port=free_port()) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka(kafka_server: EmbeddedKafka) -> str:
    """host:port of a running broker."""
    return kafka_server.bootstrap


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(
        servers_folder / "postgres", shared_buffers_mb=128, durable=False
    ) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(postgres_server: EmbeddedPostgres) -> str:
    """The URL of the administrator's database."""
    return postgres_server.url()


@pytest.fixture(scope="session")
def template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with all schemas, to be copied."""
    execute(postgres_server, f"CREATE DATABASE {TEMPLATE}")
    apart(make_template, postgres_server.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"test_{next(numbers)}"
    execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres_server.url(name)
    execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def execute(server: EmbeddedPostgres, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.url(driver=""), timeout=10)
        try:
            await connection.execute(statement, timeout=30)
        finally:
            await connection.close()

    apart(asyncio.run, run())


def apart(function: Callable[..., Any], *arguments: Any) -> None:
    """In a thread without an event loop, so that a fixture works for sync and async tests alike."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(function, *arguments).result()
