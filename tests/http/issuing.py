"""An issuer of tokens with its JWKS behind HTTP, and a small application that lets its callers in."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx2
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from shared.clock import SteppedClock
from shared.http import problems
from shared.http.access import Caller, needs
from shared.http.access_tokens import Claims, Issuer, Verifier
from shared.http.authentication import NOBODY, Authentication
from shared.http.oidc import OidcKeys
from shared.http.rates import Buckets

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ISSUER = "https://issuer.bank.example"
KEYS = {
    "rsa": ("RS256", RSAKey.generate_key(2048, {"kid": "rsa"})),
    "ec": ("ES256", ECKey.generate_key("P-256", {"kid": "ec"})),
    "ed": ("Ed25519", OKPKey.generate_key("Ed25519", {"kid": "ed"})),
}
ANY = JWSRegistry(algorithms=list(JWSRegistry.algorithms), strict_check_header=False)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; None takes one out."""
    now = int(NOW.timestamp())
    good = {
        "iss": ISSUER,
        "aud": ["arrears", "other"],
        "sub": "person-7",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "roles": ["agent"],
        "regions": ["SH"],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(content: Any, kid: str = "ec", key: Any = None, **header: Any) -> str:
    """A token as an issuer (or somebody who would like to be one) makes it."""
    algorithm, own = KEYS.get(kid, KEYS["ec"])
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    return jws.serialize_compact(
        {"alg": algorithm, "kid": kid, "typ": "JWT", **header}, plain, key or own, registry=ANY
    )


class BanksIssuer:
    """`listed` are the keys that it publishes; `down` makes it answer nothing; `asked` counts."""

    def __init__(self) -> None:
        self.listed = [key.as_dict(private=False) for _, key in KEYS.values()]
        self.down = False
        self.asked = 0
        self.name = ISSUER
        self.jwks_url = f"{ISSUER}/keys"

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.down:
            raise httpx2.ConnectError("down", request=request)
        if request.url.path.endswith("/openid-configuration"):
            return httpx2.Response(200, json={"issuer": self.name, "jwks_uri": self.jwks_url})
        self.asked += 1
        return httpx2.Response(200, json={"keys": self.listed})

    def keys(self, clock: SteppedClock, **options: Any) -> OidcKeys:
        return OidcKeys(ISSUER, clock, transport=httpx2.MockTransport(self.answer), **options)


def guarded(issuer: BanksIssuer, clock: SteppedClock, **where: str) -> httpx2.AsyncClient:
    """A client of an application with one route, which says who called."""
    app = FastAPI()
    accepted = Issuer(ISSUER, "arrears", issuer.keys(clock), Claims(**where))
    app.add_middleware(
        Authentication,
        verifier=Verifier([accepted], clock),
        open_paths={"/livez": NOBODY},
        buckets=Buckets({"read": 9, "write": 9, "report": 9, "refused": 9}),
    )
    problems.install(app)

    @app.get("/whoami")
    async def whoami(caller: Annotated[Caller, needs("cases:read")]) -> dict[str, Any]:
        return {
            "subject": caller.subject,
            "roles": sorted(caller.roles),
            "regions": sorted(caller.regions),
        }

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://service")
