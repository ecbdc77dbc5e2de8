"""Let nobody in without a valid token: every path but the probes, also paths that do not exist."""

from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.access import PROBES, Caller
from shared.http.access_tokens import KeysUnavailable, TokenRefused, Verifier
from shared.http.problems import problem
from shared.http.rates import Buckets, too_many
from shared.settings import Settings

log = structlog.get_logger(__name__)

NOBODY = Caller(subject="")
"""Who asks at an open path: no scope, no customer."""

_READS_HEALTH = Caller(subject="", scopes=frozenset({"health:read", "metrics:read"}))
_DOCUMENTATION = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")


def open_paths(settings: Settings) -> Mapping[str, Caller]:
    """Answer what needs no token: the probes; in development the documentation; metrics where they are opened."""
    found = dict.fromkeys(PROBES, NOBODY)
    if settings.mode == "development":
        found |= dict.fromkeys(_DOCUMENTATION, NOBODY)
    if settings.open_metrics:
        found |= dict.fromkeys(("/health", "/metrics"), _READS_HEALTH)
    return found


class Authentication:
    """
    ASGI middleware: verifies the bearer token before anything else is read of the request, and leaves the
    Caller in the request's state. *open_paths* need no token; whoever asks there is the Caller given. Who is refused too often is refused without a line in the log (429).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        verifier: Verifier,
        open_paths: Mapping[str, Caller],
        buckets: Buckets,
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._open = open_paths
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its caller, or answer 401."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        caller = self._open.get(scope["path"])
        if caller is None:
            try:
                caller = await self._verifier.verify(_token(scope))
            except TokenRefused as refused:
                client = scope.get("client") or ("", 0)
                if wait := self._buckets.take(client[0], "refused"):
                    await too_many(wait)(scope, receive, send)
                    return
                log.warning("token_refused", reason=refused.reason)
                await _unauthenticated(refused.reason)(scope, receive, send)
                return
            except KeysUnavailable:
                log.warning("token_not_verified", reason="issuer_unreachable")
                await problem("issuer-unavailable")(scope, receive, send)
                return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


def _token(scope: Scope) -> str:
    """Read the one Authorization header; raises TokenRefused."""
    given = Headers(scope=scope).getlist("authorization")
    if not given:
        raise TokenRefused("missing")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.isascii():
        raise TokenRefused("malformed")
    return token.strip()


def _unauthenticated(reason: str) -> ASGIApp:
    challenge = 'Bearer realm="arrears"'
    if reason != "missing":
        challenge += ', error="invalid_token"'
    return problem("unauthenticated", headers={"WWW-Authenticate": challenge})
