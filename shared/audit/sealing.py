"""Seal finished days: compute the root of each, sign it, and write it down once."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit.roots import DAY, Root, begin_of, tree_of
from shared.audit.signing import Signer
from shared.clock import Clock

log = structlog.get_logger(__name__)

GRACE = timedelta(minutes=15)
"""How long after midnight a day is sealed: what was received before it is saved by then."""
LOOK_SECONDS = 60.0
_LOCK = 0x5345414C

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key, hashtext(current_schema()))")
_LAST = text("""
    SELECT day, leaves, root, previous, signature, key_id, signed_at FROM roots ORDER BY day DESC LIMIT 1
""")
_FIRST_DAY = text("""
    SELECT least((SELECT min(received_at) FROM inbox WHERE link <> ''), (SELECT min(at) FROM acts))
""")
_INSERT = text("""
    INSERT INTO roots (day, leaves, root, previous, signature, key_id, signed_at)
    VALUES (:day, :leaves, :root, :previous, :signature, :key_id, :signed_at)
""")
# As the account that logged in: a role sees nothing of the sessions of its members.
_AS_ACCOUNT = text("SET LOCAL ROLE NONE")
_STILL_WRITING = text("""
    SELECT EXISTS (SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_xid IS NOT NULL AND xact_start < :until)
""")


class NotOver(ValueError):
    """The day is not over, or was over only just now: what was received on it may not be saved yet."""


def last_finished(now: datetime) -> date:
    """Answer the last day that may be sealed."""
    return (now - GRACE).date() - DAY


async def seal(
    engine: AsyncEngine, service: str, signer: Signer, now: datetime, until: date | None = None
) -> list[Root]:
    """
    Seal every finished day that has no root, in order, up to *until* (left out: the last finished one).

    Answers the new roots; none while another process seals, or while a transaction from before the end of the
    day still writes. Raises NotOver for an *until* that cannot be sealed yet.
    """
    latest = last_finished(now)
    if until is not None and until > latest:
        raise NotOver(f"{until} cannot be sealed before {begin_of(until) + DAY + GRACE}")
    sealed: list[Root] = []
    while True:
        async with engine.begin() as tx:
            found = await _seal_next(tx, service, signer, now, until or latest)
        if found is None:
            return sealed
        sealed.append(found)


async def _seal_next(
    tx: AsyncConnection, service: str, signer: Signer, now: datetime, until: date
) -> Root | None:
    if not await tx.scalar(_TRY_LOCK, {"key": _LOCK}):
        return None
    row = (await tx.execute(_LAST)).one_or_none()
    before = None if row is None else Root(*row)
    day = await _first_day(tx) if before is None else before.day + DAY
    if day is None or day > until or await _still_writing(tx, day):
        return None
    leaves, top = await tree_of(tx, day)
    previous = b"" if before is None else before.digest(service)
    root = Root(day, leaves, top, previous, b"", signer.key_id, now)
    root = replace(root, signature=signer.sign(root.message(service)))
    values = {name: getattr(root, name) for name in Root.__dataclass_fields__}
    await tx.execute(_INSERT, values)
    return root


async def _first_day(tx: AsyncConnection) -> date | None:
    first: datetime | None = await tx.scalar(_FIRST_DAY)
    return None if first is None else first.date()


async def _still_writing(tx: AsyncConnection, day: date) -> bool:
    async with tx.begin_nested() as look:
        await tx.execute(_AS_ACCOUNT)
        found = await tx.scalar(_STILL_WRITING, {"until": begin_of(day) + DAY})
        await look.rollback()
    return bool(found)


class Sealer:
    """Seals yesterday a while after midnight UTC, and what was missed; any process of the service may be the one."""

    def __init__(self, engine: AsyncEngine, service: str, signer: Signer, clock: Clock) -> None:
        self._engine = engine
        self._service = service
        self._signer = signer
        self._clock = clock
        self._done: date | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Look once a minute until told to stop; a database that fails is asked again."""
        while not stopping.is_set():
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("audit_not_sealed", service=self._service, error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)

    async def look(self) -> list[Root]:
        """Seal what is to be sealed, unless that was done for this day already."""
        now = self._clock.now()
        if self._done == last_finished(now):
            return []
        sealed = await seal(self._engine, self._service, self._signer, now)
        for root in sealed:
            log.info(
                "audit_day_sealed", service=self._service, day=root.day.isoformat(),
                leaves=root.leaves, root=root.root.hex(), key_id=root.key_id,
            )  # fmt: skip
        async with self._engine.connect() as connection:
            if await _nothing_left(connection, now):
                self._done = last_finished(now)
        return sealed


async def _nothing_left(connection: AsyncConnection, now: datetime) -> bool:
    row = (await connection.execute(_LAST)).one_or_none()
    if row is not None:
        return bool(row.day >= last_finished(now))
    first = await _first_day(connection)
    return first is None or first > last_finished(now)
