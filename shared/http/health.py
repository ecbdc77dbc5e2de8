"""Liveness is the loop's own progress; readiness is what the service needs; health is all of it, for people."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from shared.http.access import needs
from shared.http.context import Running
from shared.http.health_checks import health_of
from shared.survey import Survey

router = APIRouter(tags=["health"])

STUCK_SECONDS = 60.0
UNASSIGNED_SECONDS = 300.0
HEALTH_JSON = "application/health+json"

_LIVE = {"status": "pass", "turned_seconds_ago": 0.2, "unassigned_seconds": 0.0}
_READY = {
    "status": "pass",
    "reasons": [],
    "partitions": [0, 1, 2, 3],
    "stale_partitions": [],
    "outbox": {"rows": 0, "oldest_seconds": 0.0, "relay": "leader", "blocked": 0},
}
_HEALTH = {
    "status": "pass",
    "serviceId": "scheduler",
    "releaseId": "0.1.0+1f0c2a9b77de",
    "notes": [],
    "checks": {
        "outbox:age": [
            {
                "componentType": "component",
                "observedValue": 0.1,
                "observedUnit": "s",
                "status": "pass",
                "time": "2026-03-05T01:30:00Z",
            }
        ]
    },
}


def survey_of(request: Request) -> Survey:
    """Answer the survey of the service that this application runs."""
    return cast("Survey", request.app.state.survey)


Surveyed = Annotated[Survey, Depends(survey_of)]


def _documented(example: Mapping[str, Any], failing: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {HEALTH_JSON: {"example": example}}},
        503: {"description": failing, "content": {HEALTH_JSON: {}}},
    }


@router.get("/livez", responses=_documented(_LIVE, "Restart this process"))
async def live(runtime: Running) -> JSONResponse:
    """
    Tell whether the loop goes on: a poll returned or an attempt ended within a minute, and the group
    gave this process an assignment within five. What it depends on is no reason to restart it.
    """
    vitals = runtime.consumer.vitals
    turned, unassigned = vitals.turned_for(), vitals.unassigned_for()
    passes = turned <= STUCK_SECONDS and unassigned <= UNASSIGNED_SECONDS
    return _answer(
        "pass" if passes else "fail",
        {"turned_seconds_ago": round(turned, 1), "unassigned_seconds": round(unassigned, 1)},
    )


@router.get("/readyz", responses=_documented(_READY, "Not ready; `reasons` says why"))
async def ready(survey: Surveyed) -> JSONResponse:
    """Tell whether database, broker, schema, inbox, outbox and assignment are as the service needs them."""
    found = await survey.readiness()
    waiting = (
        {}
        if found.outbox is None
        else {"rows": found.outbox[0], "oldest_seconds": round(found.outbox[1], 1)}
    )
    return _answer(
        "fail" if found.reasons else "pass",
        {
            "reasons": list(found.reasons),
            "partitions": list(found.partitions),
            "stale_partitions": list(found.stale_partitions),
            "outbox": {
                **waiting,
                "relay": "leader" if found.is_leader else "standby",
                "blocked": found.blocked,
            },
        },
    )


@router.get(
    "/health",
    dependencies=[needs("health:read")],
    responses=_documented(_HEALTH, "Not ready; `notes` says why"),
)
async def health(runtime: Running, survey: Surveyed) -> JSONResponse:
    """
    Show each figure with its unit, time and verdict, in the form of draft-inadarei-api-health-check-06.

    warn: somebody should look (docs/operations/runbook.md); fail: not ready, and `notes` says why.
    """
    content = health_of(runtime, await survey.view())
    return _answer(content.pop("status"), content)


def _answer(status: str, details: Mapping[str, Any]) -> JSONResponse:
    return JSONResponse(
        {"status": status, **details},
        status_code=503 if status == "fail" else 200,
        media_type=HEALTH_JSON,
    )
