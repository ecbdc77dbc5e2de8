"""The routes of legal: which proceedings are under way, and what a court date brought; no rules in it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.legal import agencies
from services.legal.domain.state import STAGES, LegalFile, is_filed
from shared.events.commands import CourtOutcomeRecorded
from shared.http.access import Caller, needs
from shared.http.commands import TAKEN, Body, Command, Given, give, state_for
from shared.http.problems import ProblemError
from shared.http.worklist import worklist


class OpenProceedings(BaseModel):
    """Proceedings under way; `case_no` is the court's, once it took the claim in."""

    follow_up_id: str
    episode: int
    stage: str
    next_step: str
    case_no: str = ""


def under_way(file: LegalFile) -> Iterator[OpenProceedings]:
    """Read the proceedings that have not ended."""
    for follow_up_id, each in file.proceedings.items():
        if each.stage != "ended":
            yield OpenProceedings(
                follow_up_id=follow_up_id,
                episode=each.episode,
                stage=each.stage,
                next_step=each.step,
                case_no=each.case_no,
            )


class OutcomeBody(Body):
    """What the court date brought; `case_no` is the court's number, if it is new."""

    outcome: Literal[
        "accepted", "rejected", "granted", "dismissed", "settled", "recovered", "no_assets"
    ]
    case_no: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


commands = APIRouter(prefix="/cases/{customer_id}", tags=["commands"], responses=TAKEN)


@commands.post("/court-dates/{filing_id}/outcome", status_code=202)
async def outcome(
    command: Command,
    caller: Annotated[Caller, needs("commands:give")],
    filing_id: Annotated[str, Path(min_length=1, max_length=128)],
    body: OutcomeBody,
) -> Given:
    """Record what a court date about a filing (of `legal.filed`) brought; it is read like the court's own notice."""
    file: LegalFile = await state_for(command, caller)
    if not is_filed(file, filing_id):
        raise ProblemError("not-found", "This customer has no such filing.")
    fields = {"filing_id": filing_id, **body.model_dump()}
    return await give(command, caller, CourtOutcomeRecorded, fields, about=filing_id)


router = APIRouter()
router.include_router(worklist(OpenProceedings, under_way, STAGES))
router.include_router(commands)
router.include_router(agencies.placements)
router.include_router(agencies.contacts)
