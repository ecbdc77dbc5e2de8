"""A customer's contact points: masked, or in clear for who may see them and says why; each such view is recorded."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict

from shared.audit.acts import record_act
from shared.events.personal_numbers import number_in
from shared.http.access import Caller, needs, require_visible
from shared.http.context import Running
from shared.http.problems import RESPONSES, FieldError, Problem, ProblemError
from shared.privacy.masks import masked
from shared.vault import Forgotten, VaultReader

router = APIRouter(tags=["contact points"], responses=RESPONSES)
UNMASK = "cases:unmask"


class PointLine(BaseModel):
    """One contact point; `value` is masked unless the answer says `masked: false`. `told_at`: by core banking."""

    point_id: str
    kind: str
    value: str
    told_at: datetime


class Points(BaseModel):
    """A customer's contact points."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "C000042",
                    "masked": True,
                    "contact_points": [
                        {
                            "point_id": "m1",
                            "kind": "mobile",
                            "value": "138****8888",
                            "told_at": "2026-03-02T01:30:00Z",
                        }
                    ],
                }
            ]
        }
    )

    customer_id: str
    masked: bool
    contact_points: list[PointLine]


@router.get(
    "/customers/{customer_id}/contact-points",
    responses={403: {"model": Problem}, 404: {"model": Problem}},
)
async def contact_points(
    runtime: Running,
    caller: Annotated[Caller, needs("cases:read")],
    customer_id: Annotated[str, Path(min_length=1, max_length=128)],
    unmask: Annotated[
        bool, Query(description="Show the values in clear; needs the scope cases:unmask.")
    ] = False,
    reason: Annotated[
        str, Query(max_length=200, description="Why they must be seen; it is recorded.")
    ] = "",
) -> Points:
    """Answer the contact points of a customer; a forgotten one has none. A view in clear is recorded first."""
    if unmask:
        _check(caller, reason)
    async with runtime.engine.begin() as tx:
        await require_visible(tx, caller, customer_id)
        if unmask:
            await record_act(
                tx,
                subject=customer_id,
                actor=caller.subject,
                act="unmask",
                reason=reason.strip(),
                detail={},
                at=runtime.clock.now(),
            )
    try:
        found = await VaultReader(runtime.settings.keys(), runtime.engine).points(customer_id)
    except Forgotten:
        found = []
    return Points(
        customer_id=customer_id,
        masked=not unmask,
        contact_points=[
            PointLine(
                point_id=point.point_id,
                kind=point.kind,
                value=point.value if unmask else masked(point.kind, point.value),
                told_at=point.time,
            )
            for point in found
        ],
    )


def _check(caller: Caller, reason: str) -> None:
    """Raise the problem that keeps this caller from seeing values in clear."""
    if UNMASK not in caller.scopes:
        raise ProblemError("forbidden", f"Values in clear need the scope {UNMASK}.")
    if not reason.strip() or not reason.isprintable():
        raise ProblemError(
            "invalid", errors=[FieldError(field="query.reason", message="is missing")]
        )
    if held := number_in(reason):
        raise ProblemError("invalid", errors=[FieldError(field="query.reason", message=held)])
