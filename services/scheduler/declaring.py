"""Take down what customers declare, in the words of `POST /customers/{customer_id}/declarations`; kinds are added here."""

from datetime import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.domain.state import CollectionCase
from shared.events import commands
from shared.events.scheduler import Channel
from shared.http.access import Caller, needs
from shared.http.commands import (
    TAKEN,
    Body,
    Command,
    Given,
    ReferenceField,
    give,
    state_for,
    wrong,
)

router = APIRouter(prefix="/customers/{customer_id}", tags=["declarations"], responses=TAKEN)
Taker = Annotated[Caller, needs("declarations:take")]


class OptOut(Body):
    """No more contact at a point (by any channel), or by a channel (at any point)."""

    kind: Literal["opt_out"]
    scope: Literal["point", "channel"]
    point_id: ReferenceField | None = None
    channel: Channel | None = None


class Dispute(Body):
    """The debt of an account (all without one) is contested."""

    kind: Literal["dispute"]
    account_id: ReferenceField | None = None
    written: bool = False


class DoNotCall(Body):
    """No more calls."""

    kind: Literal["do_not_call"]


class Window(BaseModel):
    """From `start` to `end` of the customer's local time; one that ends before it starts goes on after midnight."""

    model_config = ConfigDict(extra="forbid")

    start: time
    end: time
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(default=[], max_length=7)


class InconvenientTimes(Body):
    """Local times at which contact is not convenient; `days` count from Monday, 1 (none: every day)."""

    kind: Literal["inconvenient_times"]
    windows: Annotated[list[Window], Field(min_length=1, max_length=21)]


class Attorney(Body):
    """The customer is represented; names of attorneys are personal data and do not belong here."""

    kind: Literal["attorney"]
    represented: Literal[True]
    point_id: ReferenceField | None = None


Declaration = Annotated[
    OptOut | Dispute | DoNotCall | InconvenientTimes | Attorney, Field(discriminator="kind")
]


@router.post("/declarations", status_code=202)
async def declare(command: Command, caller: Taker, body: Declaration) -> Given:
    """Take down a declaration of the customer; it counts from the next tick of the case."""
    case: CollectionCase = await state_for(command, caller)
    hold_id = command.id_of("hold", caller)
    fields: dict[str, Any] = {"reason": body.reason}
    match body:
        case OptOut():
            fields |= _opt_out(body, case)
            return await give(command, caller, commands.OptOutDeclared, fields)
        case DoNotCall():
            return await give(command, caller, commands.DoNotCallDeclared, fields)
        case InconvenientTimes():
            fields["windows"] = [_window(index, each) for index, each in enumerate(body.windows)]
            return await give(command, caller, commands.InconvenientDeclared, fields)
        case Dispute():
            if body.account_id is not None and body.account_id not in case.accounts:
                raise wrong("body.account_id", "is no account of this customer")
            fields |= {"hold_id": hold_id, "account_id": body.account_id, "written": body.written}
            return await give(command, caller, commands.DisputeRaised, fields, about=hold_id)
        case Attorney():
            fields |= {"hold_id": hold_id, "point_id": body.point_id}
            return await give(command, caller, commands.AttorneyAppointed, fields, about=hold_id)


def _opt_out(body: OptOut, case: CollectionCase) -> dict[str, Any]:
    """Answer the fields of an opt-out that will be heeded: a misspelt point would be none."""
    if body.scope == "channel":
        if body.channel is None or body.point_id is not None:
            raise wrong("body.channel", "a channel is named by `channel` alone")
        return {"scope": "channel", "channel": body.channel}
    if body.point_id is None or body.channel is not None:
        raise wrong("body.point_id", "a point is named by `point_id` alone")
    if case.customer is None or body.point_id not in case.customer.points:
        raise wrong("body.point_id", "is no contact point of this customer")
    return {"scope": "point", "point_id": body.point_id}


def _window(index: int, window: Window) -> dict[str, Any]:
    if window.start.tzinfo or window.end.tzinfo:
        raise wrong(f"body.windows.{index}", "local times have no time zone")
    return window.model_dump()
