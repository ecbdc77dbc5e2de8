"""Reach PostgreSQL: engines whose every wait is bounded, migrations, and the check that the schema is new enough."""

import importlib.util
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.database_url import connect, split
from shared.messaging import ddl
from shared.roles import role_of, secure

CONNECT_SECONDS = 10
COMMAND_SECONDS = 30
MIGRATION_SECONDS = 600
LOCK_SECONDS = 10
_MIGRATING = 0x41525245415253
"""The advisory lock that one migration holds ("ARREARS")."""
_NO_ROLE = "22023"
_NO_MEMBER = "42501"


class SchemaTooOld(RuntimeError):
    """The database lacks migrations that this code needs."""


class NotAMember(RuntimeError):
    """The account that logs in was not made a member of the service's role."""


def engine_for(url: str, service: str, *, pool_size: int = 5, name: str = "") -> AsyncEngine:
    """
    Make the engine of one *service*: its schema is the search path, so that SQL names no schema.

    Waits end by themselves: connecting after 10 s, a statement or a lock in 30 s and 10 s, a transaction
    that somebody left open after 60 s. `url` begins with postgresql+asyncpg:// and may ask for TLS
    (shared/database_url.py). A connection raises DatabaseRefused where certificate or password are wrong.
    Whoever logs in acts as the service's role (shared/roles.py), which cannot change what is recorded.
    """
    address, tls = split(url)
    return create_async_engine(
        address,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            **tls,
            "async_creator_fn": connect,
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            "server_settings": {
                "application_name": name or f"arrears-{service}",
                "role": role_of(service),
                "search_path": f'"{service}"',
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": f"{COMMAND_SECONDS}s",
                "lock_timeout": f"{LOCK_SECONDS}s",
                "idle_in_transaction_session_timeout": "60s",
            },
        },
    )


def direct_engine(url: str, name: str, *, lock_seconds: int = LOCK_SECONDS) -> AsyncEngine:
    """Make an engine for a few long statements (600 s) as the role that the URL names."""
    address, tls = split(url)
    return create_async_engine(
        address,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            **tls,
            "async_creator_fn": connect,
            "timeout": CONNECT_SECONDS,
            "command_timeout": MIGRATION_SECONDS,
            "server_settings": {
                "application_name": name,
                "timezone": "UTC",
                "lock_timeout": f"{lock_seconds}s",
            },
        },
    )


async def migrate(url: str, services: Iterable[str]) -> None:
    """
    Bring each service's schema to the newest revision, over one direct connection under an advisory lock.

    Two who migrate at once wait for each other; a migration that waits 10 s for a table gives up.
    """
    engine = direct_engine(url, "arrears-migrate", lock_seconds=MIGRATION_SECONDS)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATING})
            await connection.execute(text("SELECT set_config('lock_timeout', '10s', false)"))
            await connection.commit()
            try:
                for service in services:
                    await connection.run_sync(_upgrade, service)
                    await connection.commit()
            finally:
                await connection.rollback()
                await connection.execute(
                    text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATING}
                )
                await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, service: str) -> None:
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{service}"'))
    connection.execute(text("SELECT set_config('search_path', :path, false)"), {"path": service})
    connection.commit()
    config = _config(service)
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    command.upgrade(config, "head")
    secure(connection, service)


def _config(service: str) -> Config:
    """Point Alembic at the environment that all share, and at the revisions of *service*."""
    found = importlib.util.find_spec(f"services.{service}")
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"there is no service {service!r}")
    config = Config()
    config.set_main_option("script_location", str(Path(ddl.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option(
        "version_locations", str(Path(next(iter(found.submodule_search_locations))) / "migrations")
    )
    return config


@cache
def revisions(service: str) -> tuple[frozenset[str], frozenset[str]]:
    """Answer the revisions that this code knows, and the newest of them; read from disk once a process."""
    scripts = ScriptDirectory.from_config(_config(service))
    return (
        frozenset(script.revision for script in scripts.walk_revisions()),
        frozenset(scripts.get_heads()),
    )


async def check_schema(engine: AsyncEngine, service: str) -> None:
    """
    Raise SchemaTooOld unless every revision that this code knows is applied; a newer schema is fine.

    Raises NotAMember where the account may not act as the service's role.
    """
    known, heads = revisions(service)
    async with _connected(engine, service) as connection:
        there = await connection.scalar(
            text("SELECT to_regclass(:name)"), {"name": f'"{service}".alembic_version'}
        )
        applied = (
            set(await connection.scalars(text("SELECT version_num FROM alembic_version")))
            if there is not None
            else set()
        )
    if applied and not applied <= known:
        return
    if not heads <= applied:
        raise SchemaTooOld(
            f"the schema {service!r} is {'at ' + ', '.join(sorted(applied)) if applied else 'empty'}, "
            f"and this code needs {', '.join(sorted(heads))}: run `arrears migrate`"
        )


@asynccontextmanager
async def _connected(engine: AsyncEngine, service: str) -> AsyncIterator[AsyncConnection]:
    try:
        connection = await engine.connect()
    except DBAPIError as error:
        role, state = role_of(service), getattr(error.orig, "sqlstate", "")
        if state == _NO_ROLE and role in str(error.orig):
            raise SchemaTooOld(f"there is no role {role}: run `arrears migrate`") from None
        if state == _NO_MEMBER and role in str(error.orig):
            raise NotAMember(
                f"the account of ARREARS_DATABASE_URL may not act as {role}: "
                f"run GRANT {role} TO it as the administrator"
            ) from None
        raise
    try:
        yield connection
    finally:
        await connection.close()
