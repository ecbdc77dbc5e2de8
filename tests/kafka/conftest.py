"""Topics and groups of each test's own, on the one broker; and the proxy in front of it."""

import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from shared.local.kafka import EmbeddedKafka
from tests.kafka.proxy import Proxy

numbers = itertools.count(1)


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Names that no other test uses."""
    number = next(numbers)
    return lambda word: f"{word}-{number}"


@pytest.fixture
async def proxy(kafka_server: EmbeddedKafka) -> AsyncIterator[Proxy]:
    """Clients reach it at kafka_server.extra_bootstrap."""
    assert kafka_server.extra_port is not None
    port = int(kafka_server.extra_bootstrap.rpartition(":")[2])
    async with Proxy(kafka_server.extra_port).listening(port) as found:
        yield found
