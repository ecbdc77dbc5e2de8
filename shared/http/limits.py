"""Refuse bodies that are too large, whatever their headers say; what passes is small enough to be held."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem

MOST_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: reads the body before the application does, and answers 413 beyond *most_bytes*."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its body read, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        too_large = announced.isdigit() and int(announced) > self._most
        read: list[Message] = []
        size = 0
        while not too_large:
            message = await receive()
            read.append(message)
            size += len(message.get("body", b""))
            too_large = size > self._most
            if not message.get("more_body", False):
                break
        if too_large:
            response = problem(
                "body-too-large", detail=f"The body is larger than {self._most} bytes."
            )
            await response(scope, receive, send)
            return
        waiting = iter(read)

        async def replay() -> Message:
            return next(waiting, None) or await receive()

        await self._app(scope, replay, send)
