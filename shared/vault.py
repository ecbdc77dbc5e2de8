"""The vault: contact values, encrypted and bound to their row; everything else holds point ids only."""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.border import PointValue

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(RuntimeError):
    """The stored bytes do not belong to this key, table, column and row: wrong key, or somebody moved them."""


class Keys:
    """What is derived from the vault's one key: a cipher for values, and a keyed hash to compare them by."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the vault's key must have {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(hmac.digest(key, b"arrears vault cipher", sha256))
        self._hash_key = hmac.digest(key, b"arrears vault hash", sha256)

    @classmethod
    def from_base64(cls, text_: str) -> Self:
        """Read a key of 32 bytes from base64; raises ValueError."""
        try:
            return cls(base64.b64decode(text_, validate=True))
        except binascii.Error:
            raise ValueError("the vault's key must be base64") from None

    def seal(self, table: str, column: str, row: str, plain: bytes) -> bytes:
        """Encrypt *plain* so that it opens at this table, column and row only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _place(table, column, row))

    def open(self, table: str, column: str, row: str, sealed: bytes) -> bytes:
        """Decrypt what seal() answered; raises SealBroken."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, _place(table, column, row))
        except (InvalidTag, ValueError):
            raise SealBroken(f"{table}.{column} of {row!r} cannot be decrypted") from None

    def hash(self, data: bytes) -> bytes:
        """Answer a keyed hash of 16 bytes: equal for equal data, and of no use without the key."""
        return blake2b(data, digest_size=16, key=self._hash_key).digest()


def _place(table: str, column: str, row: str) -> bytes:
    return f"{table}\x1f{column}\x1f{row}".encode()


@dataclass(frozen=True, slots=True)
class Deposit:
    """The values of one `customer.updated`, with the time and id that decide which is the later."""

    customer_id: str
    time: datetime
    event_id: str
    values: tuple[PointValue, ...]


_STORE = text("""
    INSERT INTO vault.points (customer_id, point_id, kind, value, time, event_id)
    SELECT * FROM unnest(
        CAST(:customers AS text[]), CAST(:points AS text[]), CAST(:kinds AS text[]),
        CAST(:values AS bytea[]), CAST(:times AS timestamptz[]), CAST(:events AS text[]))
    ON CONFLICT (customer_id, point_id) DO UPDATE
    SET kind = excluded.kind, value = excluded.value, time = excluded.time, event_id = excluded.event_id
    WHERE (points.time, points.event_id) < (excluded.time, excluded.event_id)
""")

_VALUE = text("SELECT value FROM vault.points WHERE customer_id = :customer AND point_id = :point")


class VaultWriter:
    """Stores values; only the notifier's shell has one."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def store(self, tx: AsyncConnection, deposits: Iterable[Deposit]) -> None:
        """Store in the caller's transaction; for one point the later (time, id) wins, whatever the order."""
        latest: dict[tuple[str, str], tuple[datetime, str, PointValue]] = {}
        for deposit in deposits:
            for point in deposit.values:
                place = (deposit.customer_id, point.point_id)
                before = latest.get(place)
                if before is None or before[:2] < (deposit.time, deposit.event_id):
                    latest[place] = (deposit.time, deposit.event_id, point)
        if not latest:
            return
        places = sorted(latest)
        rows = [latest[place] for place in places]
        await tx.execute(
            _STORE,
            {
                "customers": [customer for customer, _ in places],
                "points": [point for _, point in places],
                "kinds": [value.kind for _, _, value in rows],
                "values": [
                    self._keys.seal(
                        "points", "value", f"{customer}\x1f{point}", value.value.encode()
                    )
                    for (customer, point), (_, _, value) in zip(places, rows, strict=True)
                ],
                "times": [time for time, _, _ in rows],
                "events": [event_id for _, event_id, _ in rows],
            },
        )


class VaultReader:
    """Reads values, one at a time, when an effect is about to leave."""

    def __init__(self, keys: Keys, engine: AsyncEngine) -> None:
        self._keys = keys
        self._engine = engine

    async def value(self, customer_id: str, point_id: str) -> str | None:
        """Answer the value of a contact point; None while it is not there (yet). Raises SealBroken."""
        async with self._engine.connect() as connection:
            sealed = await connection.scalar(_VALUE, {"customer": customer_id, "point": point_id})
        if sealed is None:
            return None
        return self._keys.open("points", "value", f"{customer_id}\x1f{point_id}", sealed).decode()
