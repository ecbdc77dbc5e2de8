"""Events as lines: written canonically, read strictly, every refusal with its reason and its field."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.core_banking import CustomerMerged, PaymentMissed
from shared.events.envelope import Event
from shared.events.instants import in_utc
from shared.events.jsonl import LineError, read_line, write_line
from shared.events.registry import EVENT_TYPES
from shared.events.scheduler import FollowUpDue
from shared.testing import fact

AT = datetime(2026, 3, 1, 22, tzinfo=UTC)
MISSED = PaymentMissed(
    customer_id="C1",
    account_id="A1",
    instalment_id="客户 1",
    due_on=date(2026, 2, 25),
    amount_minor=1200,
    currency="CNY",
)
LINE = write_line(fact(MISSED, AT, event_id="e1", source="/bank"))


def changed(**fields):
    """LINE with envelope fields changed; `data__x` changes data, ... leaves out."""
    event = json.loads(LINE)
    for name, value in fields.items():
        target, key = (event["data"], name[6:]) if name.startswith("data__") else (event, name)
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return json.dumps(event).encode()


def refusal(line):
    with pytest.raises(LineError) as caught:
        read_line(line)
    return caught.value.reason, caught.value.field


def test_a_line_is_canonical_json():
    assert LINE.decode() == (
        '{"data":{"account_id":"A1","amount_minor":1200,"currency":"CNY","customer_id":"C1",'
        '"due_on":"2026-02-25","instalment_id":"客户 1"},"dataschema":"urn:arrears:payment.missed:1",'
        '"id":"e1","source":"/bank","specversion":"1.0","subject":"C1",'
        '"time":"2026-03-01T22:00:00Z","type":"payment.missed"}\n'
    )


def test_what_was_written_reads_back_and_writes_the_same_bytes():
    event = read_line(LINE)
    assert (event.data, event.time, event.subject) == (MISSED, AT, "C1")
    assert write_line(event) == LINE


def test_extensions_are_kept():
    event = msgspec.structs.replace(read_line(LINE), causationid="c", traceparent="00-1")
    assert read_line(write_line(event)) == event


def test_instants_come_back_in_utc_whatever_zone_they_were_written_in():
    line = changed(time="2026-03-02T06:00:00+08:00", data__as_of="2026-03-02T05:00:00+08:00")
    event = read_line(line)
    assert (event.time, event.data.as_of) == (AT, AT - timedelta(hours=1))
    assert (event.time.tzinfo, event.data.as_of.tzinfo) == (UTC, UTC)
    shanghai = timezone(timedelta(hours=8))
    moved = msgspec.structs.replace(event, time=event.time.astimezone(shanghai))
    assert b'"time":"2026-03-01T22:00:00Z"' in write_line(moved)


def test_instants_deep_in_a_fact_come_back_in_utc_too():
    """A permit stands within a choice within a step: written in another zone it is the same permit, in the same bytes."""
    permit = {
        "permit_id": "L1", "channel": "sms", "point_id": "P1",
        "not_before": "2026-03-02T09:30:00+08:00", "not_after": "2026-03-02T13:00:00Z",
    }  # fmt: skip
    choices = [{"channel": "sms", "point_id": "P1", "template": "t", "permit": permit}]
    due = {"customer_id": "C1", "follow_up_id": "F1", "kind": "contact", "choices": choices}
    read = in_utc(FollowUpDue)(msgspec.convert(due, FollowUpDue))
    assert read is in_utc(FollowUpDue)(read)
    permit = read.choices[0].permit
    assert (permit.not_before, permit.not_after.tzinfo) == (
        datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
        UTC,
    )


def test_every_instant_of_every_event_is_looked_at():
    """Whatever shape a later event takes: a container that in_utc does not look into must not hold an instant."""

    def instants(of):
        match of:
            case msgspec.inspect.DateTimeType():
                return 1
            case msgspec.inspect.StructType(fields=fields):
                return sum(instants(field.type) for field in fields)
            case _:
                inner = [getattr(of, name, None) for name in ("item_type", "value_type")]
                several = [*getattr(of, "types", ()), *getattr(of, "item_types", ())]
                return sum(instants(i) for i in (*inner, *several) if i is not None)

    looked_into = (
        msgspec.inspect.VarTupleType | msgspec.inspect.ListType | msgspec.inspect.DictType
        | msgspec.inspect.UnionType | msgspec.inspect.StructType | msgspec.inspect.DateTimeType
    )  # fmt: skip

    def strangers(of, name):
        if instants(of) and not isinstance(of, looked_into):
            yield name, of
        if (
            isinstance(of, msgspec.inspect.UnionType)
            and sum(map(bool, map(instants, of.types))) > 1
        ):
            yield name, of
        for field in getattr(of, "fields", ()):
            yield from strangers(field.type, name)

    entries = [(e.name, msgspec.inspect.type_info(e.model)) for e in EVENT_TYPES.values()]
    assert [found for name, of in entries for found in strangers(of, name)] == []
    for entry in EVENT_TYPES.values():
        of = msgspec.inspect.type_info(entry.model)
        assert (in_utc(entry.model) is not None) == bool(instants(of)), entry.name


def test_fields_that_we_do_not_know_are_tolerated_and_an_absent_schema_means_the_first():
    assert read_line(changed(data__new="x", partitionkey="y", dataschema=...)).data == MISSED


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [
        (b"", "bad_json", ""),
        (LINE[:-5], "bad_json", ""),
        (b"\xff\xfe", "bad_json", ""),
        (LINE + LINE, "bad_json", ""),
        (b"[" * 100_000, "schema", ""),
        (b'{"data":' + b"[" * 100_000, "bad_json", ""),
        (b"null", "schema", ""),
        (changed(type="payment.forgotten"), "unknown_type", "type"),
        (changed(type=...), "schema", "type"),
        (changed(id=""), "schema", "id"),
        (changed(specversion="0.3"), "schema", "specversion"),
        (changed(time="2026-03-01T22:00:00"), "schema", "time"),
        (changed(time="0001-01-01T00:00:00+14:00"), "schema", "time"),
        (changed(data=3), "schema", "data"),
        (changed(data__amount_minor="12"), "schema", "data.amount_minor"),
        (changed(data__amount_minor=-1), "schema", "data.amount_minor"),
        (changed(data__due_on=...), "schema", "data.due_on"),
        (changed(data__due_on="2026-02-30"), "schema", "data.due_on"),
        (changed(data__as_of="2026-02-01T10:00:00"), "schema", "data.as_of"),
        (changed(data__components={"fees": 1.5}), "schema", "data.components.fees"),
        (changed(data__instalment_id="a\0b"), "schema", "data.instalment_id"),
        (changed(source="/b\0"), "schema", "source"),
        (changed(dataschema="urn:arrears:payment.missed:2"), "schema", "dataschema"),
        (changed(subject="C2"), "key_mismatch", "subject"),
        (changed(data__customer_id="C2"), "key_mismatch", "subject"),
        (
            changed(subject="13800138000", data__customer_id="13800138000"),
            "personal_id",
            "data.customer_id",
        ),
        (changed(subject="13800138000"), "personal_id", "subject"),
    ],
)
def test_a_line_that_is_wrong_is_refused_with_the_reason_and_the_field(line, reason, field):
    assert refusal(line) == (reason, field)


def test_the_ended_customer_of_a_merger_must_not_be_a_number_either():
    merged = CustomerMerged(customer_id="C1", from_customer_id="+8613800138000")
    assert refusal(write_line(fact(merged))) == ("personal_id", "data.from_customer_id")


def test_no_refusal_repeats_the_number_it_refuses():
    for line in (changed(subject="13800138000"), changed(data__customer_id="13800138000")):
        with pytest.raises(LineError) as caught:
            read_line(line)
        assert "13800138000" not in str(caught.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_an_event_or_a_line_error(line):
    try:
        event = read_line(line)
    except LineError:
        return
    assert isinstance(event, Event)
