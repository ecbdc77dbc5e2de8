"""
Seal the contact values of `customer.updated` before Kafka, and open them at the notifier's border (ADR 0014).

A sealed value is `enc:1:<key id>:<base64>`: AES-SIV over the value, bound to customer, point and kind. It is deterministic, so
that an event which is sent again has the same bytes and is known as a repeat by services that cannot open it. For teams of
core banking: `seal_event(event, envelope)` before publishing; time zones of telephone numbers are filled in, because
behind the seal nobody can derive them.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha512
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec.structs import replace

from shared.border import PointValue, strip
from shared.events.core_banking import CustomerUpdated
from shared.events.envelope import Event

MARK = "enc:1:"
LONGEST_VALUE = 512
"""The most characters of a value in clear."""
_KEY_BYTES = 32


class NotOpened(ValueError):
    """A value that cannot be opened here: the message says why, without the value."""


class Envelope:
    """
    The keys shared with the publishers, by id; the first one seals.

    `required`: a value in clear is refused (production). An envelope without keys opens nothing.
    """

    def __init__(self, keys: Mapping[str, bytes], *, required: bool = False) -> None:
        for key_id, key in keys.items():
            if len(key) != _KEY_BYTES or not key_id.isalnum():
                raise ValueError(
                    f"an envelope key is ID=BASE64 of {_KEY_BYTES} bytes, the id letters and digits"
                )
        self.required = required
        self._ciphers = {
            key_id: AESSIV(hmac.digest(key, b"arrears envelope siv", sha512))
            for key_id, key in keys.items()
        }

    @classmethod
    def from_text(cls, text: str, *, required: bool = False) -> Self:
        """Read `id=base64,id=base64` (ARREARS_ENVELOPE_KEYS); raises ValueError."""
        keys = {}
        for part in filter(None, map(str.strip, text.split(","))):
            key_id, _, encoded = part.partition("=")
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError("an envelope key must be base64") from None
        return cls(keys, required=required)

    def seal(self, customer_id: str, point: PointValue) -> str:
        """Answer the sealed value under the first key; a sealed one comes back as it is. Raises ValueError without keys."""
        if point.value.startswith(MARK):
            return point.value
        if not self._ciphers:
            raise ValueError("set ARREARS_ENVELOPE_KEYS to ID=BASE64 of 32 random bytes")
        key_id, cipher = next(iter(self._ciphers.items()))
        sealed = cipher.encrypt(point.value.encode(), _bound(customer_id, point))
        return f"{MARK}{key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, customer_id: str, point: PointValue) -> PointValue:
        """Answer *point* with its value in clear. Raises NotOpened."""
        if not point.value.startswith(MARK):
            if self.required:
                raise NotOpened("is in clear; the publisher must seal it")
            return point
        key_id, _, encoded = point.value.removeprefix(MARK).partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise NotOpened("is sealed under a key that is not in ARREARS_ENVELOPE_KEYS")
        try:
            plain = cipher.decrypt(
                base64.b64decode(encoded, validate=True), _bound(customer_id, point)
            )
            value = plain.decode()
        except (InvalidTag, ValueError):
            raise NotOpened("cannot be opened: another customer's, point's or kind's") from None
        if len(value) > LONGEST_VALUE:
            raise NotOpened(f"is longer than {LONGEST_VALUE} characters")
        return PointValue(point.point_id, point.kind, value, point.country)


def is_sealed(value: str) -> bool:
    """Tell whether a value says that it is sealed."""
    return value.startswith(MARK)


def seal_event(event: Event, envelope: Envelope) -> Event:
    """Answer *event* with its contact values sealed and time zones filled in; other events as they are."""
    if not isinstance(event.data, CustomerUpdated):
        return event
    stripped, values = strip(event.data)
    sealed = {value.point_id: envelope.seal(event.subject, value) for value in values}
    points = tuple(
        replace(point, value=sealed.get(point.point_id, "")) for point in stripped.contact_points
    )
    return replace(event, data=replace(stripped, contact_points=points))


def _bound(customer_id: str, point: PointValue) -> list[bytes]:
    return [b"customer.updated", customer_id.encode(), point.point_id.encode(), point.kind.encode()]
