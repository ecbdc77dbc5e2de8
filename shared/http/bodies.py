"""Take only bodies that are JSON, not too large, too deep or too long in one string; what passes is held."""

from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import FieldError, problem

MOST_BYTES = 64 * 1024
DEEPEST = 64
LONGEST_STRING = 16 * 1024
_JSON = frozenset({"application/json", "application/json; charset=utf-8"})


class BodyLimit:
    """
    ASGI middleware: reads the body before the application does; 413 beyond *most_bytes*, 415 for a type other
    than JSON, 422 for JSON that no field could take.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its body read, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "0")
        too_large = announced.isdecimal() and int(announced[:20]) > self._most
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
            refused: JSONResponse | None = problem(
                "body-too-large", detail=f"The body is larger than {self._most} bytes."
            )
        else:
            body = b"".join(message.get("body", b"") for message in read)
            refused = _refusal(headers, body) if body else None
        if refused is not None:
            await refused(scope, receive, send)
            return
        waiting = iter(read)

        async def replay() -> Message:
            return next(waiting, None) or await receive()

        await self._app(scope, replay, send)


def _refusal(headers: Headers, body: bytes) -> JSONResponse | None:
    kinds = [kind.strip().lower() for kind in headers.getlist("content-type")]
    if len(kinds) != 1 or kinds[0] not in _JSON or headers.get("content-encoding"):
        return problem("unsupported-media-type", headers={"Accept": "application/json"})
    try:
        # Stricter than the standard library: no NaN, no lone surrogates, and a bound on the depth.
        wrong = _unfit(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeError):
        wrong = "is not JSON"
    except RecursionError:
        wrong = f"is nested deeper than {DEEPEST}"
    return problem("invalid", errors=[FieldError(field="body", message=wrong)]) if wrong else None


def _unfit(value: Any) -> str:
    """Say what is wrong with a decoded body, level by level; "" when nothing is."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for each in level:
            match each:
                case str() if len(each) > LONGEST_STRING:
                    return f"holds a string longer than {LONGEST_STRING}"
                case str() if "\0" in each:
                    return "holds the character NUL, which no field can take"
                case dict():
                    inner += each.keys()
                    inner += each.values()
                case list():
                    inner += each
                case _:
                    pass
        if not inner:
            return ""
        level = inner
    return f"is nested deeper than {DEEPEST}"
