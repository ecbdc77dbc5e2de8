"""CloudEvents 1.0 on Kafka: where a record keeps its attributes, and what is wrong with them. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from shared.events.registry import EVENT_TYPES
from shared.messaging.partitions import CONTROL
from shared.messaging.records import Record

LONGEST = 512
"""The most characters of an attribute."""


class BrokenEvent(ValueError):
    """An event that breaks the contract; the message never repeats a value."""

    def __init__(self, reason: str, field: str, detail: str) -> None:
        super().__init__(f"{reason}: {field}: {detail}" if field else f"{reason}: {detail}")
        self.reason = reason
        self.field = field
        self.detail = detail


class _Structured(msgspec.Struct):
    """A structured-mode CloudEvent; what is required is checked where binary mode's is."""

    type: str = ""
    id: str = ""
    source: str = ""
    subject: str = ""
    time: str = ""
    dataschema: str = ""
    specversion: str = "1.0"
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""
    data: msgspec.Raw = msgspec.Raw()


_STRUCTURED = msgspec.json.Decoder(_Structured)
_ATTRIBUTES = tuple(name for name in _Structured.__struct_fields__ if name != "data")
_HEADERS = {f"ce_{name}": name for name in _ATTRIBUTES} | {"traceparent": "traceparent"}


def attributes_of(record: Record) -> tuple[Mapping[str, str], bytes]:
    """Answer the CloudEvents attributes and the data's bytes, whichever mode the record is in."""
    headers = dict(record.headers)
    if "ce_type" in headers:
        if "ce_specversion" in headers and headers["ce_specversion"] != b"1.0":
            raise BrokenEvent("schema", "specversion", "is not 1.0")
        names = _HEADERS
        return (
            {names[k]: v.decode() for k, v in headers.items() if k in names},
            record.value or b"",
        )
    if record.value is None:
        raise BrokenEvent("schema", "data", "is missing")
    return _structured(record.value)


def traceparent_of(record: Record) -> str:
    """Answer the trace context in a record's headers, undecoded otherwise; "" for none."""
    headers = dict(record.headers)
    found = headers.get("traceparent") or headers.get("ce_traceparent") or b""
    return found.decode("ascii", "replace")


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    try:
        line = _STRUCTURED.decode(value)
    except msgspec.ValidationError as error:
        field, detail = explain(error)
        raise BrokenEvent("schema", field.removeprefix("data").lstrip("."), detail) from None
    if line.specversion != "1.0":
        raise BrokenEvent("schema", "specversion", "is not 1.0")
    return {name: text for name in _ATTRIBUTES if (text := getattr(line, name))}, bytes(line.data)


def explain(error: msgspec.ValidationError) -> tuple[str, str]:
    """Answer the path of the wrong field and what is wrong with it, without the value that stands there."""
    detail, _, path = str(error).partition(" - at `")
    field = f"data{path.rstrip('`')[1:]}" if path else "data"
    if missing := re.search(r"missing required field `(\w+)`", detail):
        field, detail = f"{field}.{missing[1]}", "is missing"
    return field, re.sub(r"^(Invalid [\w ]+ value) .*", r"\1", detail)


def attribute_trouble(texts: Iterable[str]) -> str:
    """Answer why attributes must be refused, or "": CloudEvents forbids control characters in them."""
    texts = tuple(texts)
    if CONTROL.search("".join(texts)):
        return "an attribute holds a control character"
    if max(map(len, texts)) > LONGEST:
        return f"an attribute is longer than {LONGEST} characters"
    return ""


def headers_of(kind: str, attributes: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Answer the headers of a binary-mode record; empty attributes are left out."""
    headers = [("ce_specversion", b"1.0"), ("ce_type", kind.encode())]
    if (entry := EVENT_TYPES.get(kind)) is not None:
        headers.append(("ce_dataschema", entry.dataschema.encode()))
    headers += [(f"ce_{name}", text.encode()) for name, text in attributes.items() if text]
    if traceparent := attributes.get("traceparent"):
        # where W3C's own propagators look for it, beside CloudEvents' extension
        headers.append(("traceparent", traceparent.encode()))
    headers.append(("content-type", b"application/json"))
    return headers


def rfc3339(instant: datetime) -> str:
    """Write an instant as everywhere on the wire: UTC, with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
