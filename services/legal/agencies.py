"""The routes of agencies: who gets whose accounts, and the contacts that agencies report, many in one request."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text

from services.legal.domain.placing import is_placed
from services.legal.domain.state import LegalFile
from shared.audit.acts import SERVICE, record_act
from shared.events.agencies import AgencyDismissed, AgencyEngaged, AgencyReported
from shared.events.contacts import Outcome, Purpose
from shared.events.envelope import Event
from shared.events.permits import PermitChannel
from shared.http.access import Caller, needs, reach, visible_in
from shared.http.commands import TAKEN, Body, Command, Given, ReferenceField, give, state_for, wrong
from shared.http.context import Running
from shared.http.problems import RESPONSES, FieldError, ProblemError
from shared.messaging.cases import upcast
from shared.messaging.records import FactResult
from shared.runtime import Runtime

Acts = Annotated[Caller, needs("acts:declare")]
Agency = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
PlacementId = Annotated[str, Path(min_length=1, max_length=128)]
MOST = 500
_FILES = text(f"""
    SELECT customer_id, state::text, state_version FROM cases
    WHERE customer_id = ANY(CAST(:ids AS text[])) AND {visible_in()}
""")  # noqa: S608  a constant

placements = APIRouter(prefix="/cases/{customer_id}", tags=["agencies"], responses=TAKEN)
contacts = APIRouter(tags=["agencies"], responses=RESPONSES)


class PlacementBody(Body):
    """Accounts (none: all) that the agency collects; `on_public_list`: the bank's published list names it."""

    agency: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
    account_ids: Annotated[list[ReferenceField], Field(max_length=100)] = []
    on_public_list: bool
    occurred_at: AwareDatetime | None = None


class RecallBody(Body):
    """`occurred_at`: since when the agency collects no more, if not from now on."""

    occurred_at: AwareDatetime | None = None


class Line(BaseModel):
    """A contact of the agency, under the agency's own `contact_id`; `occurred_at` is when it was, however late it is told."""

    model_config = ConfigDict(extra="forbid")

    customer_id: ReferenceField
    contact_id: ReferenceField
    occurred_at: AwareDatetime
    channel: PermitChannel
    direction: Literal["out", "in"] = "out"
    result: Outcome
    point_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    party: Literal["debtor", "co_debtor", "guarantor", "contact_person", "attorney", "spouse"] = (
        "debtor"
    )
    purpose: Purpose = "collect"
    contacted: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    account_ids: Annotated[list[ReferenceField], Field(max_length=100)] = []


class Report(Body):
    """Up to 500 contacts in the order in which they were made, or any other."""

    contacts: Annotated[list[Line], Field(min_length=1, max_length=MOST)]


class Taken(BaseModel):
    """What became of one line: taken, known already, or refused for these fields."""

    contact_id: str
    status: Literal["accepted", "repeated", "refused"]
    errors: list[FieldError] = []


class Uploaded(BaseModel):
    """One answer for each line, in their order."""

    accepted: int
    repeated: int
    refused: int
    contacts: list[Taken]


@placements.post("/placements", status_code=202)
async def place(command: Command, caller: Acts, body: PlacementBody) -> Given:
    """Give accounts to an agency: from now on its contacts can be reported, and count like the bank's."""
    placement_id = command.id_of("placement", caller)
    fields = body.model_dump(exclude_none=True) | {"placement_id": placement_id}
    _not_ahead(command.runtime, body)
    return await give(command, caller, AgencyEngaged, fields, about=placement_id)


@placements.post("/placements/{placement_id}/recall", status_code=202)
async def recall(
    command: Command, caller: Acts, placement_id: PlacementId, body: RecallBody
) -> Given:
    """Take a placement back; contacts made before can still be reported."""
    file: LegalFile = await state_for(command, caller)
    if placement_id not in file.placements:
        raise ProblemError("not-found", "This customer has no such placement.")
    _not_ahead(command.runtime, body)
    fields = body.model_dump(exclude_none=True) | {"placement_id": placement_id}
    return await give(command, caller, AgencyDismissed, fields, about=placement_id)


