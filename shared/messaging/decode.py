"""Turn Kafka records into events and back: CloudEvents 1.0, binary and structured mode. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from shared.border import PointValue, strip_event
from shared.canonical import canonical
from shared.events.common import PROGRESS, Progress
from shared.events.envelope import Event, Fact, Instant
from shared.events.personal_numbers import refused_field, refused_value
from shared.events.registry import EVENT_TYPES, EventType
from shared.messaging.cloudevents import (
    BrokenEvent,
    attribute_trouble,
    attributes_of,
    explain,
    headers_of,
    rfc3339,
)
from shared.messaging.partitions import customer_of, partition_of
from shared.messaging.records import Record
from shared.privacy.envelope import Envelope, NotOpened

_STORABLE_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_TIME = msgspec.json.Decoder(Instant)
_PROGRESS = msgspec.json.Decoder(Progress)


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    An event with its contact values taken out. `payload` is the data as canonical JSON;
    `misplaced` tells that the record lies in another partition than its key belongs to.
    """

    record: Record
    event: Event
    payload: bytes
    values: tuple[PointValue, ...] = ()
    misplaced: bool = False


@dataclass(frozen=True, slots=True)
class ProgressMade:
    """The scheduler saved every core-banking record of `partition` below `offset`."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """A type that nobody here reacts to."""


@dataclass(frozen=True, slots=True)
class Broken:
    """
    A record that cannot be decided: `reason` is a code, `field` what is wrong, `detail` one sentence
    without any value of the record. `customer_id` is "" where it is not known or not usable.
    """

    record: Record
    reason: str
    field: str
    detail: str
    customer_id: str = ""

    @property
    def error(self) -> str:
        """Say it in one line."""
        return f"{self.field}: {self.detail}" if self.field else self.detail


IGNORED: Final = Ignored()
Outcome = Decoded | ProgressMade | Ignored | Broken


class _Model:
    """How one type is decoded; made once per type."""

    def __init__(self, entry: EventType) -> None:
        self.entry = entry
        self.decoder = msgspec.json.Decoder(entry.model)
        fields = msgspec.structs.fields(entry.model)
        self.instants = tuple(f.name for f in fields if _holds_instant(f.type))
        self.schemas = {"", entry.dataschema} | {
            f"urn:arrears:{entry.name}:{n}" for n in range(1, entry.version)
        }

    def decode(self, data: bytes) -> Fact:
        """Decode, with every instant in UTC: equal instants are equal bytes behind the border."""
        fact = self.decoder.decode(data)
        for name in self.instants:
            instant = getattr(fact, name)
            if instant is not None and instant.tzinfo is not UTC:
                fact = replace(fact, **{name: instant.astimezone(UTC)})
        return fact


def _holds_instant(annotation: Any) -> bool:
    return annotation is datetime or any(
        _holds_instant(inner) for inner in getattr(annotation, "__args__", ())
    )


_MODELS = {name: _Model(entry) for name, entry in EVENT_TYPES.items()}


class Decoder:
    """
    Decodes the records of one service: the types in `wanted`, and progress; `partitions` is each topic's count.

    `envelope` opens contact values, where they are stored; other services leave them sealed.
    """

    def __init__(
        self, wanted: frozenset[str], *, partitions: int, envelope: Envelope | None = None
    ) -> None:
        self._wanted = wanted | {PROGRESS}
        self._envelope = envelope
        self._partitions = partitions

    def decode(self, record: Record, *, oldest: datetime, latest: datetime) -> Outcome:
        """Decode one record; its time must lie in [oldest, latest] (UTC). Never raises for what a record holds."""
        customer_id = ""
        try:
            attributes, data = attributes_of(record)
            kind = attributes.get("type", "")
            if kind not in self._wanted:
                if not kind:
                    raise BrokenEvent("schema", "type", "is missing")
                return IGNORED
            if kind == PROGRESS:
                return ProgressMade(record.partition, _PROGRESS.decode(data).offset)
            customer_id, refused = customer_of(record.key or b"")
            if refused:
                raise BrokenEvent("personal_id" if "looks" in refused else "schema", "key", refused)
            event, values, payload = _event(attributes, data)
            if values and self._envelope is not None:
                values = opened(event.subject, values, self._envelope)
            _check_place(event, customer_id, record.topic)
            if not oldest <= event.time <= latest:
                raise BrokenEvent("time", "time", _time_trouble(event.time, oldest))
            misplaced = partition_of(customer_id, self._partitions) != record.partition
            return Decoded(record, event, payload, values, misplaced)
        except BrokenEvent as error:
            reason, field, detail = error.reason, error.field, error.detail
        except msgspec.ValidationError as error:
            reason, (field, detail) = "schema", explain(error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason, field, detail = "bad_json", "", "the record is not valid JSON in UTF-8"
        return Broken(
            record, reason, field, detail, customer_id or customer_of(record.key or b"")[0]
        )


def _time_trouble(time: datetime, oldest: datetime) -> str:
    if time < oldest:
        return "is older than the oldest month of the inbox"
    return "lies more than 5 minutes in the future"


def _check_place(event: Event, customer_id: str, topic: str) -> None:
    if not event.subject:
        raise BrokenEvent("schema", "subject", "is missing")
    if event.subject != customer_id or event.data.customer_id != customer_id:
        raise BrokenEvent("key_mismatch", "key", "key, subject and data.customer_id differ")
    if topic not in EVENT_TYPES[event.type].topics:
        raise BrokenEvent("wrong_topic", "type", f"{event.type} does not belong on topic {topic}")


def _event(
    attributes: Mapping[str, str], data: bytes
) -> tuple[Event, tuple[PointValue, ...], bytes]:
    get = attributes.get
    kind, identity, source, time = (
        get("type", ""),
        get("id", ""),
        get("source", ""),
        get("time", ""),
    )
    for name, text in (("id", identity), ("source", source), ("time", time), ("data", data)):
        if not text:
            raise BrokenEvent("schema", name, "is missing")
    if trouble := attribute_trouble(attributes.values()):
        raise BrokenEvent("schema", "id", trouble)
    model = _MODELS[kind]
    if (schema := get("dataschema", "")) not in model.schemas:
        raise BrokenEvent(
            "schema", "dataschema", f"is not known; this code knows {model.entry.dataschema}"
        )
    try:
        instant: datetime = _TIME.decode(f'"{time}"'.encode())
    except msgspec.MsgspecError:
        raise BrokenEvent("schema", "time", "is not an RFC 3339 instant with a time zone") from None
    event = Event(
        id=identity,
        source=source,
        type=kind,
        subject=get("subject", ""),
        time=instant if instant.tzinfo is UTC else instant.astimezone(UTC),
        data=model.decode(data),
        dataschema=schema,
        causationid=get("causationid", ""),
        correlationid=get("correlationid", ""),
        traceparent=get("traceparent", ""),
    )
    event, values = strip_event(event)
    payload = storable(event.data)
    refuse_personal(event, values, payload)
    return event, values, payload


def storable(data: Fact) -> bytes:
    """Answer the data as canonical JSON; raises BrokenEvent for U+0000, which PostgreSQL's JSON cannot hold."""
    payload = canonical(data)
    if b"\\u0000" in payload and _STORABLE_NUL.search(payload):
        raise BrokenEvent("schema", "data", "a text holds U+0000")
    return payload


