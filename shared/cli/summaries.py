"""Say in a few words what a Kafka record tells, without personal data: ids, dates, amounts and words of the language only."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from shared.events.envelope import Fact
from shared.events.registry import EVENT_TYPES
from shared.messaging.cloudevents import BrokenEvent, attributes_of
from shared.messaging.records import Record
from shared.texts import money

CONTROL = frozenset({"arrears.progress"})
NAMES = 8
WORDS = frozenset(
    [
        "account_id",
        "as_of_on",
        "attempt",
        "bucket",
        "cause",
        "channel",
        "channels",
        "currency",
        "due_on",
        "ended",
        "episode",
        "final",
        "from_bucket",
        "instalment_id",
        "jurisdiction",
        "kind",
        "outcome",
        "party",
        "partly",
        "payment_id",
        "point_id",
        "product",
        "promise_id",
        "promised_on",
        "purpose",
        "region",
        "right_party",
        "scope",
        "secured",
        "segment",
        "service",
        "stage",
        "step",
        "strategy",
        "template",
        "to_bucket",
        "until_on",
        "value_on",
        "oldest_due_on",
        "dpd",
        "due_at",
        "not_before",
        "not_after",
        "starts_at",
        "scheduled_on",
        "visit_id",
        "filing_id",
        "language",
    ]
)
"""Fields that hold ids, dates, numbers and words of the published language. Free text (reason, notes) is not among them."""
CODED = frozenset(
    {"step.skipped", "follow_up.cancelled", "contact.failed", "contact.refused", "case.parked"}
)
"""Types whose `reason` is a word of our own code, never what a person typed."""
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Line:
    """
    One record, told: `time` (UTC) is the event's own, or the broker's where it cannot be read; `customers` are
    those whom it concerns.
    """

    time: datetime
    topic: str
    partition: int
    offset: int
    type: str
    customer: str
    summary: str
    correlation: str = ""
    customers: frozenset[str] = frozenset()

    @property
    def control(self) -> bool:
        """Tell whether it is a control record, without a customer."""
        return self.type in CONTROL

    def as_json(self) -> dict[str, Any]:
        """Answer it as one JSON object."""
        return {
            "time": self.time,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "type": self.type,
            "customer": self.customer,
            "summary": self.summary,
            "correlation": self.correlation,
        }


def line_of(record: Record) -> Line:
    """Tell what the record says; one that cannot be decoded says so, and nothing of what it holds."""
    taken_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    place = (record.topic, record.partition, record.offset)
    try:
        attributes, payload = attributes_of(record)
        kind = attributes.get("type", "")
        if kind in CONTROL:
            offset = msgspec.json.decode(payload).get("offset")
            return Line(taken_at, *place, kind, "", f"core banking settled below {offset}")
        known = EVENT_TYPES.get(kind)
        if known is None:
            return Line(taken_at, *place, "?", "", "of a type that Arrears does not know")
        data = msgspec.json.decode(payload, type=known.model)
        time = datetime.fromisoformat(attributes["time"]).astimezone(UTC)
    except (BrokenEvent, msgspec.MsgspecError, ValueError, KeyError, AttributeError) as error:
        return Line(taken_at, *place, "?", "", f"cannot be decoded ({type(error).__name__})")
    ended: str | None = getattr(data, "from_customer_id", None)
    return Line(
        time,
        *place,
        kind,
        data.customer_id,
        summary(kind, data),
        attributes.get("correlationid", ""),
        frozenset({data.customer_id, ended or data.customer_id}),
    )


def summary(kind: str, data: Fact) -> str:
    """Say what a fact tells beyond its type and customer."""
    if (told := _TOLD.get(kind)) is not None:
        return told(data)
    reason = getattr(data, "reason", "") if kind in CODED else ""
    return ", ".join(filter(None, [_fields(data), reason if _CODE.fullmatch(reason) else ""]))


def _fields(data: Any) -> str:
    parts = []
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if value in (None, "", (), False):
            continue
        if name.endswith("_minor") and isinstance(value, int):
            currency = getattr(data, "currency", None)
            parts.append(
                f"{name.removesuffix('_minor')} "
                + (money(value, currency, "en") if currency else str(value))
            )
        elif name in WORDS and name != "currency":
            parts.append(f"{name.removesuffix('_id').replace('_', ' ')} {_word(value)}".strip())
    return ", ".join(parts[:NAMES])


def _word(value: Any) -> str:
    if value is True:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _amounts(amounts: Any) -> str:
    return " + ".join(money(each.amount_minor, each.currency, "en") for each in amounts)


def _customer_updated(data: Any) -> str:
    points = [f"{point.party} {point.kind}" for point in data.contact_points]
    return f"{len(points)} contact points: {', '.join(points)}" if points else "no contact point"


def _follow_up_due(data: Any) -> str:
    ways = ", ".join(choice.channel for choice in data.choices)
    step = f" {data.step}" if data.step else f" {data.purpose}" if data.purpose else ""
    return f"{data.kind}{step}" + (f" by {ways}" if ways else "")


def _missed(data: Any) -> str:
    amount = money(data.amount_minor, data.currency, "en")
    return f"{amount} of {data.account_id} was due on {data.due_on}"


def _received(data: Any) -> str:
    amount = money(data.amount_minor, data.currency, "en")
    return f"{amount} on {data.account_id}, value {data.value_on}"


_TOLD: Mapping[str, Callable[[Any], str]] = {
    "customer.updated": _customer_updated,
    "payment.missed": _missed,
    "payment.due": lambda data: (
        f"{money(data.amount_minor, data.currency, 'en')} of {data.account_id} falls due on {data.due_on}"
    ),
    "payment.received": _received,
    "case.opened": lambda data: (
        f"episode {data.episode}: {_amounts(data.overdue)} overdue, {data.dpd} days, {data.bucket}"
    ),
    "case.closed": lambda data: f"episode {data.episode}: {data.cause}",
    "case.merged": lambda data: f"goes on for {data.from_customer_id}",
    "customer.merged": lambda data: f"takes over {data.from_customer_id}",
    "bucket.changed": lambda data: (
        f"{data.from_bucket} to {data.to_bucket}, {data.dpd} days past due"
    ),
    "follow_up.due": _follow_up_due,
}
