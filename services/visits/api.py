"""The routes of visits: which visits are proposed, planned and ordered; no rules in it."""

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel

from services.visits.domain.state import STAGES, FieldBook
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


router = worklist(PlannedVisit, planned, STAGES)
