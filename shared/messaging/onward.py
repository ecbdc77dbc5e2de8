"""Facts that a service tells its own cases: what one customer's case says to another's, or the vault to those it concerns.

No transaction may lock a second case late, so such a fact is written down with what it follows from, and decided in a
transaction of its own, in the order of writing. Its id is derived: told again it changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import onward_rows
from shared.messaging.cases import StateTooNew
from shared.messaging.shell import Fresh, Shell

log = structlog.get_logger(__name__)

MOST = 200
"""So many are decided in one transaction."""
LOOK_SECONDS = 1.0
LONGEST_WAIT = 10.0


class Onward:
    """
    Tells them. One process of a service at a time (an advisory lock), so they are decided in the order of writing.

    What the shell refuses stays in the table with the reason, and is an error in the log; the others go on.
    *told* hears of each round that told something, *too_new* of a state that newer code wrote.
    """

    def __init__(
        self,
        shell: Shell,
        engine: AsyncEngine,
        *,
        fresh: Fresh,
        told: Callable[[], None],
        too_new: Callable[[StateTooNew], None],
    ) -> None:
        self._shell = shell
        self._engine = engine
        self._fresh = fresh
        self._told = told
        self._too_new = too_new
        self._written = asyncio.Event()
        self.last_error = ""
        self.failures = 0

    def wake(self) -> None:
        """Facts were written: look at once."""
        self._written.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell what is written until *stopping*; a failure is tried again, with back-off."""
        wait = LOOK_SECONDS
        while not stopping.is_set():
            self._written.clear()
            try:
                while await self.once():
                    self._told()
                self.last_error, wait = "", LOOK_SECONDS
            except Exception as error:
                if isinstance(error, StateTooNew):
                    self._too_new(error)
                self.last_error = type(error).__name__
                self.failures += 1
                log.exception("onward_failed", service=self._shell.reactor.name, again_in=wait)
                wait = min(2 * wait, LONGEST_WAIT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), wait)

    async def once(self) -> int:
        """Tell the oldest; answers how many were dealt with: 0 where none waits, or another process is at it."""
        async with self._engine.begin() as tx:
            waiting = await onward_rows.oldest(tx, MOST)
            if not waiting:
                return 0
            answers = await self._shell.handle_facts(
                [event for _, event in waiting], fresh=self._fresh
            )
            done = []
            for (seq, event), answer in zip(waiting, answers, strict=True):
                if answer.status in {"new", "repeated"}:
                    done.append(seq)
                else:
                    log.error("onward_refused", type=event.type, id=event.id, reason=answer.reason)
                    await onward_rows.refused(tx, seq, answer.reason)
            await onward_rows.told(tx, done)
        return len(waiting)
