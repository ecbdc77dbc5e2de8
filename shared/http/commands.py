"""
Take what people command and declare: one request, one fact, however often it is sent.

A route checks its body, then calls give(). The fact's source is `/commands/<caller>`, its id the header
`Idempotency-Key`, its time the first receipt. The same request again answers the same body, with the header
`Idempotent-Replayed: true`; another body under the same key is a 422 `conflict` and changes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import Depends, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from shared.events import identifiers
from shared.events.commands import Said
from shared.events.envelope import Event
from shared.events.registry import TYPE_OF
from shared.http.access import Caller, require_visible
from shared.http.context import Running
from shared.http.problems import RESPONSES, FieldError, Problem, ProblemError
from shared.ids import derive
from shared.messaging.asking import NotFresh
from shared.messaging.cases import upcast
from shared.messaging.cloudevents import explain
from shared.messaging.records import FactResult
from shared.runtime import Runtime

TAKEN: dict[int | str, dict[str, Any]] = {**RESPONSES, 404: {"model": Problem}}
"""For `responses` of a command's route."""
REPLAYED = "Idempotent-Replayed"
DAY, YEAR = timedelta(days=1), timedelta(days=366)
_ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_STATE = text("SELECT state::text, state_version FROM cases WHERE customer_id = :customer_id")
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"

CustomerId = Annotated[str, Path(min_length=1, max_length=128)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._:-]{8,128}$",
        description="Chosen by the caller, once for each thing to be done: 8 to 128 of A-Z a-z 0-9 . _ : -",
        examples=["close-C000042-20260316-1"],
    ),
]
ReasonField = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        pattern=_PRINTABLE,
        description="Why, in a person's words; no telephone, card or identity number.",
        examples=["the debtor rang us"],
    ),
]
TextField = Annotated[str, Field(min_length=1, max_length=2000, pattern=_PRINTABLE)]
ReferenceField = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Body(BaseModel):
    """What every command says: why."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonField


class Given(BaseModel):
    """
    The command is saved: it is decided on the next tick of the case, within seconds.

    `id` and `source` identify it in the audit trail; `about` is the id of what it made or speaks of (a hold, a promise).
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "hold-C000042-20260316-1",
                    "source": "/commands/u-7",
                    "type": "hold.placed",
                    "about": "8a6f0d3c-5b8a-5c0e-9d0a-3f5f0e6f7c11",
                    "status": "accepted",
                }
            ]
        }
    )

    id: str
    source: str
    type: str
    about: str = ""
    status: str = "accepted"


@dataclass(frozen=True, slots=True)
class Request:
    """What a route of commands works with besides its body; `response` carries the header REPLAYED."""

    runtime: Runtime
    key: str
    response: Response
    customer_id: str

    @property
    def today(self) -> date:
        """The date at Greenwich: for bounds of dates, a day more or less does not matter."""
        return self.runtime.clock.now().date()

    def source(self, caller: Caller) -> str:
        """Answer the source of what *caller* commands."""
        return f"/commands/{quote(caller.subject, safe='')}"

    def id_of(self, what: str, caller: Caller) -> str:
        """Answer the id of the thing that this command makes: the same however often it is sent."""
        return derive(what, self.source(caller), self.key)


def _request(
    runtime: Running, key: IdempotencyKey, response: Response, customer_id: CustomerId
) -> Request:
    if kind := identifiers.personal(key):
        raise wrong("header.Idempotency-Key", f"looks like {kind}; choose another")
    return Request(runtime, key, response, customer_id)


Command = Annotated[Request, Depends(_request)]


async def state_for(request: Request, caller: Caller) -> Any:
    """Answer the case's state; raises the problem `not-found` for a customer unknown, or out of the caller's reach."""
    return await case_of(request.runtime, caller, request.customer_id)


