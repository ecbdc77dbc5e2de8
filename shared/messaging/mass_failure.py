"""A mass failure is not poison: when many customers fail in one place of our code, the service stops, not the customers.

That is a bad release, not bad data. The stop is durable and stands for this code_version until somebody resumes.
"""

import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Protocol

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit.acts import SERVICE, record_act
from shared.clock import Clock
from shared.ids import derive
from shared.messaging.records import Arrival
from shared.version import ROOT, code_version

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60.0
LEAST_CUSTOMERS = 20
LEAST_SHARE = 0.05
LOOK_SECONDS = 1.0
"""How old the answer whether the service is stopped may be: another process may have stopped or resumed it."""
_OURS = ("services", "shared", "tests")


class ServiceStopped(RuntimeError):
    """A mass failure stands: this code decides nothing. The message names the fingerprint."""


@dataclass(frozen=True, slots=True)
class MassFailure:
    """
    A mass failure that stands: `failed` of the `tried` decisions of a minute, of so many `customers`.

    `fingerprint` is the exception's type and the place in our code.
    """

    failure_id: str
    fingerprint: str
    code_version: str
    customers: int
    failed: int
    tried: int
    at: datetime


class _Failure(Protocol):
    @property
    def fingerprint(self) -> str: ...
    @property
    def arrival(self) -> Arrival: ...


class Outcome(Protocol):
    """What a transaction decided (folding.py): facts, ticks, and what failed."""

    decided: int
    ticks: int

    @property
    def failures(self) -> Sequence[_Failure]: ...


@dataclass(slots=True)
class _Slice:
    """What one transaction came to: how many decisions were tried, and whose failed, by fingerprint."""

    at: float
    tried: int
    failed: dict[str, list[str]] = field(default_factory=dict)


_COLUMNS = "failure_id, fingerprint, code_version, customers, failed, tried, at"
_STANDING = text(f"""
    SELECT {_COLUMNS} FROM mass_failure WHERE code_version = :code AND resumed_at IS NULL
""")  # noqa: S608  a constant
_PARKED = text("""
    SELECT DISTINCT fingerprint FROM mass_failure WHERE code_version = :code AND parks
""")
_EARLIER = text("SELECT count(*) FROM mass_failure WHERE code_version = :code")
_STOP = text(f"""
    INSERT INTO mass_failure ({_COLUMNS}) VALUES (:id, :fingerprint, :code, :customers, :failed, :tried, :at)
    ON CONFLICT DO NOTHING
""")  # noqa: S608  a constant
_RESUME = text(f"""
    UPDATE mass_failure SET resumed_at = :at, resumed_by = :by, resume_reason = :reason, parks = :parks
    WHERE resumed_at IS NULL RETURNING {_COLUMNS}
""")  # noqa: S608  a constant


def fingerprint(error: BaseException) -> str:
    """Name the exception's type and the innermost place in our code: `KeyError at services/legal/domain/tick.py:96`."""
    places = traceback.extract_tb(error.__traceback__)
    for place in reversed(places):
        path = Path(place.filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in _OURS:
            return f"{type(error).__name__} at {path.relative_to(ROOT)}:{place.lineno}"
    return f"{type(error).__name__} at {places[-1].name if places else 'an unknown place'}"


async def standing(connection: AsyncConnection, code: str = "") -> MassFailure | None:
    """Answer the mass failure that stops *code* ("": this code), if one does."""
    row = (await connection.execute(_STANDING, {"code": code or code_version()})).first()
    return None if row is None else MassFailure(*row)


async def resume(
    tx: AsyncConnection, *, reason: str, by: str, at: datetime, parks: bool
) -> list[MassFailure]:
    """
    End the mass failures of this service, of whatever code; answers those that stood.

    *parks*: what still fails at the same place is bad data after all, and parks its customers.
    Without it the same failure stops the service again.
    """
    found = await tx.execute(_RESUME, {"reason": reason, "by": by, "at": at, "parks": parks})
    ended = [MassFailure(*row) for row in found]
    for each in ended:
        await record_act(
            tx,
            subject=SERVICE,
            actor=by,
            act="resume_mass_failure",
            reason=reason,
            detail={
                "failure_id": each.failure_id,
                "code_version": each.code_version,
                "parks": parks,
            },
            at=at,
        )
    return ended


class Watch:
    """
    Watches one process of a service: what its transactions tried in the last minute, and what failed.

    The minute is of the machine's monotonic clock; *clock* dates the record.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        service: str,
        clock: Clock,
        *,
        code: str = "",
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._engine = engine
        self._service = service
        self._clock = clock
        self._code = code or code_version()
        self._seconds = seconds
        self._slices: deque[_Slice] = deque()
        self._looked_at = float("-inf")
        self._parks: frozenset[str] = frozenset()
        self.stopped: MassFailure | None = None

    async def go_on(self) -> None:
        """Raise ServiceStopped while a mass failure of this code stands; asks the database once a second."""
        if self._seconds() - self._looked_at >= LOOK_SECONDS:
            async with self._engine.connect() as connection:
                before, self.stopped = self.stopped, await standing(connection, self._code)
                self._parks = frozenset(await connection.scalars(_PARKED, {"code": self._code}))
            self._looked_at = self._seconds()
            if before is not None and self.stopped is None:
                self._slices.clear()
                log.warning("mass_failure_resumed", service=self._service)
        if self.stopped is not None:
            raise ServiceStopped(self.stopped.fingerprint)

    async def judge(self, outcome: Outcome) -> None:
        """
        Count a transaction before it is committed.

        Raises ServiceStopped, after the stop is written down in a transaction of its own, where the last
        minute makes a mass failure: then the caller's must not be committed.
        """
        now = self._seconds()
        # a batch ticks the cases whose facts it decided: that is no second try
        this = _Slice(now, max(outcome.decided, outcome.ticks) + len(outcome.failures))
        for failure in outcome.failures:
            this.failed.setdefault(failure.fingerprint, []).append(failure.arrival.customer_id)
        self._slices.append(this)
        while self._slices[0].at < now - WINDOW_SECONDS:
            self._slices.popleft()
        for where in sorted(this.failed.keys() - self._parks):
            await self._judge(where)

    async def _judge(self, where: str) -> None:
        failed = [customer for each in self._slices for customer in each.failed.get(where, ())]
        tried = sum(each.tried for each in self._slices)
        customers = len(set(failed))
        if customers < LEAST_CUSTOMERS or len(failed) <= LEAST_SHARE * tried:
            return
        at = self._clock.now()
        counts = Counter(customers=customers, failed=len(failed), tried=tried)
        async with self._engine.begin() as tx:
            nth = int(await tx.scalar(_EARLIER, {"code": self._code}) or 0)
            id_ = derive("mass_failure", self._service, self._code, nth)
            values = {"id": id_, "fingerprint": where, "code": self._code, "at": at, **counts}
            await tx.execute(_STOP, values)
            self.stopped = await standing(tx, self._code)
        self._looked_at = self._seconds()
        self._slices.clear()
        log.error("mass_failure", service=self._service, fingerprint=where, **counts)
        raise ServiceStopped(where)
