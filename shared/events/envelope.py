"""The envelope of every event: CloudEvents 1.0, with Arrears' extensions."""

from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

AmountMinor = Annotated[int, Meta(ge=0, le=10**15)]
"""Money in minor units of its currency (fen, cents); always beside a `currency`."""
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code."""
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An identifier given by another system: one line of printable text."""
Instant = Annotated[datetime, Meta(tz=True)]
"""An aware instant; RFC 3339 on the wire, normalised to UTC when decoded."""
DateOn = date
"""A business date in the creditor's time zone."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of an event: something that happened, about one customer."""

    customer_id: Name


class Woken(Fact, frozen=True, kw_only=True):
    """
    A tick: the case is due, look at it. Decisions to act are taken on a tick only.

    `fresh` is False while facts of core banking may still wait in the queue: such a tick may only
    withdraw, and leaves `wake_at` as it is.
    """

    fresh: bool = True


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """
    One decoded event.

    `time` is when the source recorded the fact (UTC; the same on every re-send, never back-dated);
    (source, id) identify it. `subject` is the customer.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Fact
    dataschema: str = ""
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""


def utc(instant: datetime) -> datetime:
    """Answer the same instant in UTC; raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone, for example 2026-03-01T09:30:00Z")
    return instant.astimezone(UTC)
