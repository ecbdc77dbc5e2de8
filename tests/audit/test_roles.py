"""What a service's role may do in the database, and that a service needs no more."""

import asyncio
import os
import sys
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from shared.audit.acts import record_act
from shared.db import NotAMember, SchemaTooOld, check_schema, engine_for
from shared.events.registry import SERVICES
from shared.local.postgres import EmbeddedPostgres
from shared.messaging.inbox import MONTHS_AHEAD, add_months, missing_partitions, month_of
from shared.messaging.shell import Shell
from shared.testing import START
from shared.vault import VaultWriter
from tests.conftest import apart, execute
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, Database, always, missed, records
from tests.database.test_following import point, updated

LOGIN = "audit_login"


async def denied(engine, statement: str) -> bool:
    """Tell whether the statement fails for want of a right, and not for anything else."""
    async with engine.connect() as connection:
        try:
            await connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != "42501":
                raise
            return True
        finally:
            await connection.rollback()
    return False


@pytest.mark.parametrize("table", ["inbox", "acts", "policies", "roots"])
async def test_what_is_recorded_cannot_be_changed_or_removed(shell, db, table):
    await shell.prepare()
    await shell.handle(records(missed()), fresh=always)
    async with db.engine.begin() as tx:
        await record_act(tx, subject="C1", actor="a", act="b", reason="c", detail={}, at=START)
    column = {"inbox": "payload", "acts": "reason", "policies": "content", "roots": "root"}[table]
    assert not await denied(db.engine, f"SELECT {column} FROM {table}")
    for change in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"SELECT FROM {table} FOR UPDATE",
        f"ALTER TABLE {table} DROP COLUMN {column}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"CREATE TRIGGER quiet BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ):
        assert await denied(db.engine, change), change
    if table != "policies":
        assert await db.one(f"SELECT count(*) FROM {table}") == {"inbox": 2, "acts": 1, "roots": 0}[table]  # fmt: skip


async def test_a_month_that_is_made_later_cannot_be_changed_either(shell, db, clock):
    await shell.prepare()
    clock.set(START + timedelta(days=40))
    later = add_months(month_of(clock.now()), MONTHS_AHEAD)
    await shell.prepare()
    async with db.engine.connect() as connection:
        assert await missing_partitions(connection, [later]) == []
    for month in (month_of(START), later):
        name = f"inbox_{month:%Y_%m}"
        for change in (f"UPDATE {name} SET link = ''", f"DELETE FROM {name}", f"DROP TABLE {name}"):
            assert await denied(db.engine, change), change
    assert await denied(db.engine, "CREATE TABLE mine (x int)")
    with pytest.raises(DBAPIError, match="no first day"):
        await rows(db.engine, "SELECT make_inbox_months(ARRAY[DATE '2026-03-02'])")


async def rows(engine, query: str):
    return await Database(engine).rows(query)


async def test_who_may_do_what_in_the_vault(shell_database):
    may = {
        "scheduler": (False, False),
        "notifier": (True, True),
        "visits": (True, False),
        "legal": (True, False),
    }
    for service in SERVICES:
        engine = engine_for(shell_database, service)
        reads = not await denied(engine, "SELECT value FROM vault.points")
        writes = not await denied(engine, "DELETE FROM vault.points")
        assert (reads, writes) == may[service], service
        for other in set(SERVICES) - {service}:
            assert await denied(engine, f"SELECT FROM {other}.inbox"), (service, other)
        await engine.dispose()


@pytest.fixture
def login(postgres_server: EmbeddedPostgres, database: str):
    """The URL of an account that is nothing but a member of the notifier's role."""
    execute(postgres_server, f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'nobodys'")
    execute(postgres_server, f"GRANT arrears_notifier TO {LOGIN}")
    yield str(make_url(database).set(username=LOGIN, password="nobodys").render_as_string(False))
    execute(postgres_server, f"DROP ROLE {LOGIN}")


async def test_a_member_of_the_role_runs_the_service_and_nothing_else(login, clock):
    engine = engine_for(login, "notifier")
    await check_schema(engine, "notifier")
    shell = Shell(
        ledger(name="notifier"), engine, clock,
        keys=KEYS, vault=VaultWriter(KEYS), partitions=PARTITIONS,
    )  # fmt: skip
    await shell.prepare()
    result = await shell.handle(records(updated(point()), missed()), fresh=always)
    assert (result.quarantined, result.effects) == (0, 1)
    assert (await shell.handle(records(updated(point()), missed()), fresh=always)).decided == 0
    db = Database(engine)
    assert await db.rows("SELECT current_user, session_user") == [("arrears_notifier", LOGIN)]
    assert await db.one("SELECT count(*) FROM vault.points") > 0
    await engine.dispose()
    other = engine_for(login, "scheduler")
    with pytest.raises(NotAMember, match="GRANT arrears_scheduler"):
        await check_schema(other, "scheduler")
    await other.dispose()


async def test_an_empty_server_is_told_to_migrate_and_two_databases_migrate_at_once(
    servers_folder,
):
    with EmbeddedPostgres(servers_folder / "roles", durable=False) as server:
        engine = engine_for(server.url(), "notifier")
        with pytest.raises(SchemaTooOld, match="no role arrears_notifier: run `arrears migrate`"):
            await check_schema(engine, "notifier")
        await engine.dispose()
        for name in ("one", "two"):
            await asyncio.to_thread(apart, execute, server, f"CREATE DATABASE {name}")
        ended = await asyncio.gather(*(migrating(server.url(name)) for name in ("one", "two")))
        assert ended == [0, 0]
        for name in ("one", "two"):
            engine = engine_for(server.url(name), "legal")
            await check_schema(engine, "legal")
            await engine.dispose()


async def migrating(url: str) -> int:
    """Migrate in a process of its own, as an operator does, and answer its exit status."""
    told = {"ARREARS_DATABASE_URL": url, "ARREARS_KAFKA": "127.0.0.1:1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.cli.main", "migrate", env={**os.environ, **told}
    )
    return await process.wait()
