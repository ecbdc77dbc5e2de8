"""Chain rows: each link is the hash of the link before and of everything in the row, so that no row changes alone. Pure.

A link says: SHA-256 over label, previous link, the columns as a JSON array, and the text column that comes last. The
JSON array ends itself, the label and the previous link have fixed lengths: no two rows give the same bytes.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

LINK_BYTES = 32
NO_LINK = b""
"""What stands before the first row of a chain."""

_FIRST = bytes(LINK_BYTES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def micros(instant: datetime) -> int:
    """Answer the instant as PostgreSQL keeps it: whole microseconds since 1970, UTC, whatever zone it is written in."""
    return (instant - _EPOCH) // _MICROSECOND


def link(label: bytes, previous: bytes, columns: tuple[Any, ...], text: bytes) -> bytes:
    """
    Answer the link of a row (32 bytes). *previous* is the link of the row before, or NO_LINK.

    *label* says which table and which form of hashing this is, and has the same length for all rows of a table.
    """
    return sha256(label + (previous or _FIRST) + _encode(columns) + text).digest()