@contacts.post("/agencies/{agency}/contacts", status_code=202)
async def report(runtime: Running, caller: Acts, agency: Agency, body: Report) -> Uploaded:
    """
    Take the contacts that an agency reports; each line is judged on its own, and sending it again is harmless.

    The agency must have had accounts of the customer when it contacted them. A contact that was reported before
    with other content is refused: the first report stands.
    """
    files = await _files(runtime, caller, {line.customer_id for line in body.contacts})
    judged = [_judge(runtime, files.get(line.customer_id), agency, line) for line in body.contacts]
    good = [
        _event(runtime, agency, line)
        for line, errors in zip(body.contacts, judged, strict=True)
        if not errors
    ]
    if good:
        await _record(runtime, caller, agency, body, len(good))
    results = iter(await runtime.take_facts(good) if good else ())
    answers = []
    for line, errors in zip(body.contacts, judged, strict=True):
        result = None if errors else next(results)
        answers.append(_answer(line, errors, result))
    counts = {
        status: sum(each.status == status for each in answers)
        for status in ("accepted", "repeated", "refused")
    }
    return Uploaded(**counts, contacts=answers)


async def _files(runtime: Runtime, caller: Caller, customers: set[str]) -> dict[str, LegalFile]:
    """Answer the files of those customers that the caller sees."""
    async with runtime.engine.connect() as connection:
        rows = await connection.execute(_FILES, {"ids": sorted(customers), **reach(caller)})
        return {row[0]: upcast(runtime.reactor, row[1], row[2]) for row in rows}


def _judge(runtime: Runtime, file: LegalFile | None, agency: str, line: Line) -> list[FieldError]:
    """Answer what is wrong with the line, in the words of its fields; the input is not said back."""
    if file is None:
        return [FieldError(field="customer_id", message="is no customer with a file here")]
    if line.occurred_at > runtime.clock.now():
        return [FieldError(field="occurred_at", message="lies in the future")]
    if not is_placed(file, agency, line.occurred_at):
        return [FieldError(field="occurred_at", message="the agency had no accounts of them then")]
    return []


def _event(runtime: Runtime, agency: str, line: Line) -> Event:
    """Make the fact of a line. Who uploads it, and why, are no part of it: an agency's contact is one, whoever tells it."""
    data = AgencyReported(
        by=agency,
        reason="reported by the agency",
        agency=agency,
        **line.model_dump() | {"account_ids": tuple(sorted(set(line.account_ids)))},
    )
    return Event(
        id=line.contact_id,
        source=f"/agencies/{agency}",
        type="agency.reported",
        subject=line.customer_id,
        time=runtime.clock.now(),
        data=data,
    )


async def _record(runtime: Runtime, caller: Caller, agency: str, body: Report, lines: int) -> None:
    async with runtime.engine.begin() as tx:
        await record_act(
            tx,
            subject=SERVICE,
            actor=caller.subject,
            act="upload",
            reason=body.reason,
            detail={"agency": agency, "contacts": lines},
            at=runtime.clock.now(),
        )


def _answer(line: Line, errors: list[FieldError], result: FactResult | None) -> Taken:
    if result is None:
        return Taken(contact_id=line.contact_id, status="refused", errors=errors)
    match result.status:
        case "new":
            return Taken(contact_id=line.contact_id, status="accepted")
        case "repeated":
            return Taken(contact_id=line.contact_id, status="repeated")
        case "conflict":
            said = FieldError(field="contact_id", message="was reported before, with other content")
        case _:
            field, _, message = result.reason.partition(": ")
            said = FieldError(field=field.removeprefix("data."), message=message)
    return Taken(contact_id=line.contact_id, status="refused", errors=[said])


def _not_ahead(runtime: Runtime, body: PlacementBody | RecallBody) -> None:
    if body.occurred_at is not None and body.occurred_at > runtime.clock.now():
        raise wrong("body.occurred_at", "lies in the future")
