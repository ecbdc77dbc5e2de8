"""A service's application on a database, without Kafka: what HTTP alone can ask of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.http import create_app
from shared.http.access import PROBES, declared
from shared.http.app import attach
from shared.runtime import Runtime
from shared.services import parts
from tests.http.conftest import EVERYBODY, client_of, settings

OWN, FOREIGN = "C-OWN-1", "C-FOREIGN-1"
REGION, PORTFOLIO = "SH", "BANK-1"

_CASES = text("""
    INSERT INTO cases (customer_id, partition, stage, state, state_version, last_now, region, portfolio)
    VALUES (:own, 0, :stage, '{}', 1, now(), :region, :portfolio),
           (:foreign, 1, :stage, '{}', 1, now(), 'BJ', 'FUND-9')
""")
STAGES = {"scheduler": "open", "notifier": "contacting", "visits": "due", "legal": "due"}


class Served:
    """`ask` sends a request and answers when it is done; all in one event loop of its own."""

    def __init__(self, service: str, database: str) -> None:
        self.service = service
        self.app: FastAPI = create_app(
            parts(service),
            settings(
                database,
                kafka="127.0.0.1:9",
                rate_read=100_000,
                rate_write=100_000,
                rate_refused=100_000,
            ),
        )
        self._settings = settings(database, kafka="127.0.0.1:9")
        self._runner = asyncio.Runner()

    def routes(self) -> dict[tuple[str, str], frozenset[str]]:
        """The scopes of every route but the probes."""
        return {
            (method, path): scopes
            for (method, path), scopes in declared(self.app).items()
            if path not in PROBES
        }

    def ask(self, method: str, url: str, headers: dict[str, str], **more: Any) -> httpx2.Response:
        return self._runner.run(self._ask(method, url, headers, more))

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], more: dict[str, Any]
    ) -> httpx2.Response:
        async with client_of(self.app, accept="*/*") as client:
            with capture_logs():
                return await client.request(method, url, headers=headers, **more)

    def execute(self, statement: Any, **values: Any) -> None:
        async def run() -> None:
            async with self.app.state.runtime.engine.begin() as tx:
                await tx.execute(statement, values)

        self._runner.run(run())

    async def _start(self) -> None:
        runtime = Runtime(parts(self.service), self._settings)
        await runtime.shell.prepare()
        attach(self.app, runtime)

    async def _stop(self) -> None:
        runtime = self.app.state.runtime
        if runtime.provider is not None:
            await runtime.provider.close()
        await runtime.offsets.close()
        await runtime.engine.dispose()

    def start(self) -> None:
        self._runner.run(self._start())
        self.execute(
            _CASES,
            own=OWN,
            foreign=FOREIGN,
            stage=STAGES[self.service],
            region=REGION,
            portfolio=PORTFOLIO,
        )

    def stop(self) -> None:
        try:
            self._runner.run(self._stop())
        finally:
            self._runner.close()


@contextmanager
def serving(service: str, database: str) -> Iterator[Served]:
    """Serve *service* with two customers: one that a bounded caller sees, and one of somebody else."""
    served = Served(service, database)
    served.start()
    try:
        assert served.ask("GET", f"/cases/{OWN}", EVERYBODY).status_code == 200
        yield served
    finally:
        served.stop()
