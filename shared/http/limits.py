"""The outermost ring around a service's routes: bounds on what comes in and how long it takes, and no bare error."""

import asyncio
import itertools
import os
import re
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Clock
from shared.http.access import PROBES
from shared.http.problems import FieldError, of_request, problem
from shared.ids import derive

log = structlog.get_logger(__name__)

MOST_HEADERS = 100
MOST_HEADER_BYTES = 16 * 1024
LONGEST_TARGET = 4 * 1024
"""Bytes of path and query string."""
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NUL = re.compile(rb"%00|\0")


class Limits:
    """
    ASGI middleware: names the request, bounds headers and target, at most *most_requests* at a time (503), each
    for at most *seconds* (503); whatever is raised inside is a 500 without internals. Probes are not counted.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock, seconds: float, most_requests: int) -> None:
        self._app = app
        self._seconds = seconds
        self._most = most_requests
        self._under_way = 0
        self._names = _names(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on within its bounds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _given_name(scope) or next(self._names)
        of_request.set(name)
        structlog.contextvars.bind_contextvars(request_id=name)
        answer = _Answer(send, name)
        if refused := _refusal(scope):
            await refused(scope, receive, answer.send)
        elif scope["path"] in PROBES:
            await self._bounded(scope, receive, answer)
        elif self._under_way >= self._most:
            busy = problem("overloaded", headers={"Retry-After": "1"})
            await busy(scope, receive, answer.send)
        else:
            self._under_way += 1
            try:
                await self._bounded(scope, receive, answer)
            finally:
                self._under_way -= 1

    async def _bounded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001  whatever is raised, the caller gets a problem
            slow = isinstance(error, TimeoutError) and limit.expired()
            log.error(  # noqa: TRY400  places only: the text of an exception may hold personal data
                "request_failed",
                path=str(getattr(scope.get("route"), "path", "")),
                error="TooSlow" if slow else type(error).__name__,
                at=[f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)][
                    -3:
                ],
            )
            if not answer.begun:
                await problem("too-slow" if slow else "internal")(scope, receive, answer.send)


class _Answer:
    """The way back: notes whether the answer has begun, and names the request in it."""

    def __init__(self, send: Send, name: str) -> None:
        self.begun = False
        self._send = send
        self._name = name

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._name
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _refusal(scope: Scope) -> JSONResponse | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(map(_size, headers)) > MOST_HEADER_BYTES:
        return problem("headers-too-large")
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > LONGEST_TARGET:
        return problem(
            "target-too-long", detail=f"Path and query are {LONGEST_TARGET} bytes at most."
        )
    for place, found in (("path", path), ("query", scope["query_string"])):
        if _NUL.search(found):
            wrong = FieldError(field=place, message="holds the character NUL")
            return problem("invalid", errors=[wrong])
    return None


def _size(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1])


def _given_name(scope: Scope) -> str:
    """Answer the trace id of a W3C traceparent, so that the caller's trace and our log lines meet."""
    for name, value in scope["headers"]:
        if name == b"traceparent" and (found := _TRACEPARENT.fullmatch(value)):
            return str(found[1], "ascii")
    return ""


def _names(clock: Clock) -> Iterator[Any]:
    """Name requests, differently in every process."""
    start = clock.now().isoformat()
    for number in itertools.count():
        yield derive("request", start, os.getpid(), number).replace("-", "")
