"""Each service's schema comes up by migrations, twice at once too; old schemas are refused by name of the command."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import text

from shared.db import SchemaTooOld, check_schema, engine_for, migrate
from shared.events.registry import SERVICES
from shared.messaging import inbox
from shared.messaging.ddl import statements
from shared.testing import START
from tests.conftest import execute
from tests.database.support import Database

EMPTY = "migration_tests"


@pytest.fixture
def empty_database(postgres_server):
    execute(postgres_server, f"CREATE DATABASE {EMPTY}")
    yield postgres_server.url(EMPTY)
    execute(postgres_server, f"DROP DATABASE {EMPTY} WITH (FORCE)")


async def test_two_may_migrate_at_once_and_again(empty_database):
    await asyncio.gather(*(migrate(empty_database, SERVICES) for _ in range(3)))
    for service in SERVICES:
        engine = engine_for(empty_database, service)
        await check_schema(engine, service)
        tables = await Database(engine).rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = :s ORDER BY 1",
            s=service,
        )
        assert ("inbox",) in tables
        assert ("alembic_version",) in tables
        await engine.dispose()


async def test_a_service_refuses_a_schema_that_is_too_old(empty_database):
    engine = engine_for(empty_database, "notifier")
    with pytest.raises(SchemaTooOld, match=r"empty.*arrears migrate"):
        await check_schema(engine, "notifier")
    await migrate(empty_database, ["notifier"])
    db = Database(engine)
    await db.run("UPDATE alembic_version SET version_num = '0001_runtime'")
    with pytest.raises(SchemaTooOld, match=r"at 0001_runtime.*needs 00\d\d_\w+.*arrears migrate"):
        await check_schema(engine, "notifier")
    await db.run("UPDATE alembic_version SET version_num = '0099_from_newer_code'")
    await check_schema(engine, "notifier")
    await engine.dispose()


async def test_there_is_no_migration_of_what_is_no_service(empty_database):
    with pytest.raises(LookupError, match="no service 'nobody'"):
        await migrate(empty_database, ["nobody"])


async def test_every_wait_in_the_database_ends(db):
    settings = {
        name: await db.one(f"SHOW {name}")
        for name in (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "jit",
        )
    }
    assert settings == {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "jit": "off",
    }


async def test_months_are_made_from_60_back_to_3_ahead_and_with_the_clock(database):
    engine = engine_for(database, "visits")
    async with engine.begin() as tx:
        await inbox.ensure_partitions(tx, START)
        await inbox.ensure_partitions(tx, START)
    edges = [date(2021, 2, 1), date(2021, 3, 1), date(2026, 6, 1), date(2026, 7, 1)]
    async with engine.begin() as tx:
        assert await inbox.missing_partitions(tx, edges) == [edges[0], edges[3]]
        await inbox.ensure_partitions(tx, START.replace(month=4))
        assert await inbox.missing_partitions(tx, edges) == [edges[0]]
        names = await tx.scalars(
            text("SELECT relname FROM pg_class WHERE relname ~ '^inbox_2026_07'")
        )
        assert "inbox_2026_07" in set(names)
    await engine.dispose()


def test_ddl_files_hold_whole_statements():
    found = list(statements("0001_runtime"))
    assert all(statement.startswith("CREATE ") for statement in found)
    assert sum(statement.startswith("CREATE TABLE") for statement in found) == 8
