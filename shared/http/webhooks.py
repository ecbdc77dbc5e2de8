"""Take in what providers report later: one fact a call, accepted once whatever is repeated."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.decision import Reactor
from shared.events.envelope import Event, utc
from shared.events.registry import EVENT_TYPES, OUTCOMES
from shared.http.access import needs
from shared.http.context import Running
from shared.http.problems import RESPONSES, FieldError, ProblemError
from shared.messaging.cloudevents import explain


class Report(BaseModel):
    """A fact as the provider tells it: `id` is the same whenever it is told again, `time` when it was recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "provider.receipt",
                    "id": "0c5d7f0a-9d3e-5c61-8a53-6b0b6a0e4d11",
                    "time": "2026-03-02T04:00:00Z",
                    "data": {
                        "customer_id": "C000042",
                        "effect_id": "7d0fd0d8-7f5c-53f1-b7cf-0f5a8f1f9d52",
                        "outcome": "delivered",
                    },
                }
            ]
        }
    )

    type: Annotated[str, Field(max_length=64)]
    id: Annotated[str, Field(min_length=1, max_length=128)]
    time: AwareDatetime
    data: dict[str, Any]


class Accepted(BaseModel):
    """The fact is saved; `repeated` when it was before."""

    id: str
    status: str


def router_for(reactor: Reactor[Any], *, source: str) -> APIRouter:
    """Make the webhook routes of a service; it takes only the outcomes that it reacts to."""
    router = APIRouter(tags=["webhooks"], responses=RESPONSES)
    taken = sorted(reactor.reacts_to & OUTCOMES)
    if not taken:
        return router

    @router.post("/webhooks/outcomes", status_code=202, dependencies=[needs("outcomes:report")])
    async def outcomes(report: Report, runtime: Running) -> Accepted:
        """Take in what became of an effect."""
        if report.type not in taken:
            raise _wrong("body.type", f"must be one of {', '.join(taken)}")
        try:
            data = msgspec.convert(report.data, EVENT_TYPES[report.type].model)
        except msgspec.ValidationError as error:
            field, message = explain(error)
            raise _wrong(f"body.{field}", message) from None
        event = Event(
            id=report.id,
            source=source,
            type=report.type,
            subject=data.customer_id,
            time=utc(report.time),
            data=data,
        )
        (result,) = await runtime.take_facts([event])
        match result.status:
            case "conflict":
                raise ProblemError(
                    "conflict", "A fact with this id and another content was accepted before."
                )
            case "refused":
                field, _, message = result.reason.partition(": ")
                raise _wrong(f"body.{field}", message)
            case "new" | "repeated":
                return Accepted(id=report.id, status=result.status)

    return router


def _wrong(field: str, message: str) -> ProblemError:
    return ProblemError("invalid", errors=[FieldError(field=field, message=message)])
