"""One service inside the test's own process, so that its tasks can be counted: its loops, its HTTP, and facts for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db import engine_for
from shared.events.envelope import Event
from shared.http import create_app
from shared.messaging.publisher import Publisher
from shared.runtime import Parts, Runtime
from tests.http.conftest import client_of, settings


class Inside:
    """A running service; `client` speaks to it without a network, `direct` is a way to its schema past every proxy."""

    def __init__(
        self,
        runtime: Runtime,
        client: httpx2.AsyncClient,
        direct: AsyncEngine,
        publisher: Publisher,
    ) -> None:
        self.runtime = runtime
        self.client = client
        self.direct = direct
        self._publisher = publisher
        self.published: list[str] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Send facts straight to the broker, and remember that they were acknowledged."""
        await self._publisher.publish(events)
        self.published += [event.id for event in events]

    async def scalar(self, query: str) -> Any:
        async with self.direct.connect() as connection:
            return await connection.scalar(text(query))

    async def decided(self) -> list[str]:
        """Name the events published here that are in the inbox, as often as they stand there."""
        async with self.direct.connect() as connection:
            return list(
                await connection.scalars(
                    text("SELECT id FROM inbox WHERE id = ANY(:published) ORDER BY id"),
                    {"published": self.published},
                )
            )

    async def status(self, path: str) -> int:
        return int((await self.client.get(path)).status_code)


@asynccontextmanager
async def inside(
    parts: Parts, *, database: str, kafka: str, direct: str, direct_kafka: str
) -> AsyncIterator[Inside]:
    """Run the service while the body does; `direct` and `direct_kafka` lead past the proxies."""
    app = create_app(parts, settings(database, kafka=kafka))
    engine = engine_for(direct, parts.reactor.name, pool_size=2, name="watcher")
    try:
        async with (
            Publisher(direct_kafka) as publisher,
            app.router.lifespan_context(app),
            client_of(app) as client,
        ):
            yield Inside(app.state.runtime, client, engine, publisher)
    finally:
        await engine.dispose()


async def eventually(condition: Callable[[], Any], *, seconds: float = 30.0) -> float:
    """Wait until *condition*, awaited, holds; answers how long it took, and fails when it takes too long."""
    began = monotonic()
    while not await condition():
        assert monotonic() - began < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.1)
    return monotonic() - began
