"""Stop what leaves this service, and resume it; release fuses; go on after a mass failure. Each is recorded."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.http.access import Caller, needs
from shared.http.context import Running
from shared.http.problems import RESPONSES, Problem, ProblemError
from shared.messaging import controls, fuses, mass_failure
from shared.messaging.controls import Filter

router = APIRouter(tags=["controls"], responses=RESPONSES)
Channel = Literal["sms", "call", "email", "wechat", "letter", "visit", "court"]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Stopper = Annotated[Caller, needs("controls:stop")]
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


def _reason(text: str) -> str:
    if problem := controls.wrong_reason(text):
        raise ValueError(problem)
    return text


Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_reason)]


class NewStop(BaseModel):
    """What is to be held back: all that matches each filter given; without one, everything."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"channel": "sms", "reason": "wrong amount in the text"}]},
    )

    channel: Channel | None = None
    region: Name | None = None
    template: Name | None = None
    provider: Name | None = None
    reason: Reason


class Act(BaseModel):
    """Why a stop ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Release(Act):
    """Why a fuse is released, and for how many hours the norm does not hold; this one counts."""

    hours: Annotated[int, Field(ge=1, le=72)] = 1


class Resumption(Act):
    """Why a mass failure ends. `park`: what fails there is bad data, and parks its customers."""

    park: bool = False


class StopLine(BaseModel):
    """A stop in force; of a fuse, `departed` left in the hour and `allowed` may, by `cause`."""

    stop_id: str
    kind: str
    channel: str
    region: str
    template: str
    provider: str
    reason: str
    by: str
    at: datetime
    cause: str = ""
    departed: int = 0
    allowed: int = 0


class FuseState(BaseModel):
    """A channel in this hour (UTC): what left, and how much may; null where nothing limits it."""

    channel: str
    departed: int
    norm: int | None
    cap: int | None
    tripped: bool


class MassFailureLine(BaseModel):
    """A mass failure that stands: this code decides nothing until another runs or somebody resumes."""

    model_config = ConfigDict(from_attributes=True)

    fingerprint: str
    code_version: str
    customers: int
    failed: int
    tried: int
    at: datetime


class ControlsNow(BaseModel):
    """All that this service holds back now."""

    stops: list[StopLine]
    fuses: list[FuseState]
    mass_failure: MassFailureLine | None


class SendingLine(BaseModel):
    """An effect that was claimed before the stop: it may still leave, or have left."""

    model_config = ConfigDict(from_attributes=True)

    effect_id: str
    kind: str
    claimed_at: datetime


class StopMade(BaseModel):
    """A stop in force, what was claimed before it, and how many pending effects it holds."""

    stop_id: str
    sending: list[SendingLine]
    held: int


@router.get("/controls", dependencies=[needs("controls:read")])
async def now(runtime: Running) -> ControlsNow:
    """Answer the stops in force, each channel's fuse, and a mass failure that stands."""
    async with runtime.engine.connect() as connection:
        found = await controls.standing(connection)
        lines = await fuses.overview(connection, runtime.settings.limits(), runtime.clock.now())
    return ControlsNow(
        stops=[_line(each) for each in (*found.stops, *found.fuses)],
        fuses=[
            FuseState(
                channel=each.channel,
                departed=each.departed,
                norm=each.norm,
                cap=each.cap,
                tripped=each.tripped is not None,
            )
            for each in lines
        ],
        mass_failure=found.mass_failure and MassFailureLine.model_validate(found.mass_failure),
    )


@router.post("/controls/stops", status_code=201)
async def stop(runtime: Running, caller: Stopper, body: NewStop) -> StopMade:
    """Hold back what matches: after the answer, nothing of it is claimed in this service."""
    what = Filter(body.channel or "", body.region or "", body.template or "", body.provider or "")
    async with runtime.engine.begin() as tx:
        made = await controls.stop(
            tx, what, reason=body.reason, by=caller.subject, at=runtime.clock.now()
        )
    return StopMade(
        stop_id=made.stop_id,
        sending=[SendingLine.model_validate(each) for each in made.sending],
        held=made.held,
    )


@router.post("/controls/stops/{stop_id}/resume", responses=_MISSING)
async def resume(
    runtime: Running, caller: Stopper, body: Act, stop_id: Annotated[str, Path(max_length=64)]
) -> StopLine:
    """End a stop of a person; answers it."""
    async with runtime.engine.begin() as tx:
        ended = await controls.resume(
            tx, stop_id, reason=body.reason, by=caller.subject, at=runtime.clock.now()
        )
    if ended is None:
        raise ProblemError("not-found", "No such stop is in force.")
    return _line(ended)


@router.post("/controls/fuses/{channel}/release", responses=_MISSING)
async def release(runtime: Running, caller: Stopper, body: Release, channel: Channel) -> StopLine:
    """Release a tripped fuse; the hard cap of the hour goes on to hold."""
    async with runtime.engine.begin() as tx:
        released = await fuses.release(
            tx,
            channel,
            reason=body.reason,
            by=caller.subject,
            at=runtime.clock.now(),
            hours=body.hours,
        )
    if released is None:
        raise ProblemError("not-found", "This fuse has not tripped.")
    return _line(released)


@router.post("/controls/mass-failure/resume", responses=_MISSING)
async def go_on(runtime: Running, caller: Stopper, body: Resumption) -> list[MassFailureLine]:
    """Let this service decide again after a mass failure; answers those that stood."""
    async with runtime.engine.begin() as tx:
        ended = await _resume(tx, body, caller.subject, runtime.clock.now())
    if not ended:
        raise ProblemError("not-found", "No mass failure stands.")
    return ended


async def _resume(
    tx: AsyncConnection, body: Resumption, by: str, at: datetime
) -> list[MassFailureLine]:
    found = await mass_failure.resume(tx, reason=body.reason, by=by, at=at, parks=body.park)
    return [MassFailureLine.model_validate(each) for each in found]


def _line(each: controls.Stop) -> StopLine:
    return StopLine(
        stop_id=each.stop_id,
        kind=each.kind,
        channel=each.filter.channel,
        region=each.filter.region,
        template=each.filter.template,
        provider=each.filter.provider,
        reason=each.reason,
        by=each.by,
        at=each.at,
        cause=each.cause,
        departed=each.departed,
        allowed=each.allowed,
    )
