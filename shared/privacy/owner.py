"""A connection as the owner of the schemas, who also migrates: services may neither drop a month nor empty a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db import direct_engine


def owner_engine(url: str) -> AsyncEngine:
    """Make an engine for a few long statements, as the role that the URL names; `url` as in ARREARS_DATABASE_URL."""
    return direct_engine(url, "arrears-owner")


@asynccontextmanager
async def in_schema(
    engine: AsyncEngine, schema: str, *, one_snapshot: bool = False
) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction whose search path is the *schema* of one service; *one_snapshot*: all of it sees the same."""
    level = "REPEATABLE READ" if one_snapshot else "READ COMMITTED"
    async with engine.execution_options(isolation_level=level).begin() as tx:
        await tx.execute(
            text("SELECT set_config('search_path', :schema, true)"), {"schema": f'"{schema}"'}
        )
        yield tx
