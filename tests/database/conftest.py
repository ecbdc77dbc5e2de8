"""A shell on a real database: one for all tests here, emptied before each, because its partitions take a while to make."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from shared.clock import SteppedClock
from shared.db import engine_for
from shared.decision import Reactor
from shared.local.postgres import EmbeddedPostgres
from shared.messaging.shell import Shell
from shared.testing import START
from tests.conftest import execute
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, Database


@pytest.fixture(scope="session")
def shell_database(
    postgres_server: EmbeddedPostgres, template: str, request: pytest.FixtureRequest
) -> Iterator[str]:
    name = f"shell_tests_{id(request):x}"  # other folders borrow these fixtures: then there are several
    execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres_server.url(name)
    execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def db(shell_database: str) -> AsyncIterator[Database]:
    """The scheduler's schema, where the ledger of these tests lives."""
    engine = engine_for(shell_database, "scheduler")
    found = Database(engine)
    await found.clear()
    yield found
    await engine.dispose()


@pytest.fixture
async def follower_db(shell_database: str) -> AsyncIterator[Database]:
    """The notifier's schema, and the vault."""
    engine = engine_for(shell_database, "notifier")
    found = Database(engine)
    await found.clear()
    await found.run("DELETE FROM vault.points")
    yield found
    await engine.dispose()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def make_shell(db: Database, clock: SteppedClock) -> Callable[..., Shell]:
    def make(reactor: Reactor[Any] | None = None, **options: Any) -> Shell:
        options = {"keys": KEYS, "partitions": PARTITIONS} | options
        return Shell(reactor or ledger(), db.engine, clock, **options)

    return make


@pytest.fixture
def shell(make_shell: Callable[..., Shell]) -> Shell:
    return make_shell()
