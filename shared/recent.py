"""Keep an answer for a moment: whoever asks meanwhile gets the same one, and the question is asked once."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The answer of *ask*, asked anew when it is older than *seconds*; an exception is not kept."""

    def __init__(self, ask: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._held: tuple[float, T] | None = None

    async def get(self) -> T:
        """Answer what is known, or ask."""
        async with self._lock:
            if self._held is None or monotonic() - self._held[0] > self._seconds:
                self._held = (monotonic(), await self._ask())
            return self._held[1]