def refuse_personal(event: Event, values: tuple[PointValue, ...], payload: bytes) -> None:
    """Raise BrokenEvent where a card or identity card number stands in a text, an id or a contact value."""
    field, held = refused_field(payload, (("id", event.id), ("source", event.source)))
    if held:
        raise BrokenEvent("personal_id", field, held)
    for value in values:
        if held := refused_value(value.kind, value.value):
            raise BrokenEvent("personal_id", "data.contact_points.value", held)


def opened(
    customer_id: str, values: tuple[PointValue, ...], envelope: Envelope
) -> tuple[PointValue, ...]:
    """Open contact values; raises BrokenEvent for one that cannot be, is in clear and must not, or holds a card number."""
    found = []
    for value in values:
        try:
            point = envelope.open(customer_id, value)
        except NotOpened as error:
            raise BrokenEvent("not_sealed", "data.contact_points.value", str(error)) from None
        if held := refused_value(point.kind, point.value):
            raise BrokenEvent("personal_id", "data.contact_points.value", held)
        found.append(point)
    return tuple(found)


def from_stored(kind: str, payload: bytes | str) -> Fact:
    """Decode data that the shell stored itself (inbox, parking)."""
    return _MODELS[kind].decode(payload.encode() if isinstance(payload, str) else payload)


def encode(event: Event) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Answer key, value and headers of *event* in binary mode."""
    return event.subject.encode(), canonical(event.data), headers_of(event.type, {
        "id": event.id, "source": event.source, "subject": event.subject,
        "time": rfc3339(event.time), "causationid": event.causationid,
        "correlationid": event.correlationid, "traceparent": event.traceparent,
    })  # fmt: skip
