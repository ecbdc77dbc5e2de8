"""The sandbox provider as a process of its own: takes hand-overs by HTTP, and tells outcomes by webhook."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx2
import msgspec
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from shared.clock import AT_ONCE, Clock, SteppedClock, SystemClock
from shared.events.envelope import utc
from shared.sandbox.callbacks import TIMEOUT, Callback, Delivery
from shared.sandbox.chance import Draws
from shared.sandbox.desk import Answer, Desk, HandOver
from shared.sandbox.log import Log
from shared.sandbox.outcomes import KINDS, due_at

Share = Annotated[float, Field(ge=0, le=1)]
_LOOK_AGAIN = 0.5
"""Seconds after which the queue is looked at although nothing new was handed over."""


class SandboxSettings(BaseSettings):
    """
    The sandbox's settings, from the environment (ARREARS_SANDBOX_...) or the constructor.

    `callback_base` maps a service to its address. `stepped`: the clock stands where the driver set
    it, and webhooks go out when the driver says so. `time_scale` (unstepped): 1 delivers when due by
    the machine's clock, 0 at once, 0.01 a hundred times as fast. `*_share`: shares of hand-overs that
    are answered by 500 after they were accepted, or not at all, and of webhooks that are sent twice.
    `token` is the bearer token of its webhooks (scope outcomes:report).
    """

    model_config = SettingsConfigDict(env_prefix="ARREARS_SANDBOX_", extra="ignore")

    seed: int = 1
    log: Path = Path(".arrears/sandbox.jsonl")
    callback_base: dict[str, str] = {}
    stepped: bool = False
    time_scale: Annotated[float, Field(ge=0, le=1)] = 1.0
    fail_share: Share = 0.0
    lose_share: Share = 0.0
    repeat_share: Share = 0.0
    token: SecretStr = SecretStr("")

    def schedule(self, left_at: datetime, delay: timedelta) -> datetime:
        """Answer when an outcome is told: on the grid, or as much sooner as `time_scale` says."""
        return left_at + (due_at(left_at, delay) - left_at) * self.time_scale

    def authorization(self) -> dict[str, str]:
        """Answer the header that its webhooks carry."""
        token = self.token.get_secret_value()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def hits(self, fault: Literal["fail", "lose", "repeat"], effect_id: str, nth: int) -> bool:
        """Tell whether the *nth* exchange about this effect meets this fault; follows from the seed."""
        share: float = getattr(self, f"{fault}_share")
        return Draws(self.seed, fault, effect_id, nth).share() < share


class NewEffect(BaseModel):
    """An effect that is handed over: what HandOver in desk.py says."""

    effect_id: Annotated[str, Field(min_length=1, max_length=128)]
    kind: str
    customer_id: Annotated[str, Field(min_length=1, max_length=128)]
    service: str
    to: str
    content: dict[str, Any]
    claimed_at: AwareDatetime
    permit_id: Annotated[str, Field(max_length=128)] = ""
    validity_until: AwareDatetime | None = None


class NewClock(BaseModel):
    """Where the driver sets the clock."""

    now: AwareDatetime


class LostAnswer(Response):
    """The connection breaks off after the headers: the caller cannot know what became of its request."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce a body that never comes."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def create_sandbox_app(
    settings: SandboxSettings, *, client: httpx2.AsyncClient | None = None
) -> FastAPI:
    """
    Compose the sandbox; *client* replaces the one that makes its callbacks (it is closed at the end).

    Its start-up raises SeedChanged where the log was written with another seed, and ValueError where
    the log has outcomes for a service that `callback_base` does not name.
    """
    stepped_clock = SteppedClock()
    clock: Clock = stepped_clock if settings.stepped else SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log = Log(settings.log)
        try:
            desk = Desk(
                log,
                clock=clock,
                machine=SystemClock(),
                seed=settings.seed,
                schedule=settings.schedule,
            )
            if missing := desk.queue.services() - set(settings.callback_base):
                raise ValueError(f"the log has outcomes for services without address: {missing}")
            async with client or httpx2.AsyncClient(
                timeout=TIMEOUT, headers=settings.authorization()
            ) as http:
                app.state.desk = desk
                app.state.delivery = delivery = Delivery(
                    http,
                    settings.callback_base,
                    repeats=lambda c: settings.hits("repeat", c.effect_id, c.nth),
                    acknowledged=desk.acknowledge,
                )
                if settings.stepped:
                    yield
                else:
                    async with _in_background(_deliver_when_due(desk, delivery, clock)):
                        yield
        finally:
            log.close()

    app = FastAPI(title="Arrears sandbox provider", lifespan=lifespan)
    app.include_router(_provider(settings, clock))
    if settings.stepped:
        app.include_router(_driver(stepped_clock))
    return app


