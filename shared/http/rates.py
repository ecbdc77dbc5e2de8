"""How often a caller may ask: a token bucket for each caller and class of route, in this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.access import Caller
from shared.http.problems import problem

RouteClass = Literal["read", "write", "report", "refused"]
"""Reads, everything that changes something, the webhooks of providers, and requests without a valid token."""
BURST_SECONDS = 4.0
"""A bucket holds what may be asked in so many seconds."""
MOST_BUCKETS = 10_000

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Buckets:
    """The buckets; *rates* is requests per second for each class. The ones not used longest are forgotten."""

    def __init__(
        self,
        rates: Mapping[RouteClass, float],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = rates
        self._monotonic = monotonic
        self._held: OrderedDict[tuple[str, RouteClass], tuple[float, float]] = OrderedDict()

    def take(self, who: str, kind: RouteClass) -> float:
        """Take one; answers 0, or the seconds until there is one again."""
        rate, now = self._rates[kind], self._monotonic()
        most = max(1.0, rate * BURST_SECONDS)
        left, since = self._held.pop((who, kind), (most, now))
        left = min(most, left + (now - since) * rate)
        enough = left >= 1
        self._held[who, kind] = (left - 1 if enough else left, now)
        if len(self._held) > MOST_BUCKETS:
            self._held.popitem(last=False)
        return 0.0 if enough else (1 - left) / rate


def too_many(seconds: float) -> ASGIApp:
    """Make the answer 429."""
    return problem("too-many-requests", headers={"Retry-After": str(math.ceil(seconds))})


def class_of(scope: Scope) -> RouteClass:
    """Answer the class of a request, before any route is chosen."""
    if scope["path"].startswith("/webhooks/"):
        return "report"
    return "read" if scope["method"] in _READS else "write"


class RateLimit:
    """ASGI middleware behind the authentication: 429 with Retry-After when a caller's bucket is empty."""

    def __init__(self, app: ASGIApp, *, buckets: Buckets) -> None:
        self._app = app
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or refuse it. Who asks at an open path has no bucket: probes are exempt."""
        caller: Caller | None = scope.get("state", {}).get("caller")
        if scope["type"] == "http" and caller is not None and caller.subject:
            wait = self._buckets.take(caller.subject, class_of(scope))
            if wait:
                await too_many(wait)(scope, receive, send)
                return
        await self._app(scope, receive, send)
