"""Refuse bodies that are too large, before anything reads them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem

MOST_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: a request body beyond *most_bytes* is answered 413, whatever its headers say of it."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            await self._refuse(scope, receive, send)
            return
        read = 0
        answered = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self._most:
                    raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLarge:
            if answered:
                raise
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem("body-too-large", detail=f"The body is larger than {self._most} bytes.")
        await response(scope, receive, send)


class _TooLarge(Exception):
    """The body went beyond the limit while it was read."""
