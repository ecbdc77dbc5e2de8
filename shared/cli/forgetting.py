"""What `arrears retention` and `arrears forget` do, as the owner of the schemas in ARREARS_DATABASE_URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.cli.output import fail
from shared.cli.serving import settings_or_fail
from shared.clock import SystemClock
from shared.events.registry import SERVICES
from shared.privacy import forgetting, retention
from shared.privacy.owner import owner_engine
from shared.services import reactor


async def retain(service: str, *, months: int, do: bool, by: str, reason: str) -> list[str]:
    """Run or preview retention in one service, or in all ("")."""
    if service and service not in SERVICES:
        fail(f"{service!r} is no service; there are {', '.join(SERVICES)}")
    now = SystemClock().now()
    lines: list[str] = []
    async with _owner() as engine:
        for name in [service] if service else SERVICES:
            if do:
                due = await retention.run(
                    engine, reactor(name), now=now, months=months, by=by, reason=reason
                )
            else:
                due = await retention.preview(engine, name, now=now, months=months)
            lines += retention.sentence(due, past=do)
    return lines


async def make_unreadable(
    customer: str, *, by: str, reason: str, even_if_open: bool
) -> forgetting.ForgottenPerson:
    """Forget a customer in every service."""
    async with _owner() as engine:
        return await forgetting.forget(
            engine,
            SERVICES,
            customer,
            by=by,
            reason=reason,
            at=SystemClock().now(),
            even_if_open=even_if_open,
        )


async def let_in_again(customer: str, *, by: str, reason: str) -> bool:
    """Lift a forgetting."""
    async with _owner() as engine:
        return await forgetting.lift(engine, customer, by=by, reason=reason, at=SystemClock().now())


@asynccontextmanager
async def _owner() -> AsyncIterator[AsyncEngine]:
    engine = owner_engine(settings_or_fail().database_url)
    try:
        yield engine
    finally:
        await engine.dispose()
