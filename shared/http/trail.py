"""Read the audit trail of one case: every fact, every tick, and what people did, with who and why."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from shared.audit.trail import trail_of
from shared.http.access import Caller, needs, require_visible
from shared.http.context import After, Limit, Running
from shared.http.problems import RESPONSES, Problem, ProblemError

router = APIRouter(tags=["audit trail"], responses=RESPONSES)


class TrailEntry(BaseModel):
    """
    One line: a fact, a tick of the clock, or an act of a person. `at` is the instant of the decision.

    `who` is a person's opaque id, or the system that said it; `why` the reason given. `link` chains the rows.
    """

    at: datetime
    kind: Literal["fact", "tick", "act"]
    seq: int
    what: str
    who: str
    why: str
    source: str
    id: str
    time: datetime
    received_at: datetime
    data: dict[str, Any]
    policy_digest: str
    code_version: str
    link: str


class TrailPage(BaseModel):
    """A page; `next` is the `after` of the page that follows, absent on the last one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entries": [
                        {
                            "at": "2026-03-02T01:30:00Z",
                            "kind": "fact",
                            "seq": 1,
                            "what": "payment.missed",
                            "who": "/core-banking",
                            "why": "",
                            "source": "/core-banking",
                            "id": "pm-000042",
                            "time": "2026-03-02T01:30:00Z",
                            "received_at": "2026-03-02T01:30:00Z",
                            "data": {"customer_id": "C000042", "account_id": "A1"},
                            "policy_digest": "9f2c...",
                            "code_version": "0.1.0+1f0c2a9b77de",
                            "link": "6b86...",
                        }
                    ],
                    "next": "1772415000000000.event.1",
                }
            ]
        }
    )

    entries: list[TrailEntry]
    next: str | None = None


@router.get("/cases/{customer_id}/trail", responses={404: {"model": Problem}})
async def trail(
    runtime: Running,
    caller: Annotated[Caller, needs("audit:read")],
    customer_id: Annotated[str, Path(min_length=1, max_length=128)],
    after: After = "",
    limit: Limit = 100,
) -> TrailPage:
    """Answer the trail of one case in order of time, page by page; contact values never stand in it."""
    async with runtime.engine.connect() as connection:
        await require_visible(connection, caller, customer_id)
        try:
            found = await trail_of(connection, customer_id, after=after, limit=limit)
        except ValueError as error:
            raise ProblemError("invalid", f"after: {error}") from None
    entries = [
        TrailEntry(**{name: getattr(entry, name) for name in TrailEntry.model_fields})
        for entry in found
    ]
    return TrailPage(entries=entries, next=found[-1].cursor if len(found) == limit else None)
