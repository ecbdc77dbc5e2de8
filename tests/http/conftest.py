"""A service with its real loops, spoken to over HTTP."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.notifier.main import PARTS
from shared.clock import SystemClock
from shared.development_tokens import development_token, new_key, public_half
from shared.http import create_app
from shared.http.roles import ROLES
from shared.local.kafka import EmbeddedKafka
from shared.runtime import Parts
from shared.settings import Settings
from tests.database.support import PARTITIONS
from tests.kafka.proxy import Proxy

KEY = new_key()
Run = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


def settings(database: str, **fields: Any) -> Settings:
    return Settings(
        **{
            "database_url": database,
            "vault_key": base64.b64encode(b"k" * 32).decode(),
            "provider_url": "http://127.0.0.1:9",
            "partitions": PARTITIONS,
            "dev_key": public_half(KEY),
            **fields,
        }
    )


def bearer(*roles: str, **limits: Any) -> dict[str, str]:
    """The header of a caller with these roles; limits are regions, portfolios, subject."""
    return {"Authorization": f"Bearer {development_token(KEY, SystemClock(), roles, **limits)}"}


def client_of(app: FastAPI, **headers: str) -> httpx2.AsyncClient:
    """A client with every role that sees all, unless told otherwise."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(
        transport=transport, base_url="http://notifier", headers=headers or EVERYBODY
    )


EVERYBODY = bearer(*ROLES, regions=["*"])


@pytest.fixture
def run(database: str, kafka: str) -> Run:
    """Run a service (the notifier unless told otherwise) while the body runs; yields its client."""

    @asynccontextmanager
    async def running(parts: Parts = PARTS, **fields: Any) -> AsyncIterator[httpx2.AsyncClient]:
        app = create_app(parts, settings(database, **{"kafka": kafka, **fields}))
        async with app.router.lifespan_context(app), client_of(app) as client:
            client.app = app
            yield client

    return running


@pytest.fixture
async def proxy(kafka_server: EmbeddedKafka) -> AsyncIterator[Proxy]:
    """In front of the broker, at kafka_server.extra_bootstrap."""
    assert kafka_server.extra_port is not None
    port = int(kafka_server.extra_bootstrap.rpartition(":")[2])
    async with Proxy(kafka_server.extra_port).listening(port) as found:
        yield found
