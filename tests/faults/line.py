"""A line to a server that can be cut, go silent (half-open) or slow: a TCP proxy in the test's own loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

SLOW_SECONDS = 2.0
Mode = Literal["open", "cut", "silent", "slow"]


class Line:
    """
    Passes on what comes: `open` at once, `slow` two seconds later each way. `cut` closes every connection and each
    new one; `silent` takes new ones and whatever is sent, and passes nothing on until the line changes again, as a
    network that lost its packets does.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._mode: Mode = "open"
        self._passes = asyncio.Event()
        self._passes.set()
        self.held = 0

    def become(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "silent":
            self._passes.clear()
        else:
            self._passes.set()
        if mode == "cut":
            for writer in self._writers:
                writer.transport.abort()

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Yields the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.become("cut")
            await asyncio.sleep(0.1)

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if self._mode == "cut":
                answers.transport.abort()
                return
            await self._passes.wait()
            server, questions = await asyncio.open_connection(*self._upstream)
            self._writers |= {answers, questions}
            ways = {
                asyncio.ensure_future(self._pass_on(client, questions)),
                asyncio.ensure_future(self._pass_on(server, answers)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                for writer in (answers, questions):
                    writer.close()
                    self._writers.discard(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self._passes.is_set():
                    self.held += 1
                    await self._passes.wait()
                if self._mode == "slow":
                    await asyncio.sleep(SLOW_SECONDS)
                writer.write(data)
                await writer.drain()
