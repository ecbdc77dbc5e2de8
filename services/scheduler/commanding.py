"""The scheduler's commands: one request of the case page each. They only become facts here; the domain decides."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from services.scheduler.domain.state import CollectionCase
from shared.events import commands
from shared.http.access import Caller, needs
from shared.http.commands import (
    DAY,
    TAKEN,
    YEAR,
    Body,
    Command,
    Given,
    ReferenceField,
    Request,
    TextField,
    bounded,
    give,
    money,
    state_for,
    wrong,
)
from shared.http.problems import ProblemError

router = APIRouter(prefix="/cases/{customer_id}", tags=["commands"], responses=TAKEN)
Giver = Annotated[Caller, needs("commands:give")]
Amount = Annotated[int, Field(ge=1, le=10**15)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
HoldId = Annotated[str, Path(min_length=1, max_length=128)]


class HoldBody(Body):
    """`until_on`: the last day of the hold (creditor's date); without it, it stands until somebody releases it."""

    until_on: date | None = None


class NoteBody(Body):
    """`text` is the note."""

    text: TextField


class CloseBody(Body):
    """`cause`: why the debt is not pursued for now."""

    cause: Literal["uncollectable", "fraud", "bank_error", "goodwill", "other"]


class PromiseBody(Body):
    """Without an amount, all that is overdue was promised."""

    promised_on: date
    amount_minor: Amount | None = None
    currency: Currency | None = None


class ClaimBody(Body):
    """What the debtor says of the payment; without an account any of theirs counts."""

    account_id: ReferenceField | None = None
    paid_on: date | None = None
    amount_minor: Amount | None = None
    currency: Currency | None = None


class DisputeBody(Body):
    """`account_id`: whose debt is contested (all without); `written`: it came in writing."""

    account_id: ReferenceField | None = None
    written: bool = False


class HardshipBody(Body):
    """`until_on`: the last day of rest; without it, as many days as the strategy says."""

    until_on: date | None = None


@router.post("/holds", status_code=202)
async def hold(command: Command, caller: Giver, body: HoldBody) -> Given:
    """Stop all contact of the case."""
    until_on = _until(command, body.until_on)
    return await _halt(command, caller, commands.HoldPlaced, body, until_on=until_on)


@router.post("/holds/{hold_id}/release", status_code=202)
async def release(command: Command, caller: Giver, body: Body, hold_id: HoldId) -> Given:
    """Let a hold go: one of a person, "says paid", a dispute, a complaint, hardship or an attorney."""
    case: CollectionCase = await state_for(command, caller)
    if hold_id not in case.halts and hold_id not in case.spent:
        raise ProblemError("not-found", "This case has no such hold.")
    fields = {"reason": body.reason, "hold_id": hold_id}
    return await give(command, caller, commands.HoldReleased, fields, about=hold_id)


@router.post("/notes", status_code=202)
async def note(command: Command, caller: Giver, body: NoteBody) -> Given:
    """Note something down; nothing follows from it."""
    return await give(command, caller, commands.NoteTaken, body.model_dump())


@router.post("/close", status_code=202)
async def close(command: Command, caller: Giver, body: CloseBody) -> Given:
    """End the episode; the case reopens only when something newer becomes overdue."""
    return await give(command, caller, commands.ClosureDecided, body.model_dump())


@router.post("/promises", status_code=202)
async def promise(command: Command, caller: Giver, body: PromiseBody) -> Given:
    """Take a promise to pay."""
    today = command.today
    bounded("promised_on", body.promised_on, earliest=today - DAY, latest=today + YEAR)
    promise_id = command.id_of("promise", caller)
    fields = {
        "reason": body.reason,
        "promise_id": promise_id,
        "promised_on": body.promised_on,
        **money(body.amount_minor, body.currency),
    }
    return await give(command, caller, commands.PromiseTaken, fields, about=promise_id)


@router.post("/payment-claims", status_code=202)
async def payment_claim(command: Command, caller: Giver, body: ClaimBody) -> Given:
    """Note that the debtor says they paid: contact rests for 72 hours, or until the payment arrives."""
    today = command.today
    bounded("paid_on", body.paid_on, earliest=today - YEAR, latest=today + DAY)
    await _check_account(command, caller, body.account_id)
    return await _halt(
        command,
        caller,
        commands.PaymentClaimed,
        body,
        account_id=body.account_id,
        paid_on=body.paid_on,
        **money(body.amount_minor, body.currency),
    )


@router.post("/contact-bans", status_code=202)
async def contact_ban(command: Command, caller: Giver, body: Body) -> Given:
    """Do not call this customer any more; other channels go on."""
    return await give(command, caller, commands.DoNotCallDeclared, body.model_dump())


@router.post("/disputes", status_code=202)
async def dispute(command: Command, caller: Giver, body: DisputeBody) -> Given:
    """Note that the debt is contested: contact rests until the hold is released."""
    await _check_account(command, caller, body.account_id)
    return await _halt(
        command,
        caller,
        commands.DisputeRaised,
        body,
        account_id=body.account_id,
        written=body.written,
    )


@router.post("/complaints", status_code=202)
async def complaint(command: Command, caller: Giver, body: Body) -> Given:
    """Note that our conduct is contested: contact rests until the hold is released."""
    return await _halt(command, caller, commands.ComplaintRaised, body)


@router.post("/hardships", status_code=202)
async def hardship(command: Command, caller: Giver, body: HardshipBody) -> Given:
    """Note that the debtor cannot pay: contact rests up to a date."""
    until_on = _until(command, body.until_on)
    return await _halt(command, caller, commands.HardshipDeclared, body, until_on=until_on)


def _until(command: Request, day: date | None) -> date | None:
    return bounded("until_on", day, earliest=command.today - DAY, latest=command.today + 5 * YEAR)


async def _halt(
    command: Request, caller: Caller, model: type[commands.Said], body: Body, **fields: Any
) -> Given:
    hold_id = command.id_of("hold", caller)
    told = {"reason": body.reason, "hold_id": hold_id, **fields}
    return await give(command, caller, model, told, about=hold_id)


async def _check_account(command: Request, caller: Caller, account_id: str | None) -> None:
    case: CollectionCase = await state_for(command, caller)
    if account_id is not None and account_id not in case.accounts:
        raise wrong("body.account_id", "is no account of this customer")
