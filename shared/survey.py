"""Look over a running service: what its dependencies answer, how far it has come, what waits. For health and metrics.

Every question is bounded in time, and asked at most every few seconds however often somebody looks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import TypeVar

import structlog
from aiokafka import TopicPartition

from shared.clock import AT_ONCE
from shared.db import NotAMember, SchemaTooOld, check_schema
from shared.events.registry import CORE_BANKING
from shared.messaging import controls, figures, inbox, outbox
from shared.messaging.controls import Controls
from shared.messaging.figures import Figures
from shared.messaging.silence import Hush
from shared.recent import Recent
from shared.runtime import Runtime

CHECK_SECONDS = 3.0
"""How long a dependency may take to answer a check."""
READY_FOR_SECONDS = 0.5
SURVEY_FOR_SECONDS = 3.0

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dependency answered: after how many `seconds`, and what was wrong ("": nothing)."""

    seconds: float
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """
    Whether the service can do its work: it cannot where there are `reasons`. `outbox` is its rows and the
    oldest one's age in seconds; it and `controls` are None where the database did not answer.
    """

    reasons: tuple[str, ...]
    dependencies: Mapping[str, Asked]
    partitions: tuple[int, ...]
    stale_partitions: tuple[int, ...]
    outbox: tuple[int, float] | None
    controls: Controls | None
    is_leader: bool
    blocked: int


@dataclass(frozen=True, slots=True)
class View:
    """
    All of it at one instant `at` of the service's clock. `figures` and `lag` (records by partition that this
    process holds) are None where the database or the broker did not answer.
    """

    at: datetime
    readiness: Readiness
    figures: Figures | None
    hush: Hush | None
    lag: Mapping[TopicPartition, int] | None


class Survey:
    """Surveys one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ready = Recent(self._look_ready, READY_FOR_SECONDS)
        self._view = Recent(self._look, SURVEY_FOR_SECONDS)

    async def readiness(self) -> Readiness:
        """Tell whether it is ready, as of the last half second."""
        return await self._ready.get()

    async def view(self) -> View:
        """Tell everything, as of the last three seconds."""
        return await self._view.get()

    async def _look_ready(self) -> Readiness:
        runtime = self._runtime
        database, broker = await asyncio.gather(
            _ask("database", self._database), _ask("broker", self._broker)
        )
        waiting, standing = database[1] or (None, None)
        dependencies = {"database": database[0], "broker": broker[0]}
        reasons = [asked.trouble for asked in dependencies.values() if asked.trouble]
        reasons += [f"consumer {reason}" for reason in runtime.consumer.vitals.unready()]
        reasons += [
            f"{name}: the last attempt failed: {why}" for name, why in self._errors().items() if why
        ]
        blocked = runtime.relay.blocked
        reasons += [f"relay: row of one key refused: {why}" for why in sorted({*blocked.values()})]
        limit = runtime.settings.outbox_seconds
        if waiting is not None and waiting[1] > limit:
            reasons.append(
                f"outbox: its oldest row waits for {waiting[1]:.0f} s (limit {limit:.0f} s)"
            )
        if standing is not None and (failure := standing.mass_failure) is not None:
            reasons.append(f"stopped after a mass failure: {failure.fingerprint}")
        return Readiness(
            reasons=tuple(reasons),
            dependencies=dependencies,
            partitions=tuple(sorted(runtime.consumer.owned())),
            stale_partitions=() if runtime.settings.stepped else runtime.freshness.stale(),
            outbox=waiting,
            controls=standing,
            is_leader=runtime.relay.is_leader,
            blocked=len(blocked),
        )

    async def _look(self) -> View:
        runtime = self._runtime
        now = runtime.clock.now()
        (_, found), (_, lag), readiness = await asyncio.gather(
            _ask("database", self._figures), _ask("broker", self._lag), self.readiness()
        )
        hush = None if found is None else runtime.silence.judge(found.heard_at, now)
        return View(now, readiness, found, hush, lag)

    def _errors(self) -> dict[str, str]:
        runtime = self._runtime
        return {
            "relay": runtime.relay.last_error,
            "alarm": runtime.alarm.last_error,
            "effects": "" if runtime.worker is None else runtime.worker.last_error,
        }

    async def _database(self) -> tuple[tuple[int, float], Controls]:
        """Check the schema and the inbox's partition; answer what waits for the relay, and what is stopped."""
        runtime = self._runtime
        await check_schema(runtime.engine, runtime.reactor.name)
        now = runtime.clock.now()
        async with runtime.engine.connect() as connection:
            if not (runtime.settings.stepped and now == AT_ONCE):
                month = inbox.month_of(now)
                if await inbox.missing_partitions(connection, [month]):
                    raise NotReady(f"inbox has no partition for {month:%Y-%m}")
            return await outbox.waiting(connection), await controls.standing(connection)

    async def _broker(self) -> None:
        await self._runtime.offsets.ends(CORE_BANKING, [0])

    async def _figures(self) -> Figures:
        runtime = self._runtime
        async with runtime.engine.connect() as connection:
            return await figures.read(
                connection, runtime.reactor.name, runtime.clock.now(), runtime.settings.partitions
            )

    async def _lag(self) -> dict[TopicPartition, int]:
        saved = dict(self._runtime.consumer.saved)
        ends = await self._runtime.offsets.all_ends(saved)
        return {tp: max(ends[tp] - at, 0) for tp, at in sorted(saved.items())}


class NotReady(RuntimeError):
    """A dependency answers, and what it says is not what the service needs."""


async def _ask(name: str, question: Callable[[], Awaitable[T]]) -> tuple[Asked, T | None]:
    began = monotonic()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            answer = await question()
    except (SchemaTooOld, NotAMember, NotReady) as error:
        return Asked(monotonic() - began, str(error)), None
    except Exception as error:  # noqa: BLE001  whatever a dependency raises, it is not ready
        log.warning("survey_unanswered", of=name, error=type(error).__name__)
        trouble = f"{name} does not answer: {type(error).__name__}"
        return Asked(monotonic() - began, trouble), None
    return Asked(monotonic() - began), answer
