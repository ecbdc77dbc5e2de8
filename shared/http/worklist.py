"""The work list of a service: what its people work on now, read from the states of the cases that have work."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from shared.http.access import VISIBLE, Caller, needs, reach
from shared.http.context import After, Limit, Running
from shared.http.problems import RESPONSES
from shared.messaging.cases import upcast

_CASES = text(f"""
    SELECT customer_id, stage, wake_at, parked_by, state::text, state_version FROM cases
    WHERE stage = ANY(CAST(:stages AS text[])) AND customer_id > :after AND {VISIBLE}
    ORDER BY customer_id LIMIT :limit
""")  # noqa: S608  a constant

Item = TypeVar("Item", bound=BaseModel)


class WorkCase(BaseModel, Generic[Item]):
    """A case with work: nobody acts on it while somebody parks it."""

    customer_id: str
    stage: str
    wake_at: datetime | None = None
    parked_by: list[str] = []
    work: list[Item]


class WorkPage(BaseModel, Generic[Item]):
    """A page; `next` is the `after` of the page that follows, absent on the last one."""

    cases: list[WorkCase[Item]]
    next: str | None = None


def worklist(
    item: type[Item], items_of: Callable[[Any], Iterable[Item]], stages: Sequence[str]
) -> APIRouter:
    """
    Make the route GET /worklist: cases at *stages*, each with the items that *items_of* reads from its state.

    Pages follow the customer_id; a page is the cases looked at, and those without an item are left out.
    """
    router = APIRouter(tags=["work list"], responses=RESPONSES)

    case_model: type[WorkCase[Item]] = WorkCase[item]  # type: ignore[valid-type]
    page_model: type[WorkPage[Item]] = WorkPage[item]  # type: ignore[valid-type]

    @router.get("/worklist", response_model=page_model)
    async def work(
        runtime: Running,
        caller: Annotated[Caller, needs("worklist:read")],
        after: After = "",
        limit: Limit = 100,
    ) -> WorkPage[Item]:
        """Answer what is to be done, case by case."""
        async with runtime.engine.connect() as connection:
            rows = (
                await connection.execute(
                    _CASES,
                    {"stages": list(stages), "after": after, "limit": limit, **reach(caller)},
                )
            ).all()
        cases = [
            case_model(
                customer_id=row.customer_id,
                stage=row.stage,
                wake_at=row.wake_at,
                parked_by=row.parked_by,
                work=list(items_of(upcast(runtime.reactor, row.state, row.state_version))),
            )
            for row in rows
        ]
        last = cases[-1].customer_id if len(cases) == limit else None
        return page_model(cases=[case for case in cases if case.work], next=last)

    return router