async def case_of(runtime: Runtime, caller: Caller, customer_id: str) -> Any:
    """Answer the same where nothing is commanded."""
    async with runtime.engine.connect() as connection:
        await require_visible(connection, caller, customer_id)
        found = await connection.execute(_STATE, {"customer_id": customer_id})
        stored, version = found.one()
    return upcast(runtime.reactor, stored, version)


async def give(
    request: Request,
    caller: Caller,
    model: type[Said],
    fields: Mapping[str, Any],
    *,
    about: str = "",
) -> Given:
    """
    Hand the command to the shell; *fields* are the event's own beside customer, caller and time.

    Raises problems: `not-found` for a customer unknown or out of reach, `invalid`, `conflict`.
    """
    await state_for(request, caller)
    event = _event(request, caller, model, fields)
    (result,) = await request.runtime.take_facts([event])
    _heed(request, result)
    return Given(id=event.id, source=event.source, type=event.type, about=about)


async def ask(
    request: Request, caller: Caller, model: type[Said], fields: Mapping[str, Any]
) -> Any:
    """
    Hand in a command that is answered at once, and answer the case's state after the tick that did.

    Raises problems as give() does, and `not-fresh` while facts of core banking may still wait.
    """
    await state_for(request, caller)
    event = _event(request, caller, model, fields)
    try:
        result, state = await request.runtime.ask(event)
    except NotFresh as error:
        raise not_fresh() from error
    _heed(request, result)
    return state


def not_fresh() -> ProblemError:
    """Answer the problem of an answer that would rest on old facts; a moment later it may not."""
    return ProblemError(
        "not-fresh",
        "Nobody is contacted while their payment may wait. Ask again, with the same key.",
        headers={"Retry-After": "2"},
    )


def _event(request: Request, caller: Caller, model: type[Said], fields: Mapping[str, Any]) -> Event:
    """Make the fact; raises the problem `invalid`."""
    refuse_numbers(fields)
    told = {"customer_id": request.customer_id, "by": caller.subject, **fields}
    try:
        data = msgspec.convert(told, model)
    except msgspec.ValidationError as error:
        field, message = explain(error)
        raise wrong(f"body.{field}", message) from None
    return Event(
        id=request.key,
        source=request.source(caller),
        type=TYPE_OF[model],
        subject=request.customer_id,
        time=request.runtime.clock.now(),
        data=data,
    )


def _heed(request: Request, result: FactResult) -> None:
    """Say in the header whether it was known already; raises the problems `conflict` and `invalid`."""
    match result.status:
        case "conflict":
            raise ProblemError(
                "conflict", "This Idempotency-Key was used before, for something else."
            )
        case "refused":
            field, _, message = result.reason.partition(": ")
            raise wrong(f"body.{field}", message)
        case "new" | "repeated":
            request.response.headers[REPLAYED] = str(result.status == "repeated").lower()


def refuse_numbers(fields: Mapping[str, Any]) -> None:
    """Raise the problem `invalid` when free text holds a telephone, card or identity number; it is not said back."""
    for name in ("reason", "text"):
        said = _ISO_DATE.sub(" ", fields.get(name) or "")
        if kind := identifiers.personal.__wrapped__(said):
            raise wrong(f"body.{name}", f"holds {kind}; leave it out")


def wrong(field: str, message: str) -> ProblemError:
    """Answer the problem `invalid` of one field."""
    return ProblemError("invalid", errors=[FieldError(field=field, message=message)])


def bounded(field: str, day: date | None, *, earliest: date, latest: date) -> date | None:
    """Answer *day* if it lies between two dates (both included) or is None; raises the problem `invalid`."""
    if day is not None and not earliest <= day <= latest:
        raise wrong(f"body.{field}", f"must lie between {earliest} and {latest}")
    return day


def money(amount_minor: int | None, currency: str | None) -> dict[str, Any]:
    """Answer both or none of them; raises the problem `invalid` for one without the other."""
    if (amount_minor is None) != (currency is None):
        raise wrong("body.currency", "an amount and its currency stand together")
    return {} if amount_minor is None else {"amount_minor": amount_minor, "currency": currency}
