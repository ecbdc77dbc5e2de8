"""The scheduler's own routes: whose turn it is next, and why; no rules in it."""

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.scheduler import commanding, declaring, permitting, reconciliation
from services.scheduler.domain.state import CollectionCase
from services.scheduler.messaging import router as messages
from services.scheduler.policy import STAGES
from shared.http.worklist import worklist


class Step(BaseModel):
    """A follow-up that is published and not over yet, or that another service asked for."""

    follow_up_id: str
    kind: str
    step: str
    attempt: int = 1
    due_at: datetime | None = None


def steps(case: CollectionCase) -> Iterator[Step]:
    """Read the open steps and the requests of a case."""
    for follow_up_id, step in case.open.items():
        yield Step(follow_up_id=follow_up_id, kind=step.kind, step=step.step, attempt=step.attempt)
    for follow_up_id, wanted in case.requests.items():
        yield Step(
            follow_up_id=follow_up_id, kind="requested", step=wanted.purpose, due_at=wanted.due_at
        )


router = APIRouter()
for part in (
    worklist(Step, steps, ("open", *STAGES)),
    commanding.router,
    messages,
    declaring.router,
    permitting.router,
    reconciliation.router,
):
    router.include_router(part)
