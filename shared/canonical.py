"""Write values as canonical JSON, so that equal values have equal bytes: digests of states, policies and payloads."""

from hashlib import sha256
from typing import Any

import msgspec


def _plain(value: Any) -> Any:
    """Answer what msgspec cannot write itself: pydantic models as plain JSON values."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"{type(value).__name__} has no canonical form")


_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=_plain)


def canonical(value: Any) -> bytes:
    """Answer *value* as JSON with sorted keys, without spaces, UTF-8; sets are sorted too."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """Answer the SHA-256 of the canonical JSON, in hex: the same for equal states on every machine."""
    return sha256(canonical(value)).hexdigest()
