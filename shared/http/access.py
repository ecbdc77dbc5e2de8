"""
Who calls, what they may do, and which customers they see.

Every route declares the scope that it needs (shared/http/roles.py); a service with a route that does not
declare one refuses to start. To add a route:

    from shared.http.access import Caller, needs, require_visible, reach, VISIBLE

    @router.get("/things/{customer_id}")
    async def things(customer_id: CustomerId, caller: Annotated[Caller, needs("cases:read")], runtime: Running):
        async with runtime.engine.connect() as connection:
            await require_visible(connection, caller, customer_id)      # 404 for another's customer
            rows = await connection.execute(_THINGS, {"customer_id": customer_id})

A list is filtered in SQL: put VISIBLE into its WHERE clause (the table has the columns region and portfolio;
`visible_in("c")` where they stand under an alias) and `**reach(caller)` into its parameters. A route that has
no use for the caller takes `dependencies=[needs("controls:read")]`. A new scope is a line in SCOPES and in the
roles that get it. What a person did is recorded under `caller.subject`, an opaque id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPBearer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.http.problems import ProblemError
from shared.http.roles import BOUNDED, SCOPES

log = structlog.get_logger(__name__)

EVERYWHERE = "*"
"""In a token's regions or portfolios: all of them."""

PROBES = frozenset({"/livez", "/readyz"})
"""What needs no token: whoever keeps the process running asks without one."""

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="JWT",
    description="A JWT of the bank's issuer; in development: `arrears token --role ROLE`.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who a verified token names. `subject` is an opaque id, never a name; `regions` and `portfolios` are
    what they see ("*": all). A bounded caller whose token names neither sees no customer.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    portfolios: frozenset[str] = frozenset()

    @property
    def bounded(self) -> bool:
        """Tell whether they see a part of the customers only: by a role, or because their token says so."""
        return bool(self.roles & BOUNDED or self.regions or self.portfolios)


class Needs:
    """The dependency of a route that needs *scope*; `arrears` finds it there by its type."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"there is no scope {scope!r}; add it to shared/http/roles.py")
        self.scope = scope

    async def __call__(self, request: Request, _: Annotated[Any, Security(_BEARER)]) -> Caller:
        """Answer the caller; raises the problem `forbidden` when their roles do not hold the scope."""
        caller: Caller = request.state.caller
        if self.scope not in caller.scopes:
            log.warning("scope_missing", needs=self.scope, roles=sorted(caller.roles))
            raise ProblemError(
                "forbidden",
                f"This needs the scope {self.scope}.",
                headers={
                    "WWW-Authenticate": 'Bearer realm="arrears", error="insufficient_scope", '
                    f'scope="{self.scope}"'
                },
            )
        return caller


def needs(scope: str) -> Any:
    """Answer the dependency that lets only callers with *scope* in; raises ValueError for one that is none."""
    return Depends(Needs(scope))


def visible_in(table: str = "") -> str:
    """Answer the SQL condition "this caller sees the row", for the columns of *table* (an alias, or none)."""
    prefix = f"{table}." if table else ""
    return (
        f"(CAST(:reach_regions AS text[]) IS NULL OR {prefix}region = ANY(:reach_regions))"
        f" AND (CAST(:reach_portfolios AS text[]) IS NULL OR {prefix}portfolio = ANY(:reach_portfolios))"
    )


VISIBLE = visible_in()
"""The condition for a statement with one table; its parameters are `reach(caller)`."""


def reach(caller: Caller) -> dict[str, list[str] | None]:
    """Answer the parameters of VISIBLE: None does not limit, an empty list lets nothing through."""
    if not caller.bounded:
        return {"reach_regions": None, "reach_portfolios": None}
    if not (caller.regions or caller.portfolios):
        return {"reach_regions": [], "reach_portfolios": []}
    return {
        "reach_regions": _limit(caller.regions),
        "reach_portfolios": _limit(caller.portfolios),
    }


def _limit(named: frozenset[str]) -> list[str] | None:
    return None if not named or EVERYWHERE in named else sorted(named)


def visible(caller: Caller, table: str = "") -> tuple[str, dict[str, list[str] | None]]:
    """Answer condition and parameters together, for a statement that is put together."""
    return visible_in(table), reach(caller)


_SEES = text(f"SELECT EXISTS (SELECT FROM cases WHERE customer_id = :customer_id AND {VISIBLE})")  # noqa: S608  a constant


async def require_visible(connection: AsyncConnection, caller: Caller, customer_id: str) -> None:
    """
    Raise the problem `not-found` unless the caller sees the case of *customer_id* in this service.

    A case that is not there and one of somebody else's are answered alike.
    """
    if not await connection.scalar(_SEES, {"customer_id": customer_id, **reach(caller)}):
        raise ProblemError("not-found", "This service has no case of this customer.")


def declared(app: FastAPI) -> Mapping[tuple[str, str], frozenset[str]]:
    """Answer the scopes that each (method, path) of *app* needs; none for one that declares none."""
    return {
        (method, context.path or ""): frozenset(each.scope for each in _needs_of(context.dependant))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in sorted(context.methods or ())
    }


def _needs_of(dependant: Dependant) -> Iterator[Needs]:
    for each in dependant.dependencies:
        if isinstance(each.call, Needs):
            yield each.call
        yield from _needs_of(each)


def check_declared(app: FastAPI) -> None:
    """Raise RuntimeError that names the routes that declare no scope and are no probes."""
    bare = sorted({path for (_, path), scopes in declared(app).items() if not scopes} - PROBES)
    if bare:
        raise RuntimeError(f"these routes declare no scope (shared/http/access.py): {bare}")
