"""The routes of visits: which visits are proposed, planned and ordered, and what came of one; no rules in it."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from services.visits.domain.state import STAGES, FieldBook, is_known
from shared.events.commands import VisitOutcomeRecorded
from shared.http.access import Caller, needs
from shared.http.commands import (
    TAKEN,
    YEAR,
    Body,
    Command,
    Given,
    bounded,
    give,
    state_for,
    wrong,
)
from shared.http.problems import ProblemError
from shared.http.worklist import worklist


class PlannedVisit(BaseModel):
    """A visit under way; `staff` and `visit_on` stand from its planning on."""

    follow_up_id: str
    stage: str
    region: str
    attempt: int
    visit_on: date | None = None
    staff: list[str] = []


def planned(book: FieldBook) -> Iterator[PlannedVisit]:
    """Read the visits that are under way."""
    for follow_up_id, visit in book.visits.items():
        if visit.stage != "ended":
            yield PlannedVisit(
                follow_up_id=follow_up_id,
                stage=visit.stage,
                region=visit.region,
                attempt=visit.attempt,
                visit_on=visit.visit_on,
                staff=list(visit.staff),
            )


class OutcomeBody(Body):
    """What came of the visit; a promise names the day by which the debtor will pay."""

    outcome: Literal["met", "absent", "moved", "promised", "hardship", "refused_to_talk"]
    promised_on: date | None = None


commands = APIRouter(prefix="/cases/{customer_id}", tags=["commands"], responses=TAKEN)


@commands.post("/visits/{visit_id}/outcome", status_code=202)
async def outcome(
    command: Command,
    caller: Annotated[Caller, needs("commands:give")],
    visit_id: Annotated[str, Path(min_length=1, max_length=128)],
    body: OutcomeBody,
) -> Given:
    """Record what came of a visit (its id stands on the order); it is read like the staff's own report."""
    book: FieldBook = await state_for(command, caller)
    if not is_known(book, command.customer_id, visit_id):
        raise ProblemError("not-found", "This customer has no such visit.")
    if (body.outcome == "promised") != (body.promised_on is not None):
        raise wrong("body.promised_on", "stands with the outcome `promised`, and with no other")
    latest = command.today + YEAR
    bounded("promised_on", body.promised_on, earliest=command.today - YEAR, latest=latest)
    fields = {"visit_id": visit_id, **body.model_dump()}
    return await give(command, caller, VisitOutcomeRecorded, fields, about=visit_id)


router = APIRouter()
router.include_router(worklist(PlannedVisit, planned, STAGES))
router.include_router(commands)
