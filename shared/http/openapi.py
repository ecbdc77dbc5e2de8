"""The OpenAPI document of a service: every error that any route may answer, and the scope that it needs."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from shared.http.access import PROBES, declared
from shared.http.problems import TYPES, Problem

_EVERYWHERE = (414, 422, 431, 500, 503)
_WITH_A_TOKEN = (401, 403, 429)
_WITH_A_BODY = (413, 415)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFERENCE = "#/components/schemas/{model}"


def document(app: FastAPI) -> None:
    """Make *app* say in its document what the rings around its routes answer (shared/http/app.py, guard)."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain(), app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template=_REFERENCE)
    models.update(problem.pop("$defs", {}))
    models["Problem"] = problem
    scopes = declared(app)
    for path, methods in schema.get("paths", {}).items():
        for method, operation in methods.items():
            _complete(operation, path, scopes.get((method.upper(), path), frozenset()))
    return schema


def _complete(operation: dict[str, Any], path: str, scopes: frozenset[str]) -> None:
    responses: dict[str, Any] = operation.setdefault("responses", {})
    for status, response in responses.items():
        if status.isdigit() and int(status) >= HTTPStatus.BAD_REQUEST:
            content = response.setdefault("content", {})
            if not content or "application/json" in content:
                response["content"] = _PROBLEM
    statuses: tuple[int, ...] = _EVERYWHERE
    if path not in PROBES:
        statuses += _WITH_A_TOKEN
    if "{" in path:
        statuses += (404,)
    if "requestBody" in operation:
        statuses += _WITH_A_BODY
    for number in statuses:
        title = next(title for status, title in TYPES.values() if status == number)
        known = responses.setdefault(str(number), {"description": title, "content": {}})
        known["content"] = {**known["content"], **_PROBLEM}
    if scopes:
        operation["x-scopes"] = sorted(scopes)
