"""A broker with encrypted listeners, once per run."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.elsewhere.secured import SecuredBroker


@pytest.fixture(autouse=True)
def _refused_connections_are_closed() -> Iterator[None]:
    """aiokafka and asyncpg leave what was refused to the garbage collector: here, not in a later test."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def secured(servers_folder: Path) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(servers_folder / "secured")
    with broker.server:
        yield broker
