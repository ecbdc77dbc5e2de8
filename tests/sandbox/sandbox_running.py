"""Run the sandbox and a service that it calls back, for the tests of the sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI, Request, Response

from shared.ids import derive
from shared.sandbox.app import SandboxSettings, create_sandbox_app
from shared.sandbox.log import read
from shared.sandbox.outcomes import outcomes

NOON = "2026-03-02T04:00:00Z"
BASES = {"notifier": "http://notifier.test", "visits": "http://visits.test"}


@dataclass
class Service:
    """A service as the sandbox sees it: takes webhooks, refuses the next `refuse` of them."""

    took: list[dict[str, Any]] = field(default_factory=list)
    refuse: int = 0
    asked: int = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/webhooks/outcomes")
        async def outcome(request: Request) -> Response:
            self.asked += 1
            if self.refuse:
                self.refuse -= 1
                return Response(status_code=503)
            body = await request.json()
            assert request.headers["idempotency-key"] == body["id"]
            self.took.append(body)
            return Response(status_code=202)

        return app

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app()))

    def told(self) -> list[str]:
        return [body["data"]["outcome"] for body in self.took]


@dataclass
class Sandbox:
    """A running sandbox, spoken to over HTTP."""

    http: httpx2.AsyncClient
    log: Path

    async def set_clock(self, now: str) -> None:
        answer = await self.http.post("/_step/clock", json={"now": now})
        assert answer.status_code == 200, answer.text

    async def hand_over(
        self, effect_id: str, kind: str = "contact.sms", key: str | None = None, **other: Any
    ) -> httpx2.Response:
        body = {
            "effect_id": effect_id,
            "kind": kind,
            "customer_id": "C1",
            "service": "notifier",
            "to": "+8613800000000",
            "content": {"text": "hello"},
            "claimed_at": NOON,
            **other,
        }
        headers = {"Idempotency-Key": key or effect_id}
        return await self.http.post("/effects", json=body, headers=headers)

    async def deliver(self) -> int:
        answer = await self.http.post("/_step/deliver")
        assert answer.status_code == 200, answer.text
        return answer.json()["delivered"]

    async def next_due(self) -> str | None:
        return (await self.http.get("/_step/next")).json()["next"]

    def lines(self, entry: str) -> list[dict[str, Any]]:
        return [line for line in read(self.log) if line["entry"] == entry]


@asynccontextmanager
async def sandbox(folder: Path, service: Service, **fields: Any) -> AsyncIterator[Sandbox]:
    """A sandbox on the log in *folder*; stepped unless told otherwise."""
    settings = SandboxSettings(
        **{"log": folder / "sandbox.jsonl", "callback_base": BASES, "stepped": True, **fields}
    )
    app = create_sandbox_app(settings, client=service.client())
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as http:
            yield Sandbox(http, settings.log)


def with_story(kind: str, *names: str, seed: int = 1) -> str:
    """An effect that has exactly these outcomes."""
    for n in range(100_000):
        effect_id = derive("effect", n)
        if [o.fields["outcome"] for o in outcomes(seed, effect_id, kind)] == list(names):
            return effect_id
    raise AssertionError(f"no {kind} with {names}")
