"""Read and write events as lines: one structured-mode CloudEvent, in canonical JSON, on each line."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from shared.events.core_banking import CustomerMerged, CustomerUpdated
from shared.events.envelope import Event, Fact, utc
from shared.events.identifiers import personal
from shared.events.instants import in_utc
from shared.events.personal_numbers import refused_fact, refused_value
from shared.events.registry import EVENT_TYPES

Reason = Literal["bad_json", "unknown_type", "schema", "key_mismatch", "personal_id"]
Text = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]
PLACE = re.compile(r"^(?P<what>.*?)(?: - at (?:key in )?`\$(?P<path>.*)`)?$", re.DOTALL)
ABSENT = re.compile(r"missing required field `(?P<name>[^`]+)`")
NUL = b"\\u0000"


class LineError(ValueError):
    """
    A line that is not an event of ours: `reason` is one of Reason, `field` the path that is wrong
    (for example `data.amount_minor`; empty where it is the whole line), `detail` says how.
    """

    def __init__(self, reason: Reason, detail: str, field: str = "") -> None:
        super().__init__(f"{reason}: {field}: {detail}" if field else f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.field = field


class _Read(msgspec.Struct):
    """The envelope with its data still undecoded: the type says how to decode it."""

    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Text
    subject: Text
    time: Annotated[datetime, Meta(tz=True)]
    data: msgspec.Raw
    dataschema: str = ""
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""


class _Written(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event as it is written; extensions that say nothing are left out."""

    causationid: str = ""
    correlationid: str = ""
    data: Fact
    dataschema: str
    id: str
    source: str
    specversion: str
    subject: str
    time: datetime
    traceparent: str = ""
    type: str


_ENCODER = msgspec.json.Encoder(order="sorted")
_ENVELOPE = msgspec.json.Decoder(_Read)
_DATA = {name: msgspec.json.Decoder(entry.model) for name, entry in EVENT_TYPES.items()}
_IN_UTC = {name: in_utc(entry.model) for name, entry in EVENT_TYPES.items()}
_SCHEMAS = {name: ("", entry.dataschema) for name, entry in EVENT_TYPES.items()}


def write_line(event: Event) -> bytes:
    """
    Answer *event* as a line, with its line feed: keys sorted, UTF-8, instants in UTC with a Z.

    Equal events give equal bytes; raises KeyError for a type that is not in the registry.
    """
    line = _Written(
        causationid=event.causationid,
        correlationid=event.correlationid,
        data=event.data,
        dataschema=event.dataschema or EVENT_TYPES[event.type].dataschema,
        id=event.id,
        source=event.source,
        specversion="1.0",
        subject=event.subject,
        time=utc(event.time),
        traceparent=event.traceparent,
        type=event.type,
    )
    return _ENCODER.encode(line) + b"\n"


def read_line(line: bytes) -> Event:
    """
    Decode one line, with or without its line feed; instants come back in UTC.

    Fields that we do not know are ignored. Raises LineError for anything that is missing, wrong or
    not to be kept: an unknown type, a subject that is not the customer, a customer_id that is a
    telephone, identity card or payment card number.
    """
    read = _envelope(line)
    data, time = _data(read)
    _check_key(read.subject, data)
    _refuse_numbers(read, data)
    return Event(
        id=read.id,
        source=read.source,
        type=read.type,
        subject=read.subject,
        time=time,
        data=data,
        dataschema=read.dataschema,
        causationid=read.causationid,
        correlationid=read.correlationid,
        traceparent=read.traceparent,
    )


def _envelope(line: bytes) -> _Read:
    if NUL in line:
        _refuse_nul(line)
    try:
        read = _ENVELOPE.decode(line)
    except msgspec.ValidationError as error:
        raise _schema_error(error, "") from None
    except (ValueError, RecursionError) as error:
        raise LineError("bad_json", str(error)) from None
    schemas = _SCHEMAS.get(read.type)
    if schemas is None:
        raise LineError("unknown_type", f"no event of ours is called {read.type!r}", "type")
    if read.dataschema not in schemas:
        raise LineError("schema", f"expected {schemas[1]}, got {read.dataschema!r}", "dataschema")
    return read


def _data(read: _Read) -> tuple[Fact, datetime]:
    """Decode the data by its type; answer it and the event's time, instants in UTC."""
    try:
        data = _DATA[read.type].decode(read.data)
        time = read.time if read.time.tzinfo is UTC else utc(read.time)
        mend = _IN_UTC[read.type]
        return (data if mend is None else mend(data)), time
    except msgspec.ValidationError as error:
        raise _schema_error(error, "data") from None
    except OverflowError:
        raise LineError("schema", "an instant beyond the calendar", "time") from None
    except (ValueError, RecursionError) as error:
        raise LineError("bad_json", str(error), "data") from None


def _check_key(subject: str, data: Fact) -> None:
    _refuse_personal(data.customer_id, "data.customer_id")
    if subject != data.customer_id:
        _refuse_personal(subject, "subject")
        raise LineError("key_mismatch", "is not data.customer_id", "subject")
    if isinstance(data, CustomerMerged):
        _refuse_personal(data.from_customer_id, "data.from_customer_id")


def _refuse_numbers(read: _Read, data: Fact) -> None:
    """Refuse card and identity card numbers wherever they may not stand; a contact value is judged by its kind."""
    if isinstance(data, CustomerUpdated) and data.contact_points:
        for point in data.contact_points:
            if held := refused_value(point.kind, point.value):
                raise LineError("personal_id", held, "data.contact_points.value")
        data = replace(
            data, contact_points=tuple(replace(point, value="") for point in data.contact_points)
        )
    field, held = refused_fact(data, (("id", read.id), ("source", read.source)))
    if held:
        raise LineError("personal_id", held, field)


def _refuse_personal(customer_id: str, field: str) -> None:
    kind = personal(customer_id)
    if kind is not None:  # the message must not repeat it
        raise LineError("personal_id", f"looks like {kind}", field)


def _schema_error(error: msgspec.ValidationError, prefix: str) -> LineError:
    match = PLACE.match(str(error))
    assert match is not None, "the pattern matches any text"
    what = match["what"]
    path = (match["path"] or "").lstrip(".")
    absent = ABSENT.search(what)
    parts = (prefix, path, absent["name"] if absent else "")
    return LineError(
        "schema", "missing" if absent else what, ".".join(part for part in parts if part)
    )


def _refuse_nul(line: bytes) -> None:
    """Refuse a NUL character in any text: PostgreSQL cannot store it."""
    try:
        found = _nul_at(msgspec.json.decode(line), "")
    except (ValueError, RecursionError) as error:
        raise LineError("bad_json", str(error)) from None
    if found is not None:
        raise LineError("schema", "holds a NUL character", found)


def _nul_at(value: Any, path: str) -> str | None:
    match value:
        case str():
            return path if "\0" in value else None
        case dict():
            parts = [
                (text, f"{path}.{key}".lstrip(".")) for key in value for text in (key, value[key])
            ]
        case list():
            parts = [(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case _:
            return None
    return next((found for part, at in parts if (found := _nul_at(part, at)) is not None), None)
