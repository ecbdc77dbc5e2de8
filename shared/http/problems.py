"""Answer errors as problem details (RFC 9457): stable types, no internals, nothing of the input said back."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException

from shared.messaging.mass_failure import ServiceStopped

log = structlog.get_logger(__name__)

TYPES: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "unauthenticated": (401, "A valid token is needed"),
    "forbidden": (403, "The caller may not do this"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This resource does not take this method"),
    "not-next": (409, "Something else comes first, or it was done already"),
    "not-permitted": (409, "Rules stand in the way of this contact"),
    "body-too-large": (413, "The body is too large"),
    "target-too-long": (414, "Path and query are too long"),
    "unsupported-media-type": (415, "The body must be application/json, not compressed"),
    "invalid": (422, "A field is missing or wrong"),
    "conflict": (422, "Another fact has this id already"),
    "too-many-requests": (429, "The caller asks too often"),
    "headers-too-large": (431, "There are too many headers, or they are too large"),
    "internal": (500, "Something failed here"),
    "unavailable": (503, "The database does not answer"),
    "overloaded": (503, "Too many requests are under way"),
    "too-slow": (503, "The answer took too long"),
    "issuer-unavailable": (503, "The issuer of the tokens cannot be asked for its keys"),
    "not-fresh": (503, "What core banking said lately may still wait"),
    "stopped": (503, "The service is stopped after a mass failure"),
}
"""Slug -> status and title. The type's URI is urn:arrears:problem:<slug>; slugs are never renamed."""
of_request: ContextVar[str] = ContextVar("of_request", default="")
"""The id of the request that is under way (shared/http/limits.py)."""
_BY_STATUS = {status: slug for slug, (status, _) in reversed(list(TYPES.items()))}
"""The first of each status stands for what a library raises."""


_WORD = re.compile(r"[a-z][a-z_-]{0,40}")


class FieldError(BaseModel):
    """One field that is wrong: its place, for example data.outcome, and what is wrong with it."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as RFC 9457 says; `request_id` is in the service's log lines too."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []
    request_id: str = ""


RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "A field is missing or wrong"}
}
"""For a route's `responses`: what FastAPI would otherwise document as its own error shape."""


class ProblemError(Exception):
    """Raised by a route to answer a problem of the type *slug*; *members* are what else it says (RFC 9457, 3.2)."""

    def __init__(
        self,
        slug: str,
        detail: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(slug)
        self.members = members
        self.slug = slug
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers


def problem(
    slug: str,
    *,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Make the answer; *status* replaces the type's own, *members* (plain JSON) stand beside the usual ones."""
    usual, title = TYPES[slug]
    content = Problem(
        type=f"urn:arrears:problem:{slug}",
        title=title,
        status=status or usual,
        detail=detail,
        errors=list(errors),
        request_id=of_request.get(),
    )
    return JSONResponse(
        content.model_dump(exclude_defaults=True) | dict(members or {}),
        status_code=content.status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Answer every error of *app* as a problem."""

    @app.exception_handler(ProblemError)
    async def raised(_request: Request, error: ProblemError) -> JSONResponse:
        return problem(
            error.slug,
            detail=error.detail,
            errors=error.errors,
            headers=error.headers,
            members=error.members,
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return problem("invalid", errors=[_field_error(each) for each in error.errors()])

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        known = _BY_STATUS.get(error.status_code, "bad-request")
        answer = problem(known, status=error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ServiceStopped)
    async def stopped(_request: Request, _error: ServiceStopped) -> JSONResponse:
        return problem(
            "stopped", detail="Try again later; `arrears resume --mass-failure` ends it."
        )

    @app.exception_handler(SQLAlchemyError)
    @app.exception_handler(OSError)
    @app.exception_handler(TimeoutError)
    async def unavailable(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, DBAPIError) and isinstance(_cause(error), asyncpg.DataError):
            return problem("invalid", detail="A value is outside of what can be stored.")
        log.warning("request_failed", path=_route(request), error=type(error).__name__)
        return problem("unavailable")


def _cause(error: DBAPIError) -> BaseException | None:
    return error.orig.__cause__ if error.orig is not None else None


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """Name the place and the rule; pydantic's own text may hold the value for some rules, so only known ones pass."""
    where, *parts = error["loc"]
    # Names of headers are always ours; those in a body or query may have been made up.
    place = ".".join([where, *(str(p) if where == "header" else _known(p) for p in parts)])
    if error["type"] == "missing":
        return FieldError(field=place, message="is missing")
    if error["type"] == "json_invalid":
        return FieldError(field="body", message="is not JSON")
    limits = {key: value for key, value in error.get("ctx", {}).items() if isinstance(value, int)}
    said = ", ".join(f"{key} {value}" for key, value in sorted(limits.items()))
    return FieldError(field=place, message=f"{error['type']}{f' ({said})' if said else ''}")


def _known(part: str | int) -> str:
    """Name a part of a place; what is no word of the interface was made up by the caller, and is not said back."""
    return str(part) if isinstance(part, int) or _WORD.fullmatch(part) else "(unknown)"


def _route(request: Request) -> str:
    """Name the route, not the path: a path may hold a customer."""
    return str(getattr(request.scope.get("route"), "path", ""))
