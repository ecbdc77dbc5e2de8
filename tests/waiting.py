"""Wait for conditions, never for time."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Return as soon as *condition* holds; fail when it does not within the bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
