"""`arrears tail`: what a line says of each type, and that it never says personal data."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_origin

import msgspec
import pytest

from shared.cli.summaries import line_of, summary
from shared.cli.tailing import Wanted, begin_at
from shared.events.core_banking import (
    ContactPoint,
    CustomerMerged,
    CustomerUpdated,
    Jurisdiction,
    PaymentReversed,
)
from shared.events.notifier import ContactSent
from shared.events.registry import EVENT_TYPES, TYPE_OF
from shared.events.scheduler import Choice, FollowUpDue, StepSkipped
from shared.messaging.records import Record
from shared.testing import START, fact
from tests.database.support import missed, received, record

SECRET = "13800001111"


def told(data):
    return summary(TYPE_OF[type(data)], data)


def test_a_line_says_in_words_what_happened():
    assert told(missed()) == "CN¥50.00 of A1 was due on 2026-03-01"
    assert told(received()) == "CN¥50.00 on A1, value 2026-03-02"
    due = FollowUpDue(
        customer_id="C1", follow_up_id="f", kind="contact", step="sms_1",
        choices=(Choice(channel="sms", point_id="p", template="t"),),
    )  # fmt: skip
    assert told(due) == "contact sms_1 by sms"
    sent = ContactSent(
        customer_id="C1", follow_up_id="f", effect_id="e", channel="sms", point_id="p1",
        template="sms.first", episode=1, step="sms_1", attempt=1,
    )  # fmt: skip
    assert (
        told(sent) == "channel sms, point p1, template sms.first, episode 1, step sms_1, attempt 1"
    )


def test_a_reason_is_said_where_it_is_a_word_of_our_own():
    skipped = StepSkipped(customer_id="C1", episode=1, step="sms_1", reason="skipped_stale")
    assert told(skipped) == "episode 1, step sms_1, skipped_stale"
    reversed_ = PaymentReversed(
        customer_id="C1", payment_id="P1", account_id="A1", reason="said_so_on_the_phone"
    )
    assert told(reversed_) == "payment P1, account A1"


def test_a_customers_record_shows_kinds_of_points_and_no_value():
    point = ContactPoint(point_id="p", kind="mobile", value=SECRET, party="debtor")
    updated = CustomerUpdated(
        customer_id="C1", language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-31",
        jurisdiction=Jurisdiction(country="CN"), contact_points=(point,),
    )  # fmt: skip
    line = line_of(record(fact(updated, START), 7))
    assert line.summary == "1 contact points: debtor mobile"
    assert (line.customer, line.topic, line.offset) == ("C1", "core-banking", 7)
    assert SECRET not in str(line) + str(line.as_json())


def filled(kind: Any, name: str = "") -> Any:
    """A value of the type, with the secret in every free text."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None and str(origin).endswith("Literal"):
        return arguments[0]
    if hasattr(kind, "__metadata__"):
        pattern = next((meta.pattern for meta in kind.__metadata__ if meta.pattern), "")
        if pattern == r"^[A-Z]{3}$":
            return "CNY"
        return filled(arguments[0], name)
    if origin is tuple:
        return (filled(arguments[0], name),)
    if origin is dict or kind is dict:
        return {"note": SECRET}
    if arguments:  # a union
        return filled(next(each for each in arguments if each is not type(None)), name)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return build(kind)
    free = name in {"reason", "note", "notes", "value", "result", "comment", "text", "details"}
    plain = {
        str: SECRET if free else "CNY" if name == "currency" else "word",
        int: 5, bool: True, float: 1.0, date: date(2026, 3, 1), datetime: START,
    }  # fmt: skip
    return plain.get(kind, "word")


def build(model: type[msgspec.Struct]) -> Any:
    hints = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    return model(**{name: filled(kind, name) for name, kind in hints.items()})


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_no_summary_of_any_type_says_free_text(kind):
    data = build(EVENT_TYPES[kind].model)
    assert SECRET not in summary(kind, data)


def test_what_cannot_be_read_says_nothing_of_what_it_holds():
    line = line_of(Record("core-banking", 1, 2, b"k", f'{{"x":"{SECRET}"'.encode(), timestamp=0))
    assert line.type == "?"
    assert line.summary == "cannot be decoded (DecodeError)"
    odd = line_of(Record("core-banking", 1, 2, b"k", b"{}", (("ce_type", SECRET.encode()),), 0))
    assert SECRET not in str(odd)


def test_what_is_wanted():
    line = line_of(record(fact(missed("C1"), START), 0))
    assert Wanted().takes(line)
    assert Wanted("C1", "payment.*").takes(line)
    assert not Wanted("C2").takes(line)
    assert not Wanted("C1", "contact.*").takes(line)
    merged = CustomerMerged(customer_id="C1", from_customer_id="C9")
    assert Wanted("C9").takes(line_of(record(fact(merged, START), 0)))
    control = Record("scheduler", 0, 1, None, b'{"offset":7}', (("ce_type", b"arrears.progress"),))
    assert not Wanted().takes(line_of(control))
    assert Wanted(control=True).takes(line_of(control))
    assert line_of(control).summary == "core banking settled below 7"


def test_since_when():
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert begin_at("90m", now) == now - timedelta(minutes=90)
    assert begin_at("2d", now) == now - timedelta(days=2)
    assert begin_at("2026-03-05T09:30:00+08:00", now) == datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
    for wrong in ("yesterday", "2026-03-05T09:30:00", "5"):
        with pytest.raises(ValueError, match="takes 10m"):
            begin_at(wrong, now)
