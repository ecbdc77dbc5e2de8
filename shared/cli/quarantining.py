"""What `arrears quarantine` does, on the database of ARREARS_DATABASE_URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.cli.output import fail
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.db import engine_for
from shared.events.registry import SERVICES
from shared.messaging.quarantine import find, list_quarantined, show
from shared.messaging.shell import Shell
from shared.services import configured, parts
from shared.vault import VaultWriter


async def listing(service: str) -> list[str]:
    """Answer a line for each entry that waits; *service* "" is all of them."""
    lines = []
    for name in _named(service):
        async with _engine(name) as engine:
            lines += [
                f"{name} {entry.id}: {entry.customer_id or '(no customer)'} {entry.type or '(no type)'} "
                f"{entry.reason}: {entry.error} [{entry.topic or 'http'}/{entry.partition}@{entry.offset}, "
                f"{entry.at:%Y-%m-%d %H:%M} UTC, {entry.waiting_behind} waiting]"
                for entry in await list_quarantined(engine)
            ]
    return lines


async def details(service: str, entry: int) -> str | None:
    """Answer one entry as JSON, with the record itself; None when there is none."""
    (name,) = _named(service)
    keys = settings_or_fail().keys()
    async with _engine(name) as engine:
        found = await find(engine, entry)
        if found is None:
            return None
        record = await show(engine, keys, entry)
    whole = {**msgspec.to_builtins(found), "record": record}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()


async def let_go(service: str, customer: str, *, discard: bool) -> str:
    """Decide the customer's queue again, *discard* without its first record, and say what came of it."""
    (name,) = _named(service)
    settings = settings_or_fail()
    async with _engine(name) as engine:
        keys = settings.keys()
        shell = Shell(
            configured(name, settings.strategy),
            engine,
            SystemClock(),
            keys=keys,
            vault=VaultWriter(keys) if parts(name).keeps_vault else None,
            partitions=settings.partitions,
        )
        released = await shell.release(customer, discard=discard)
    if released is None:
        fail(f"{name} has nothing parked for {customer}", code=1)
    if released.error:
        fail(f"{released.decided} decided, {released.left} still parked: {released.error}", code=1)
    return f"{customer} released: {released.decided} events decided"


def _named(service: str) -> tuple[str, ...]:
    if service and service not in SERVICES:
        fail(f"{service!r} is no service; there are {', '.join(SERVICES)}")
    return (service,) if service else SERVICES


@asynccontextmanager
async def _engine(service: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(settings_or_fail().database_url, service, pool_size=1, name="quarantine")
    try:
        yield engine
    finally:
        await engine.dispose()
