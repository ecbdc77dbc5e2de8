"""Records become events, or a reason that names the field and never the value."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from shared.border import strip, strip_event
from shared.canonical import canonical, digest
from shared.events.common import PROGRESS
from shared.events.core_banking import ContactPoint, CustomerUpdated, Jurisdiction
from shared.messaging.decode import Broken, Decoded, Decoder, Ignored, ProgressMade, encode
from shared.messaging.outbox import OutboxRow, to_kafka
from shared.messaging.partitions import murmur2
from shared.messaging.records import Record
from shared.testing import START, fact
from tests.database.support import PARTITIONS, missed, record

DECODER = Decoder(
    frozenset({"payment.missed", "customer.updated", "follow_up.due"}), partitions=PARTITIONS
)
PHONE = "13800138000"


def decode(item: Record):
    return DECODER.decode(
        item, oldest=START - timedelta(days=60), latest=START + timedelta(minutes=5)
    )


def changed(**headers: bytes | None) -> Record:
    """A good record with some of its headers replaced, or left out where None."""
    good = record(fact(missed()), 0)
    merged = dict(good.headers) | {f"ce_{name}": value for name, value in headers.items()}
    return replace(good, headers=tuple((n, v) for n, v in merged.items() if v is not None))


def structured(**fields) -> Record:
    event = fact(missed())
    line = msgspec.json.decode(msgspec.json.encode(event)) | {"specversion": "1.0"} | fields
    return Record("core-banking", 0, 0, b"C1", msgspec.json.encode(line))


def test_binary_and_structured_mode_give_the_same_event():
    event = fact(missed())
    binary, line = decode(record(event, 0)), decode(structured())
    assert isinstance(binary, Decoded)
    assert isinstance(line, Decoded)
    assert binary.event.data == line.event.data == event.data
    assert binary.payload == line.payload == canonical(event.data)
    assert (binary.event.id, binary.event.time) == (event.id, event.time)


def test_a_published_row_is_read_back_as_it_was_decided():
    event = fact(missed(), event_id="E1")
    row = OutboxRow(
        "E1", "core-banking", "C1", event.type, canonical(event.data).decode(), event.time
    )
    key, value, headers = to_kafka(row)
    found = decode(Record("core-banking", 0, 0, key, value, tuple(headers)))
    assert found.event.data == event.data
    assert (found.event.time, found.event.source) == (START, "/services/core-banking")


@pytest.mark.parametrize(
    ("item", "reason", "error"),
    [
        (changed(id=None), "schema", "id: is missing"),
        (changed(source=None), "schema", "source: is missing"),
        (changed(time=None), "schema", "time: is missing"),
        (changed(type=None), "schema", "data.type: is missing"),
        (changed(subject=None), "schema", "subject: is missing"),
        (changed(specversion=b"0.3"), "schema", "specversion: is not 1.0"),
        (changed(time=b"2026-03-02T01:30:00"), "schema", "time: is not an RFC 3339 instant"),
        (changed(time=b"2020-03-02T01:30:00Z"), "time", "time: is older than the oldest month"),
        (changed(time=b"2026-03-02T01:36:00Z"), "time", "time: lies more than 5 minutes in the"),
        (changed(dataschema=b"urn:arrears:payment.missed:9"), "schema", "dataschema: is not known"),
        (changed(subject=b"C2"), "key_mismatch", "key: key, subject and data.customer_id differ"),
        (changed(id=b"a\x1fb"), "schema", "id: an attribute holds a control character"),
        (changed(id=b"\xff"), "bad_json", "the record is not valid JSON in UTF-8"),
        (replace(changed(), key=b"C2"), "key_mismatch", "key: key, subject and"),
        (replace(changed(), key=None), "schema", "key: must be 1 to 128 printable characters"),
        (
            replace(changed(), key=PHONE.encode()),
            "personal_id",
            "key: looks like a telephone number",
        ),
        (replace(changed(), topic="legal"), "wrong_topic", "type: payment.missed does not belong"),
        (replace(changed(), value=None), "schema", "data: is missing"),
        (replace(changed(), value=b"{"), "bad_json", "the record is not valid JSON"),
        (replace(changed(), value=b'{"x":' + b"[" * 99999), "bad_json", "the record is not valid"),
        (replace(changed(), value=b"{}"), "schema", "data.due_on: is missing"),
        (structured(subject=5), "schema", "subject: Expected `str`, got `int`"),
        (structured(data=None), "schema", "data: Expected `object`, got `null`"),
        (replace(structured(), value=None), "schema", "data: is missing"),
    ],
)
def test_what_is_wrong_is_named(item, reason, error):
    found = decode(item)
    assert isinstance(found, Broken)
    assert found.reason == reason
    assert error.removeprefix("data.type").removeprefix("data.due_on") in found.error


def test_a_wrong_value_is_never_repeated_in_the_reason():
    data = updated(ContactPoint(point_id="P1", kind="mobile", value=PHONE, party="debtor"))
    good = record(fact(data), 0)
    found = decode(replace(good, value=good.value.replace(b'"debtor"', b'"13800138000"')))
    assert found.error == "data.contact_points[0].party: Invalid enum value"


def test_unknown_types_and_unknown_fields_are_tolerated():
    assert isinstance(decode(changed(type=b"payment.dreamt")), Ignored)
    assert isinstance(decode(changed(type=b"payment.received")), Ignored)
    extra = replace(changed(), value=changed().value.replace(b"{", b'{"nickname":"Li",', 1))
    found = decode(extra)
    assert b"nickname" not in found.payload


def test_an_instant_in_another_zone_is_the_same_bytes():
    data = missed()
    item = record(fact(data), 0)
    here = decode(replace(item, value=item.value[:-1] + b',"as_of":"2026-03-02T09:30:00+08:00"}'))
    assert here.event.data.as_of.tzinfo is UTC
    assert b'"as_of":"2026-03-02T01:30:00Z"' in here.payload


def test_a_text_that_postgresql_cannot_hold_is_refused():
    good = record(fact(updated()), 0)
    assert isinstance(decode(good), Decoded)
    nul = decode(replace(good, value=good.value.replace(b'"region":"', b'"region":"\\u0000')))
    assert (nul.reason, nul.error) == ("schema", "data: a text holds U+0000")
    fine = decode(replace(good, value=good.value.replace(b'"region":"', b'"region":"\\\\u0000')))
    assert isinstance(fine, Decoded)


def test_progress_is_a_control_record_without_a_key():
    row = OutboxRow("", "scheduler", "", PROGRESS, '{"offset":12}', START, partition=3)
    key, value, headers = to_kafka(row)
    assert key is None
    assert decode(Record("scheduler", 3, 0, key, value, tuple(headers))) == ProgressMade(3, 12)


@given(st.binary(max_size=40))
def test_the_partition_is_the_one_that_java_computes(key):
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_no_bytes_whatever_raise(value, header):
    for item in (
        replace(changed(), value=value),
        changed(time=header, id=header),
        changed(type=header),
        Record("core-banking", 0, 0, header, value),
    ):
        assert decode(item) is not None


def updated(*points: ContactPoint, zones: tuple[str, ...] = ("Asia/Tokyo",)) -> CustomerUpdated:
    return CustomerUpdated(
        customer_id="C1", language="en", time_zones=zones, region="R",
        jurisdiction=Jurisdiction(country="US"), contact_points=points,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "zones", "expected"),
    [
        ("mobile", "+8613800138000", (), ("Asia/Shanghai",)),
        ("landline", "(212) 555-0123", (), ("America/New_York",)),
        ("mobile", "token-17", (), ("Asia/Tokyo",)),
        ("email", "li@example.com", (), ("Asia/Tokyo",)),
        ("mobile", "+8613800138000", ("Europe/Paris",), ("Europe/Paris",)),
        ("mobile", "", (), ("Asia/Tokyo",)),
    ],
)
def test_a_point_without_zones_gets_its_numbers_or_the_customers(kind, value, zones, expected):
    point = ContactPoint(point_id="P1", kind=kind, value=value, zones=zones, party="debtor")
    stripped, values = strip(updated(point))
    assert stripped.contact_points[0].zones == expected
    assert stripped.contact_points[0].value == ""
    assert [item.value for item in values] == ([value] if value else [])
    assert strip(stripped) == (stripped, ())
    assert value not in repr(values) or not value


def test_tokens_with_zones_give_the_same_bytes_as_values():
    def point(value):
        return ContactPoint(
            point_id="P1", kind="mobile", value=value, zones=("Asia/Shanghai",), party="debtor"
        )

    real, token = (strip_event(fact(updated(point(v)), event_id="E"))[0] for v in (PHONE, "t1"))
    assert encode(real) == encode(token)


def test_equal_values_have_equal_digests():
    assert digest({"b": 1, "a": datetime(2026, 1, 1, tzinfo=UTC)}) == digest(
        {"a": datetime(2026, 1, 1, tzinfo=UTC), "b": 1}
    )
    assert canonical(missed()).startswith(b'{"account_id":"A1","amount_minor":5000')
