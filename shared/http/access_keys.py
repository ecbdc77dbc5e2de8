"""Where the public keys of an issuer come from: the development key, or (OIDC) the issuer's JWKS."""

from shared.clock import Clock
from shared.development_tokens import AUDIENCE, ISSUER, read_key
from shared.http.access_tokens import Claims, Issuer, PublicKey
from shared.http.oidc import OidcKeys
from shared.production import allowed
from shared.settings import Settings


class FixedKeys:
    """Keys that never change while the process runs."""

    def __init__(self, keys: dict[str, PublicKey]) -> None:
        self._keys = keys

    async def find(self, kid: str) -> PublicKey | None:
        """Answer the key *kid*, if it is known."""
        return self._keys.get(kid)


def issuers_of(settings: Settings, clock: Clock) -> list[Issuer]:
    """Answer whose tokens the settings accept; raises ValueError for a malformed development key."""
    issuers = []
    if settings.oidc_issuer:
        keys = OidcKeys(
            settings.oidc_issuer,
            clock,
            jwks_url=settings.oidc_jwks_url,
            https_only=settings.mode == "production"
            and "plaintext-issuer" not in allowed(settings.allow),
        )
        claims = Claims(settings.roles_claim, settings.regions_claim, settings.portfolios_claim)
        issuers.append(Issuer(settings.oidc_issuer, settings.oidc_audience, keys, claims))
    if jwk := settings.dev_key.get_secret_value():
        key = read_key(jwk)
        issuers.append(Issuer(ISSUER, AUDIENCE, FixedKeys({key.kid or "": key})))
    return issuers
