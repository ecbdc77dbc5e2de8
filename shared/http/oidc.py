"""
The keys of an OIDC issuer: fetched from its JWKS, kept for a while, fetched again for a key that is unknown.

A key that the issuer took out is gone with the next fetch. While the issuer cannot be reached, the last keys
count for a day; after that nobody gets in (503), because a revoked key could not be told any more.
"""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx2
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from shared.clock import Clock
from shared.http.access_tokens import ALGORITHMS, KeysUnavailable, PublicKey

log = structlog.get_logger(__name__)

FRESH_FOR = timedelta(minutes=10)
"""How long fetched keys are used without asking again: the longest that a revoked key goes on to count."""
KEPT_FOR = timedelta(hours=24)
"""How long the last keys count while the issuer cannot be reached."""
AT_MOST_EVERY = timedelta(seconds=10)
"""Between two fetches, also for unknown keys: nobody makes us hammer the issuer with made-up key ids."""
FETCH_SECONDS = 5.0
LARGEST_ANSWER = 512 * 1024
MOST_KEYS = 100
_FEWEST_RSA_BITS = 2048


class OidcKeys:
    """The keys of one issuer. *jwks_url* "" is asked of the issuer's discovery document."""

    def __init__(
        self,
        issuer: str,
        clock: Clock,
        *,
        jwks_url: str = "",
        https_only: bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._jwks_url = jwks_url
        self._https_only = https_only
        self._transport = transport
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetching = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """Answer the key *kid* as the issuer has it; raises KeysUnavailable when it cannot be asked for too long."""
        waits = kid not in self._keys or not self._fetching.locked()
        if waits and (kid not in self._keys or self._older_than(FRESH_FOR)):
            await self._refresh()
        if self._older_than(KEPT_FOR):
            raise KeysUnavailable
        return self._keys.get(kid)

    def _older_than(self, age: timedelta) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at > age

    async def _refresh(self) -> None:
        """Fetch, unless somebody did a moment ago; who comes while it is under way waits for the same answer."""
        async with self._fetching:
            now = self._clock.now()
            if self._tried_at is not None and now - self._tried_at < AT_MOST_EVERY:
                return
            self._tried_at = now
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = await self._fetch()
            except (httpx2.HTTPError, TimeoutError, ValueError) as error:
                log.warning("issuer_keys_not_fetched", error=type(error).__name__)
                return
            self._fetched_at = now

    async def _fetch(self) -> dict[str, PublicKey]:
        async with httpx2.AsyncClient(
            transport=self._transport, timeout=FETCH_SECONDS, follow_redirects=False
        ) as client:
            url = self._jwks_url
            if not url:
                document = await self._get(
                    client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                )
                if document.get("issuer") != self._issuer:
                    raise ValueError("the discovery document is of another issuer")
                url = str(document.get("jwks_uri", ""))
            answer = await self._get(client, url)
        listed = answer.get("keys")
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            raise ValueError("the answer is no JWKS")
        return dict(found for each in listed if (found := _read(each)) is not None)

    async def _get(self, client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
        if self._https_only and not url.startswith("https://"):
            raise ValueError("the issuer's keys are fetched by https only")
        body = bytearray()
        async with client.stream("GET", url) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise ValueError("the issuer answers with an error")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise ValueError("the issuer's answer is too large")
        return msgspec.json.decode(bytes(body), type=dict[str, Any])


def _read(jwk: Any) -> tuple[str, PublicKey] | None:
    """Read a key that verifies signatures; None for one of another use or kind, which other clients may need."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "RSA", _:
                rsa = RSAKey.import_key(jwk)
                return (jwk["kid"], rsa) if _bits(rsa) >= _FEWEST_RSA_BITS else None
            case "EC", "P-256":
                return jwk["kid"], ECKey.import_key(jwk)
            case "OKP", "Ed25519":
                return jwk["kid"], OKPKey.import_key(jwk)
            case _:
                return None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _bits(key: RSAKey) -> int:
    return key.public_key.key_size
