"""A TCP proxy that cuts the connection instead of passing an answer on: what was asked was done, and nobody knows."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Cuts a share of the answers (server to client), by a seeded draw; with share 1 nothing comes through."""

    def __init__(self, upstream_port: int, *, share: float = 0.0, seed: int = 1) -> None:
        self.share = share
        self.cut = 0
        self._upstream = upstream_port
        self._draw = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield self
        finally:
            server.close()
            self.disconnect()
            await asyncio.sleep(0.05)

    def disconnect(self) -> None:
        """Cut every connection now."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            server, questions = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            answers.close()
            return
        self._writers |= {answers, questions}
        try:
            await asyncio.wait(
                {
                    asyncio.ensure_future(self._ask(client, questions)),
                    asyncio.ensure_future(self._answer(server, answers)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            answers.close()
            questions.close()
            self._writers -= {answers, questions}

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._draw.random() < self.share:
                    self.cut += 1
                    return
                writer.write(data)
                await writer.drain()
