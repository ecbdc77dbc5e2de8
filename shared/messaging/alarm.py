"""The alarm: ticks the cases that fell due while no record woke them; the second source of batches for the shell."""

import asyncio
import contextlib
from collections.abc import Callable, Collection

import structlog

from shared.clock import Clock
from shared.messaging.cases import StateTooNew
from shared.messaging.records import TickResult
from shared.messaging.shell import Fresh, Shell

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
LONGEST_WAIT = 10.0


class Alarm:
    """
    Looks every half second at the partitions that *owned* names; those that are stale wait.

    *ticked* hears what a round came to, *too_new* of a state that newer code wrote.
    """

    def __init__(
        self,
        shell: Shell,
        clock: Clock,
        *,
        owned: Callable[[], Collection[int]],
        fresh: Fresh,
        ticked: Callable[[TickResult], None],
        too_new: Callable[[StateTooNew], None],
    ) -> None:
        self._shell = shell
        self._clock = clock
        self._owned = owned
        self._fresh = fresh
        self._ticked = ticked
        self._too_new = too_new
        self.last_error = ""
        self.failures = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick what is due until *stopping*; a round that has begun is finished."""
        wait = LOOK_SECONDS
        while not stopping.is_set():
            try:
                more = await self.once()
                self.last_error, wait = "", LOOK_SECONDS
            except Exception as error:
                if isinstance(error, StateTooNew):
                    self._too_new(error)
                self.last_error = type(error).__name__
                self.failures += 1
                log.exception("alarm_failed", service=self._shell.reactor.name, again_in=wait)
                more, wait = False, min(2 * wait, LONGEST_WAIT)
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), wait)

    async def once(self) -> bool:
        """Tick one round of due cases; answers whether there are more."""
        partitions = sorted(self._owned())
        if not partitions:
            return False
        result = await self._shell.tick_due(self._clock.now(), partitions, fresh=self._fresh)
        self._ticked(result)
        return result.more
