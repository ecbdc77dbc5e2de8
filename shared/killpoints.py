"""Named places where a fault test lets this process die by kill -9; nothing happens there otherwise.

`ARREARS_KILL_AT=relay.after_send:3` kills the third time that the place is reached with something in hand; what was
in hand is first written down in the file that ARREARS_KILL_LOG names.
"""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PLACES = frozenset(
    {
        "consumer.after_save",
        "effects.after_claim",
        "effects.after_hand_over",
        "relay.after_send",
        "shell.before_commit",
        "shell.tick_before_commit",
    }
)


@dataclass(slots=True)
class _Armed:
    name: str
    left: int
    kill_log: Path


_armed: _Armed | None = None


def arm(*, production: bool) -> None:
    """
    Read the environment; where it names no place, or this is production, nothing is armed.

    Raises ValueError for a place that does not exist, or without ARREARS_KILL_LOG.
    """
    global _armed  # noqa: PLW0603  one process, one death
    _armed = None
    wanted = os.environ.get("ARREARS_KILL_AT", "")
    if not wanted:
        return
    if production:
        log.error("kill_point_refused", place=wanted, reason="this is production")
        return
    name, _, nth = wanted.partition(":")
    if name not in PLACES:
        raise ValueError(
            f"ARREARS_KILL_AT: {name!r} is none of {', '.join(sorted(PLACES))}; write NAME:NTH"
        )
    kill_log = os.environ.get("ARREARS_KILL_LOG", "")
    if not kill_log:
        raise ValueError("ARREARS_KILL_AT needs ARREARS_KILL_LOG, the file to write the death into")
    _armed = _Armed(name, int(nth or 1), Path(kill_log))


def reach(name: str, *, in_hand: int) -> None:
    """Say that this place is reached with so many records, rows or effects in hand; perhaps the last thing we do."""
    armed = _armed
    if armed is None or armed.name != name or in_hand <= 0:
        return
    armed.left -= 1
    if armed.left > 0:
        return
    line = json.dumps({"name": name, "in_hand": in_hand, "pid": os.getpid()}) + "\n"
    descriptor = os.open(armed.kill_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, line.encode())
    os.fsync(descriptor)
    os.kill(os.getpid(), signal.SIGKILL)
