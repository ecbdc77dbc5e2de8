"""Read the cases of a service: a page of them, or one with its state and effects."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import text

from shared.http.access import VISIBLE, Caller, needs, reach
from shared.http.context import After, Limit, Running
from shared.http.problems import RESPONSES, Problem, ProblemError

router = APIRouter(tags=["cases"], responses=RESPONSES)

_PAGE = text(f"""
    SELECT customer_id, stage, wake_at, parked_by FROM cases
    WHERE customer_id > :after
      AND (CAST(:stage AS text) IS NULL OR stage = :stage)
      AND (CAST(:wake_before AS timestamptz) IS NULL OR wake_at < :wake_before)
      AND {VISIBLE}
    ORDER BY customer_id LIMIT :limit
""")  # noqa: S608  a constant
_ONE = text(f"""
    SELECT customer_id, stage, wake_at, parked_by, state::text AS state, state_version, last_now
    FROM cases WHERE customer_id = :customer_id AND {VISIBLE}
""")  # noqa: S608  a constant
_EFFECTS = text("""
    SELECT effect_id, kind, status, not_before, not_after, claimed_at FROM effects
    WHERE customer_id = :customer_id ORDER BY seq DESC LIMIT 100
""")


class CaseLine(BaseModel):
    """One case of a page; `wake_at` is when it is looked at again, `parked_by` who cannot decide it."""

    customer_id: str
    stage: str
    wake_at: datetime | None = None
    parked_by: list[str] = []


class CasePage(BaseModel):
    """A page; `next` is the `after` of the page that follows, absent on the last one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cases": [
                        {
                            "customer_id": "C000042",
                            "stage": "contact",
                            "wake_at": "2026-03-05T01:30:00Z",
                            "parked_by": [],
                        }
                    ],
                    "next": "C000042",
                }
            ]
        }
    )

    cases: list[CaseLine]
    next: str | None = None


class EffectLine(BaseModel):
    """Something that leaves, or left, the system; no contact values."""

    effect_id: str
    kind: str
    status: str
    not_before: datetime
    not_after: datetime
    claimed_at: datetime | None = None


class CaseDetail(CaseLine):
    """One case: its state as stored, and its latest hundred effects."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "C000042",
                    "stage": "contact",
                    "wake_at": "2026-03-05T01:30:00Z",
                    "parked_by": [],
                    "state_version": 1,
                    "decided_at": "2026-03-02T01:30:00Z",
                    "state": {"stage": "contact", "episode": 1, "bucket": "M1"},
                    "effects": [],
                }
            ]
        }
    )

    state: dict[str, Any]
    state_version: int
    decided_at: datetime
    effects: list[EffectLine]


@router.get("/cases")
async def page(
    runtime: Running,
    caller: Annotated[Caller, needs("cases:read")],
    stage: Annotated[
        str | None, Query(max_length=64, description="Only cases at this stage.")
    ] = None,
    wake_before: Annotated[
        AwareDatetime | None,
        Query(description="Only cases that are looked at before this instant."),
    ] = None,
    after: After = "",
    limit: Limit = 100,
) -> CasePage:
    """Answer cases in the order of their customer_id, page by page."""
    async with runtime.engine.connect() as connection:
        rows = (
            await connection.execute(
                _PAGE,
                {
                    "after": after,
                    "stage": stage,
                    "wake_before": wake_before,
                    "limit": limit,
                    **reach(caller),
                },
            )
        ).all()
    cases = [CaseLine(**row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name
    return CasePage(cases=cases, next=cases[-1].customer_id if len(cases) == limit else None)


@router.get("/cases/{customer_id}", responses={404: {"model": Problem}})
async def one(
    runtime: Running,
    caller: Annotated[Caller, needs("cases:read")],
    customer_id: Annotated[str, Path(min_length=1, max_length=128)],
) -> CaseDetail:
    """Answer one case: state, stage, next look, who parks it, and its effects."""
    async with runtime.engine.connect() as connection:
        found = await connection.execute(_ONE, {"customer_id": customer_id, **reach(caller)})
        row = found.one_or_none()
        if row is None:
            raise ProblemError("not-found", "This service has no case of this customer.")
        effects = (await connection.execute(_EFFECTS, {"customer_id": customer_id})).all()
    return CaseDetail(
        customer_id=row.customer_id,
        stage=row.stage,
        wake_at=row.wake_at,
        parked_by=row.parked_by,
        state=msgspec.json.decode(row.state),
        state_version=row.state_version,
        decided_at=row.last_now,
        effects=[EffectLine(**effect._mapping) for effect in effects],  # noqa: SLF001
    )
