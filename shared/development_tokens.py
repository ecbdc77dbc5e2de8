"""
The development key and the tokens that it signs: for `arrears up`, the demo and tests, never for production.

The key is a JWK (ES256) kept beside the vault's key. Services get its public half (ARREARS_DEV_KEY); who may
read the folder holds the private one, and is whoever `arrears token` says.
"""

import json
from collections.abc import Collection
from datetime import timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from shared.clock import Clock

ISSUER = "arrears-development"
AUDIENCE = "arrears"
LONGEST = timedelta(days=400)


def new_key() -> str:
    """Make a key; answers the private JWK as JSON."""
    return json.dumps(ECKey.generate_key("P-256").as_dict(private=True), sort_keys=True)


def read_key(jwk: str) -> ECKey:
    """Read a private or public JWK on the curve P-256; raises ValueError."""
    try:
        key = ECKey.import_key(json.loads(jwk))
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("it is no JWK of the kind EC") from None
    if key.curve_name != "P-256":
        raise ValueError("it is on another curve than P-256")
    key.ensure_kid()
    return key


def public_half(jwk: str) -> str:
    """Answer what a service needs of *jwk* to verify; raises ValueError."""
    return json.dumps(read_key(jwk).as_dict(private=False), sort_keys=True)


def development_token(
    jwk: str,
    clock: Clock,
    roles: Collection[str],
    *,
    subject: str = "developer",
    regions: Collection[str] = (),
    portfolios: Collection[str] = (),
    valid_for: timedelta = timedelta(hours=12),
) -> str:
    """Sign a token; raises ValueError for a key without its private half and for more than 400 days."""
    key = read_key(jwk)
    if not key.is_private:
        raise ValueError("ARREARS_DEV_KEY is the public half; signing needs the private one")
    if not timedelta() < valid_for <= LONGEST:
        raise ValueError(f"a development token is valid for at most {LONGEST.days} days")
    now = clock.now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": int(now.timestamp()),
        "exp": int((now + valid_for).timestamp()),
        "roles": sorted(roles),
        "regions": sorted(regions),
        "portfolios": sorted(portfolios),
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
