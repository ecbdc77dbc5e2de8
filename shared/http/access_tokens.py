"""
Verify a bearer token and say who calls. What is wrong is a reason code, for the log and the tests; never the token.

The rules: RFC 8725 (algorithms by allow-list, the key's type fits the algorithm, issuer and audience always
checked) and RFC 7519 (exp, nbf, iat), with 60 s of skew between the machines' clocks.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from joserfc import jws
from joserfc.errors import BadSignatureError, InvalidKeyTypeError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from typing_extensions import override

from shared.clock import Clock
from shared.http.access import Caller
from shared.http.roles import scopes_of

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
"""Signatures by a private key that we never hold; EdDSA and its newer name (RFC 9864) are one algorithm."""
SKEW_SECONDS = 60
LONGEST_TOKEN = 8 * 1024
LONGEST_SUBJECT = 128
MOST_NAMED = 1000
"""Roles, regions or portfolios in one token."""

PublicKey = RSAKey | ECKey | OKPKey

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_RENAMED = {"EdDSA": "Ed25519"}


class _Registry(JWSRegistry):
    """joserfc warns of the name EdDSA (RFC 9864); issuers use it, and the algorithm behind it is Ed25519."""

    @override
    def get_alg(self, name: str) -> Any:
        return super().get_alg(_RENAMED.get(name, name))


_JWS = _Registry(algorithms=ALGORITHMS, strict_check_header=False)
_JWS.max_header_length = 2048


class TokenRefused(Exception):
    """The token is not accepted; `reason` is a code without anything of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had: nothing can be said about the token."""


class KeySource(Protocol):
    """Where the public keys of an issuer come from."""

    async def find(self, kid: str) -> PublicKey | None: ...


@dataclass(frozen=True, slots=True)
class Claims:
    """Where a token says roles, regions and portfolios: a claim's name, or a path of names with dots."""

    roles: str = "roles"
    regions: str = "regions"
    portfolios: str = "portfolios"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are accepted: its name (claim iss), what its tokens must be meant for, and its keys."""

    name: str
    audience: str
    keys: KeySource
    claims: Claims = Claims()


class Verifier:
    """Verifies tokens of the given issuers by *clock* (the machine's: a stepped run steps no token)."""

    def __init__(self, issuers: Collection[Issuer], clock: Clock) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._clock = clock

    async def verify(self, token: str) -> Caller:
        """Answer the caller that *token* names; raises TokenRefused, KeysUnavailable."""
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("too_large")
        if not _COMPACT.fullmatch(token):
            raise TokenRefused("malformed")
        encoded_header, encoded_claims, _ = token.split(".")
        header, unverified = _object(_decode(encoded_header)), _object(_decode(encoded_claims))
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefused("algorithm")
        if "crit" in header:
            raise TokenRefused("critical_header")
        issuer = self._issuers.get(_text(unverified.get("iss")))
        if issuer is None:
            raise TokenRefused("issuer")
        kid = _text(header.get("kid"))
        key = await issuer.keys.find(kid) if kid else None
        if key is None:
            raise TokenRefused("unknown_key")
        claims = _object(_signed(token, header["alg"], key))
        self._check(claims, issuer)
        return _caller(claims, issuer.claims)

    def _check(self, claims: Mapping[str, Any], issuer: Issuer) -> None:
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefused("audience")
        now = self._clock.now().timestamp()
        if _instant(claims, "exp") <= now - SKEW_SECONDS:
            raise TokenRefused("expired")
        if _instant(claims, "iat") > now + SKEW_SECONDS:
            raise TokenRefused("issued_in_future")
        if "nbf" in claims and _instant(claims, "nbf") > now + SKEW_SECONDS:
            raise TokenRefused("not_yet_valid")


def _decode(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRefused("malformed") from None


def _object(encoded: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(encoded, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise TokenRefused("malformed") from None


def _signed(token: str, algorithm: str, key: PublicKey) -> bytes:
    """Answer the claims as they were signed."""
    if key.alg and _RENAMED.get(key.alg, key.alg) != _RENAMED.get(algorithm, algorithm):
        raise TokenRefused("algorithm")
    try:
        return jws.deserialize_compact(token, key, registry=_JWS).payload
    except BadSignatureError:
        raise TokenRefused("signature") from None
    except InvalidKeyTypeError:
        raise TokenRefused("algorithm") from None
    except (JoseError, ValueError, TypeError):
        raise TokenRefused("malformed") from None


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"no_{name}")
    return value


def _caller(claims: Mapping[str, Any], where: Claims) -> Caller:
    subject = _text(claims.get("sub"))
    if not subject or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("no_subject")
    roles = _names(claims, where.roles)
    return Caller(
        subject=subject,
        roles=roles,
        scopes=scopes_of(roles),
        regions=_names(claims, where.regions),
        portfolios=_names(claims, where.portfolios),
    )


def _names(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """Read a list of names; a claim of another shape is refused, because leaving it out could widen the reach."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return frozenset()
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or len(listed) > MOST_NAMED:
        raise TokenRefused("claims")
    if not all(isinstance(each, str) for each in listed):
        raise TokenRefused("claims")
    return frozenset(listed)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
