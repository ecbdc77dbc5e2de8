"""A service's schema to tamper with: the fixtures of tests/database on a database of their own."""

from collections.abc import Iterator

import pytest

from shared.local.postgres import EmbeddedPostgres
from tests.conftest import execute
from tests.database.conftest import clock, db, make_shell, shell

__all__ = ["clock", "db", "make_shell", "shell"]
NAME = "audit_tests"


@pytest.fixture(scope="session")
def shell_database(postgres_server: EmbeddedPostgres, template: str) -> Iterator[str]:
    execute(postgres_server, f"CREATE DATABASE {NAME} TEMPLATE {template}")
    yield postgres_server.url(NAME)
    execute(postgres_server, f"DROP DATABASE {NAME} WITH (FORCE)")
