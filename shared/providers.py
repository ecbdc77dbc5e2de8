"""Hand effects over to a provider by HTTP: one generic adapter, and the terms that it speaks in."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, Protocol

import httpx2

from shared.messaging.cloudevents import rfc3339
from shared.telemetry import tracing
from shared.vault import VaultReader

__all__ = [
    "HandOver",
    "HttpProvider",
    "LookupImpossible",
    "Provider",
    "ProviderRequest",
    "ProviderUnavailable",
    "VaultReader",
]

ATTEMPT_SECONDS = 10.0
"""The longest that one exchange with a provider may take."""
AT_THE_SAME_TIME = 16
_AGAIN = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_BEHIND_A_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
"""Said by somebody in between: the provider itself may still be at it."""
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_NO_LOOKUP = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED}


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """
    What is handed over: the kind of effect, whom it goes to (a contact value), and the rendered content.

    `template` and `version` (the digest of its source) say by which text it was rendered. `permit_id` and
    `validity_until` are the worker's: under which permit it leaves, and from when on a carrier must drop it.
    """

    kind: str
    to: str = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    template: str = ""
    version: str = ""
    permit_id: str = ""
    validity_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """What the provider answered at once: `sent`, or `failed` with a reason class; `refused` is our own worker's."""

    outcome: str
    reason: str = ""


How = Literal["never_left", "answered", "lost"]


class ProviderUnavailable(Exception):
    """
    No usable answer: the effect may or may not have been accepted.

    `how`: the request `never_left`, the provider `answered` (so it has ended there), or the answer was
    `lost` (then the request may still arrive).
    """

    def __init__(self, message: str, how: How = "lost") -> None:
        super().__init__(message)
        self.how: How = how


class LookupImpossible(Exception):
    """The provider cannot say what became of an effect."""


class Provider(Protocol):
    """Where effects go. `name` stands in the source of what it tells."""

    name: str

    async def hand_over(
        self, effect_id: str, customer_id: str, claimed_at: datetime, request: ProviderRequest
    ) -> HandOver: ...

    async def look_up(self, effect_id: str) -> HandOver | None: ...


class HttpProvider:
    """
    Speaks to `{url}/effects`: POST with the effect_id as Idempotency-Key, GET for the status.

    Every exchange is bounded; nothing is followed to another address, because contact values travel in it.
    """

    def __init__(
        self,
        url: str,
        service: str,
        *,
        name: str = "sandbox",
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._service = service
        self._client = httpx2.AsyncClient(
            base_url=url.rstrip("/"),
            transport=transport,
            timeout=httpx2.Timeout(ATTEMPT_SECONDS - 1, connect=3.0),
            limits=httpx2.Limits(
                max_connections=AT_THE_SAME_TIME, max_keepalive_connections=AT_THE_SAME_TIME
            ),
            follow_redirects=False,
            trust_env=False,
            event_hooks={"request": [_carry_trace]},
        )

    async def hand_over(
        self, effect_id: str, customer_id: str, claimed_at: datetime, request: ProviderRequest
    ) -> HandOver:
        """
        Hand an effect over; the same effect_id again never leaves twice, nor anything after its validity.

        What the provider refuses for good is `failed` with reason `provider`. Raises ProviderUnavailable.
        """
        body: dict[str, Any] = {
            "effect_id": effect_id,
            "kind": request.kind,
            "customer_id": customer_id,
            "service": self._service,
            "to": request.to,
            "content": dict(request.content),
            "claimed_at": rfc3339(claimed_at),
            "permit_id": request.permit_id,
        }
        if request.validity_until is not None:
            body["validity_until"] = rfc3339(request.validity_until)
        response = await self._exchange(
            "POST", "/effects", headers={"Idempotency-Key": effect_id}, json=body
        )
        if response.is_success:
            return _read(response)
        if response.status_code in _AGAIN or not response.is_client_error:
            raise _unusable(response)
        return HandOver("failed", "provider")

    async def look_up(self, effect_id: str) -> HandOver | None:
        """
        Ask what became of a hand-over; None when the provider never saw it.

        Raises ProviderUnavailable, and LookupImpossible for a provider that cannot tell.
        """
        response = await self._exchange("GET", f"/effects/{effect_id}")
        if response.is_success:
            return _read(response)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        if response.status_code in _NO_LOOKUP:
            raise LookupImpossible(f"status {response.status_code}")
        raise _unusable(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _exchange(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._client.request(method, path, **arguments)
        except _NEVER_LEFT as error:
            raise ProviderUnavailable(type(error).__name__, "never_left") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise ProviderUnavailable(type(error).__name__) from error


async def _carry_trace(request: httpx2.Request) -> None:
    if traceparent := tracing.current_traceparent():
        request.headers["traceparent"] = traceparent


def _unusable(response: httpx2.Response) -> ProviderUnavailable:
    how: How = "lost" if response.status_code in _BEHIND_A_GATEWAY else "answered"
    return ProviderUnavailable(f"status {response.status_code}", how)


def _read(response: httpx2.Response) -> HandOver:
    try:
        answer = response.json()
        return HandOver(str(answer["outcome"]), str(answer.get("reason") or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderUnavailable("an answer that is none", "answered") from error
