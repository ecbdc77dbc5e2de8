"""Keys of the vault, in memory: the master keys, the customers' data keys that they wrap, and the keyed hashes. Pure but for random bytes."""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b, sha256
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.privacy.envelope import Envelope

KEY_BYTES = 32
_NONCE_BYTES = 12
_MASTER = b"\x02"
"""Sealed under a master key: this byte, the master's id in 4 bytes, nonce, ciphertext."""
_CUSTOMER = b"\x03"
"""Sealed under a customer's data key: this byte, nonce, ciphertext. Before there were bytes: nonce, ciphertext."""
_ID_BYTES = 4


class SealBroken(RuntimeError):
    """The stored bytes do not belong to this key, table, column and row: wrong key, or somebody moved them."""


class Forgotten(SealBroken):
    """The customer was forgotten: the key is gone, and nobody can read the bytes any more."""


class DataKey:
    """The key of one customer: seals and opens that customer's values, each at its place only."""

    __slots__ = ("_cipher", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._cipher = AESGCM(raw)

    @classmethod
    def new(cls) -> Self:
        """Make a key of 32 random bytes."""
        return cls(os.urandom(KEY_BYTES))

    def seal(self, table: str, column: str, row: str, plain: bytes) -> bytes:
        """Encrypt *plain* so that it opens with this key at this table, column and row only."""
        return _CUSTOMER + _encrypt(self._cipher, place(table, column, row), plain)

    def open(self, table: str, column: str, row: str, sealed: bytes) -> bytes:
        """Decrypt what seal() answered; raises SealBroken."""
        plain = self.opened(table, column, row, sealed)
        if plain is None:
            raise SealBroken(f"{table}.{column} of {row!r} cannot be decrypted")
        return plain

    def opened(self, table: str, column: str, row: str, sealed: bytes) -> bytes | None:
        """Decrypt what seal() answered, or answer None: what was sealed before there were such keys may look alike."""
        if not under_customer_key(sealed):
            return None
        return _decrypt(self._cipher, place(table, column, row), sealed[1:])


class Keys:
    """
    The master keys and what is derived from them.

    `key` wraps and seals; `others` (old masters, or ones to come) only open. `hash_key` must outlive every
    master, because hashes are compared with those of years ago; without one it is derived from `key`.
    `envelope` opens what the publishers sealed.
    """

    def __init__(
        self,
        key: bytes,
        others: Sequence[bytes] = (),
        hash_key: bytes | None = None,
        envelope: Envelope | None = None,
    ) -> None:
        for each in (key, *others, *([hash_key] if hash_key is not None else [])):
            if len(each) != KEY_BYTES:
                raise ValueError(f"a key of the vault must have {KEY_BYTES} bytes, not {len(each)}")
        self._ciphers = {_id(each): AESGCM(_derived(each, b"cipher")) for each in (key, *others)}
        self.master = _id(key)
        self.envelope = envelope or Envelope({})
        self.hash_key = hash_key or _derived(key, b"hash")
        self._lookup_key = hmac.digest(self.hash_key, b"arrears vault lookup", sha256)

    @classmethod
    def from_base64(
        cls,
        text: str,
        others: Iterable[str] = (),
        hash_key: str = "",
        envelope: Envelope | None = None,
    ) -> Self:
        """Read keys of 32 bytes from base64; raises ValueError."""
        read = [_read(each) for each in (text, *others)]
        return cls(read[0], read[1:], _read(hash_key) if hash_key else None, envelope)

    @property
    def masters(self) -> frozenset[int]:
        """The ids of the masters that this process knows; an id is derived from its key."""
        return frozenset(self._ciphers)

    def seal(self, table: str, column: str, row: str, plain: bytes) -> bytes:
        """Encrypt under the current master, for what belongs to no customer, so that it opens at this place only."""
        cipher = self._ciphers[self.master]
        head = _MASTER + self.master.to_bytes(_ID_BYTES)
        return head + _encrypt(cipher, place(table, column, row), plain)

    def open(self, table: str, column: str, row: str, sealed: bytes) -> bytes:
        """Decrypt what seal() answered under any master known here, also before versions; raises SealBroken."""
        where = place(table, column, row)
        if sealed[:1] == _MASTER:
            cipher = self._ciphers.get(int.from_bytes(sealed[1 : 1 + _ID_BYTES]))
            plain = None if cipher is None else _decrypt(cipher, where, sealed[1 + _ID_BYTES :])
            if plain is not None:
                return plain
        for cipher in self._ciphers.values():  # a nonce may begin with any byte
            if (plain := _decrypt(cipher, where, sealed)) is not None:
                return plain
        raise SealBroken(f"{table}.{column} of {row!r} cannot be decrypted")

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether *sealed* says that it stands under the current master."""
        return sealed.startswith(_MASTER + self.master.to_bytes(_ID_BYTES))

    def wrap(self, customer_id: str, key: DataKey) -> bytes:
        """Encrypt a customer's key under the current master, for that customer's row only."""
        where = place("keys", "wrapped", customer_id)
        return _encrypt(self._ciphers[self.master], where, key.raw)

    def unwrap(self, customer_id: str, wrapped: bytes, master: int) -> DataKey:
        """Decrypt a customer's key; raises SealBroken for a master that is not known here, and for moved bytes."""
        cipher = self._ciphers.get(master)
        if cipher is None:
            raise SealBroken(
                f"the key of {customer_id!r} is wrapped by master {master}, which is not among "
                "ARREARS_VAULT_KEY and ARREARS_VAULT_OLD_KEYS"
            )
        raw = _decrypt(cipher, place("keys", "wrapped", customer_id), wrapped)
        if raw is None:
            raise SealBroken(f"the key of {customer_id!r} cannot be unwrapped")
        return DataKey(raw)

    def hash(self, data: bytes) -> bytes:
        """Answer a keyed hash of 16 bytes: equal for equal data, and of no use without the key."""
        return blake2b(data, digest_size=16, key=self.hash_key).digest()

    def lookup(self, normal: str) -> bytes:
        """Answer the keyed hash by which a normalised value is found (shared/vault/normal.py)."""
        return hmac.digest(self._lookup_key, normal.encode(), sha256)[:16]


def under_customer_key(sealed: bytes) -> bool:
    """Tell whether *sealed* may stand under its customer's data key: one nonce in 256 of the time before says so, too."""
    return sealed[:1] == _CUSTOMER


def place(table: str, column: str, row: str) -> bytes:
    """Name a place in the database: what a ciphertext is bound to."""
    return f"{table}\x1f{column}\x1f{row}".encode()


def _encrypt(cipher: AESGCM, where: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, where)


def _decrypt(cipher: AESGCM, where: bytes, sealed: bytes) -> bytes | None:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], where)
    except (InvalidTag, ValueError):
        return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"arrears vault " + purpose, sha256)


def _id(key: bytes) -> int:
    """Answer the id of a master: 31 bits of a hash, so that nobody can number one key twice or two keys alike."""
    return int.from_bytes(_derived(key, b"id")[:_ID_BYTES]) >> 1


def _read(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a key of the vault must be base64") from None
