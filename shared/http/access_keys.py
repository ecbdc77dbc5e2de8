"""Where the public keys of an issuer come from: the development key, or (OIDC) the issuer's JWKS."""

from shared.development_tokens import AUDIENCE, ISSUER, read_key
from shared.http.access_tokens import Issuer, PublicKey
from shared.settings import Settings


class FixedKeys:
    """Keys that never change while the process runs."""

    def __init__(self, keys: dict[str, PublicKey]) -> None:
        self._keys = keys

    async def find(self, kid: str) -> PublicKey | None:
        """Answer the key *kid*, if it is known."""
        return self._keys.get(kid)


def issuers_of(settings: Settings) -> list[Issuer]:
    """Answer whose tokens the settings accept; raises ValueError for a malformed development key."""
    issuers = []
    if jwk := settings.dev_key.get_secret_value():
        key = read_key(jwk)
        issuers.append(Issuer(ISSUER, AUDIENCE, FixedKeys({key.kid or "": key})))
    return issuers
