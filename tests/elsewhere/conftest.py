"""A broker with encrypted listeners, once per run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.elsewhere.secured import SecuredBroker


@pytest.fixture(scope="session")
def secured(servers_folder: Path) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(servers_folder / "secured")
    with broker.server:
        yield broker
