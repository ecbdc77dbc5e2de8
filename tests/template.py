"""What the template database of the tests holds; every test gets a copy of it."""

import asyncio

from shared.db import migrate
from shared.events.registry import SERVICES


def make_template(url: str) -> None:
    """Migrate the empty database at this URL (postgresql+asyncpg://...). Runs in a thread without an event loop."""
    asyncio.run(migrate(url, SERVICES))
