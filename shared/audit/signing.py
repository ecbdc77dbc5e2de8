"""Sign the daily roots with Ed25519 (RFC 8032), and check signatures with every public key that is known."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES = 32
_LABEL = b"arrears audit signing key"


class Signer:
    """The private key of one installation; `key_id` names its public half in every root that it signed."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"the key must have {SEED_BYTES} bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    def sign(self, message: bytes) -> bytes:
        """Answer the signature, 64 bytes."""
        return self._key.sign(message)


def signer_from(audit_key: str, vault_key: str) -> Signer:
    """
    Make the signer of *audit_key* (base64 of 32 bytes), or in development of a key derived from *vault_key*.

    Raises ValueError for what is no such key.
    """
    if audit_key:
        return Signer(_decoded(audit_key))
    return Signer(hmac.digest(_decoded(vault_key), _LABEL, sha256))


def key_id_of(public: bytes) -> str:
    """Answer the name of a public key: the first half of its SHA-256, in hex."""
    return sha256(public).hexdigest()[:32]


def known_keys(own: bytes, others: str) -> Mapping[str, bytes]:
    """Answer public keys by their id: our own, and *others* (base64, commas between) that signed before; raises ValueError."""
    publics: Iterable[bytes] = [own, *(_decoded(text) for text in others.split(",") if text)]
    return {key_id_of(public): public for public in publics}


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether the signature over *message* is the key's."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise ValueError("a key must be base64") from None
    if len(found) != SEED_BYTES:
        raise ValueError(f"a key must have {SEED_BYTES} bytes, not {len(found)}")
    return found
