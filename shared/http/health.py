"""Liveness is the loop's own progress; readiness is what the service needs to do its work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from shared.clock import AT_ONCE
from shared.db import SchemaTooOld, check_schema
from shared.events.registry import CORE_BANKING
from shared.http.context import Running
from shared.messaging import inbox, outbox
from shared.runtime import Runtime

router = APIRouter(tags=["health"])

STUCK_SECONDS = 60.0
UNASSIGNED_SECONDS = 300.0
CHECK_SECONDS = 3.0
HEALTH_JSON = "application/health+json"

_LIVE = {"status": "pass", "turned_seconds_ago": 0.2, "unassigned_seconds": 0.0}
_READY = {
    "status": "pass",
    "reasons": [],
    "partitions": [0, 1, 2, 3],
    "stale_partitions": [],
    "outbox": {"rows": 0, "oldest_seconds": 0.0, "relay": "leader", "blocked": 0},
}


def _documented(example: dict[str, Any], failing: str) -> dict[int | str, dict[str, Any]]:
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
        passes, {"turned_seconds_ago": round(turned, 1), "unassigned_seconds": round(unassigned, 1)}
    )


@router.get("/readyz", responses=_documented(_READY, "Not ready; `reasons` says why"))
async def ready(runtime: Running) -> JSONResponse:
    """Tell whether database, broker, schema, inbox and assignment are as the service needs them."""
    checks: dict[str, Callable[[Runtime], Awaitable[str]]] = {
        "database": _database,
        "broker": _broker,
    }
    said = await asyncio.gather(*(_bounded(name, check, runtime) for name, check in checks.items()))
    reasons = [reason for reason in said if reason]
    reasons += [f"consumer {reason}" for reason in runtime.consumer.vitals.unready()]
    relay = runtime.relay
    errors = {
        "relay": relay.last_error,
        "alarm": runtime.alarm.last_error,
        "effects": "" if runtime.worker is None else runtime.worker.last_error,
    }
    reasons += [f"{name}: the last attempt failed: {why}" for name, why in errors.items() if why]
    reasons += [
        f"relay: row of one key refused: {why}" for why in sorted(set(relay.blocked.values()))
    ]
    details = {
        "reasons": reasons,
        "partitions": sorted(runtime.consumer.owned()),
        "stale_partitions": [] if runtime.settings.stepped else runtime.freshness.stale(),
        "outbox": {
            **await _waiting(runtime),
            "relay": "leader" if relay.is_leader else "standby",
            "blocked": len(relay.blocked),
        },
    }
    return _answer(not reasons, details)


async def _bounded(name: str, check: Callable[[Runtime], Awaitable[str]], runtime: Runtime) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check(runtime)
    except SchemaTooOld as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  whatever a dependency raises, it is not ready
        return f"{name} does not answer: {type(error).__name__}"


async def _database(runtime: Runtime) -> str:
    await check_schema(runtime.engine, runtime.reactor.name)
    now = runtime.clock.now()
    if runtime.settings.stepped and now == AT_ONCE:
        return ""
    async with runtime.engine.connect() as connection:
        missing = await inbox.missing_partitions(connection, [inbox.month_of(now)])
    return f"inbox has no partition for {missing[0]:%Y-%m}" if missing else ""


async def _broker(runtime: Runtime) -> str:
    await runtime.offsets.ends(CORE_BANKING, [0])
    return ""


async def _waiting(runtime: Runtime) -> dict[str, float]:
    """Count the rows that wait for the relay; nothing where the database does not answer."""
    try:
        async with asyncio.timeout(CHECK_SECONDS), runtime.engine.connect() as connection:
            rows, oldest = await outbox.waiting(connection)
    except Exception:  # noqa: BLE001  the check of the database says so
        return {}
    return {"rows": rows, "oldest_seconds": round(oldest, 1)}


def _answer(passes: bool, details: dict[str, Any]) -> JSONResponse:
    return JSONResponse(
        {"status": "pass" if passes else "fail", **details},
        status_code=200 if passes else 503,
        media_type=HEALTH_JSON,
    )