def _provider(settings: SandboxSettings, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["provider"])

    @router.post("/effects")
    async def hand_over(
        body: NewEffect, request: Request, idempotency_key: Annotated[str, Header()]
    ) -> Response:
        """Hand an effect over; the same key again is answered the same, and nothing leaves twice."""
        if idempotency_key != body.effect_id:
            raise HTTPException(422, "the Idempotency-Key is the effect_id")
        if body.kind not in KINDS:
            raise HTTPException(422, f"unknown kind {body.kind!r}")
        if body.service not in settings.callback_base:
            raise HTTPException(422, f"no callback address for {body.service!r}")
        if clock.now() == AT_ONCE:
            raise HTTPException(409, "the driver has not set the clock yet")
        desk: Desk = request.app.state.desk
        answer, nth = desk.hand_over(HandOver(**body.model_dump()))
        if settings.hits("fail", body.effect_id, nth):
            return JSONResponse({"detail": "accepted, but the answer broke"}, status_code=500)
        if settings.hits("lose", body.effect_id, nth):
            return LostAnswer()
        return _json(answer)

    @router.get("/effects/{effect_id}")
    async def status(effect_id: str, request: Request) -> Response:
        """Ask what became of a hand-over; 404 if it never came."""
        answer = request.app.state.desk.status(effect_id)
        if answer is None:
            raise HTTPException(404, "never seen")
        return _json(answer)

    return router


def _driver(clock: SteppedClock) -> APIRouter:
    router = APIRouter(prefix="/_step", tags=["stepped run"])

    @router.post("/clock")
    async def set_clock(body: NewClock) -> dict[str, datetime]:
        """Set the sandbox's clock; it does not go back."""
        try:
            clock.set(utc(body.now))
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return {"now": clock.now()}

    @router.post("/deliver")
    async def deliver(request: Request) -> dict[str, int]:
        """Deliver what is due and answer how many; 502 if a service did not take all (they stay)."""
        desk: Desk = request.app.state.desk
        due = desk.queue.take_due(clock.now())
        left = await request.app.state.delivery.deliver(due)
        for callback in left:
            desk.queue.add(callback)
        if left:
            raise HTTPException(502, f"{len(left)} of {len(due)} webhooks were not taken")
        return {"delivered": len(due)}

    @router.get("/next")
    async def next_due(request: Request) -> dict[str, datetime | None]:
        """Answer the next instant at which something is to be told; null if nothing is."""
        return {"next": request.app.state.desk.queue.next_due()}

    return router


def _json(answer: Answer) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


@asynccontextmanager
async def _in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _deliver_when_due(desk: Desk, delivery: Delivery, clock: Clock) -> None:
    """Deliver each outcome when its time has come; one that nobody took goes back into the queue."""

    async def deliver(due: list[Callback]) -> None:
        for callback in await delivery.deliver(due):
            desk.queue.add(callback)

    async with asyncio.TaskGroup() as group:
        while True:
            desk.arrived.clear()
            if due := desk.queue.take_due(clock.now()):
                group.create_task(deliver(due))
            with suppress(TimeoutError):
                await asyncio.wait_for(desk.arrived.wait(), _LOOK_AGAIN)
