"""What goes into the shell and what comes out of it; plain values, no Kafka and no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.border import PointValue
from shared.events.envelope import Event


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, still undecoded; `timestamp` is the broker's, in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


@dataclass(slots=True)
class Arrival:
    """
    One event on its way to one customer's case.

    Facts that came by HTTP have topic "" and partition and offset -1. `customer_id` is the case that it goes
    to: the subject, or the customer that ends in a merger. `payload` is the stripped data as JSON. `case_seq`,
    `now` and `fate` are filled under the case's lock: whether the inbox knew it, and with the same content;
    `link` when its row is written.
    """

    event: Event
    customer_id: str
    event_key: UUID
    payload: bytes
    payload_digest: bytes
    topic: str = ""
    partition: int = -1
    offset: int = -1
    record: Record | None = None
    values: tuple[PointValue, ...] = ()
    case_seq: int = 0
    now: datetime | None = None
    fate: Literal["", "new", "repeated", "reused"] = ""
    link: bytes = b""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """
    What one batch came to: records handed in, events `decided`, `repeated`, `quarantined`, `parked`
    (queued behind a parked customer), `ignored`; fused `ticks` decided; rows `published` to the outbox
    (control records not counted); `effects` started; records whose partition is not their key's.
    """

    records: int = 0
    decided: int = 0
    repeated: int = 0
    quarantined: int = 0
    parked: int = 0
    ignored: int = 0
    ticks: int = 0
    published: int = 0
    effects: int = 0
    misplaced: int = 0
    progress: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TickResult:
    """
    What a round of ticks came to: cases `decided`, rows `published`, `effects` started.

    `more` says that the round was full: call again at once.
    """

    decided: int = 0
    published: int = 0
    effects: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class FactResult:
    """
    What became of a fact handed in by HTTP: `new` (accepted, also when it waits behind a parked customer),
    `repeated` (accepted before, nothing changed), `conflict` (another body under the same key: answer 422),
    `refused` (cannot be taken: `reason` says which field).
    """

    status: Literal["new", "repeated", "conflict", "refused"]
    reason: str = ""
