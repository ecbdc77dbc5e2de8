"""Compose a service's FastAPI application; its lifespan runs the loops."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI

from shared.clock import Clock, SteppedClock, SystemClock
from shared.http import (
    cases,
    contact_log,
    controls,
    health,
    metrics,
    problems,
    quarantine,
    trail,
    webhooks,
)
from shared.http.access import check_declared
from shared.http.access_keys import issuers_of
from shared.http.access_tokens import Verifier
from shared.http.authentication import Authentication, open_paths
from shared.http.bodies import BodyLimit
from shared.http.gauges import Gauges
from shared.http.limits import Limits
from shared.http.openapi import document
from shared.http.rates import Buckets, RateLimit
from shared.runtime import Parts, Runtime
from shared.settings import Settings
from shared.stepper import Stepper
from shared.survey import Survey
from shared.telemetry import configure_logs, configure_tracing, tracing
from shared.version import code_version

log = structlog.get_logger(__name__)

DESCRIPTION = """\
Reads the cases of one service of Arrears and its work list, and takes in what providers report.
Contact values (numbers, addresses) never appear here: they stand in the vault.
"""


def create_app(parts: Parts, settings: Settings) -> FastAPI:
    """
    Make the application of one service; nothing is connected before its lifespan begins.

    Starting raises SchemaTooOld, PartitionsDiffer, and what the database or the broker answered for a
    minute; raises ValueError at once for settings that are missing.
    """
    name = parts.reactor.name
    missing = [
        variable
        for variable, value in {
            "ARREARS_KAFKA": settings.kafka,
            "ARREARS_DATABASE_URL": settings.database_url,
            "ARREARS_PROVIDER_URL": settings.provider_url or parts.prepare is None,
        }.items()
        if not value
    ]
    if missing:
        raise ValueError(f"{name} cannot start without {', '.join(missing)}")
    settings.keys()
    configure_logs("json" if settings.mode == "production" else "text")
    traced = configure_tracing(name)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime(parts, settings)
        attach(app, runtime)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(runtime.running())
            if isinstance(runtime.clock, SteppedClock):
                stepper = Stepper(runtime, runtime.clock)
                port = await stack.enter_async_context(stepper.listening(settings.step_port))
                app.state.step_port = port
            log.info("service_started", service=name, code=code_version(), stepped=settings.stepped)
            yield
        log.info("service_stopped", service=name)
        tracing.flush()

    app = FastAPI(
        title=f"Arrears {name}",
        description=DESCRIPTION,
        version=code_version(),
        lifespan=lifespan,
        # No operation spans and no logs: those would hold exceptions' texts.
        telemetry={"tracing": traced, "metrics": False, "logs": False, "operation_spans": False},
    )
    guard(app, settings, SystemClock())
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(cases.router)
    app.include_router(quarantine.router)
    app.include_router(trail.router)
    app.include_router(controls.router)
    app.include_router(
        webhooks.router_for(parts.reactor, source=f"/providers/{settings.provider_name}")
    )
    if parts.prepare is not None:
        app.include_router(contact_log.router)
    if parts.router is not None:
        app.include_router(parts.router)
    check_declared(app)
    document(app)
    return app


def attach(app: FastAPI, runtime: Runtime) -> None:
    """Give the routes the runtime that they work with."""
    app.state.runtime = runtime
    app.state.survey = Survey(runtime)
    app.state.gauges = Gauges(runtime)


def guard(app: FastAPI, settings: Settings, clock: Clock) -> None:
    """Put the rings around the routes, the innermost first; *clock* is the machine's, also in a stepped run."""
    buckets = Buckets(
        {
            "read": settings.rate_read,
            "write": settings.rate_write,
            "report": settings.rate_report,
            "refused": settings.rate_refused,
        }
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(RateLimit, buckets=buckets)
    app.add_middleware(
        Authentication,
        verifier=Verifier(issuers_of(settings, clock), clock),
        open_paths=open_paths(settings),
        buckets=buckets,
    )
    app.add_middleware(
        Limits,
        clock=clock,
        seconds=settings.request_seconds,
        most_requests=settings.most_requests,
    )
    problems.install(app)
