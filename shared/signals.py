"""How a command that runs until it is told to stop hears of it."""

import signal
from types import FrameType


def catch_signals() -> None:
    """Let Ctrl-C and a termination end us in order, also where a shell started us with Ctrl-C ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
