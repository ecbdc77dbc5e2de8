"""Make arrivals of events: which cases an event goes to, under which key, and the digest that tells a repeat from a reuse. Pure."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from uuid import UUID, uuid5

from msgspec.structs import replace

from shared.border import PointValue, strip_event
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.registry import EVENT_TYPES
from shared.ids import event_key
from shared.messaging.cloudevents import BrokenEvent, attribute_trouble
from shared.messaging.decode import Decoded, refuse_personal, storable
from shared.messaging.partitions import customer_of
from shared.messaging.records import Arrival
from shared.vault import Keys


def payload_digest(
    event: Event, payload: bytes, values: tuple[PointValue, ...], keys: Keys
) -> bytes:
    """
    Answer 16 bytes that are equal for repeats and differ for another content under the same id.

    Contact values enter by their keyed hash. The time of a fact that came by HTTP is when it was first
    received, so it is not a part of what the caller said.
    """
    content = blake2b(payload, digest_size=16)
    content.update(f"\x1f{event.type}\x1f{event.subject}".encode())
    if EVENT_TYPES[event.type].topics:
        content.update(event.time.isoformat().encode())
    for value in values:
        content.update(f"\x1f{value.point_id}\x1f{value.kind}\x1f".encode())
        content.update(keys.hash(value.value.encode()))
    return content.digest()


def key_for(event: Event) -> UUID:
    """Answer the inbox key of *event* for the case of its subject."""
    key = event_key(event.source, event.id)
    if isinstance(event.data, CustomerMerged) and event.subject != event.data.customer_id:
        return uuid5(key, event.subject)
    return key


def arrivals_of(decoded: Decoded, keys: Keys) -> Iterator[Arrival]:
    """
    Yield the arrival at the case of the key, and of a merger also the one at the case that ends.

    Raises BrokenEvent when the customer that ends has an id that must not be used.
    """
    event, record = decoded.event, decoded.record
    digest = payload_digest(event, decoded.payload, decoded.values, keys)
    for received in _for_each_case(event):
        yield Arrival(
            event=received,
            customer_id=received.subject,
            event_key=key_for(received),
            payload=decoded.payload,
            payload_digest=digest,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            record=record,
            values=decoded.values,
        )


def _for_each_case(event: Event) -> tuple[Event, ...]:
    data = event.data
    if not isinstance(data, CustomerMerged) or data.from_customer_id == data.customer_id:
        return (event,)
    _, refused = customer_of(data.from_customer_id.encode())
    if refused:
        raise BrokenEvent("personal_id", "data.from_customer_id", refused)
    return event, replace(event, subject=data.from_customer_id)


def fact_arrival(event: Event, keys: Keys, *, oldest: datetime, latest: datetime) -> Arrival:
    """Make the arrival of a fact that came by HTTP; raises BrokenEvent, whose message names the field."""
    _, refused = customer_of(event.subject.encode())
    if refused:
        raise BrokenEvent("personal_id", "subject", refused)
    if event.data.customer_id != event.subject:
        raise BrokenEvent("key_mismatch", "subject", "subject and data.customer_id differ")
    if event.time.tzinfo is None or not oldest <= event.time <= latest:
        raise BrokenEvent("time", "time", "is not an instant between the oldest month kept and now")
    texts = (event.id, event.source, event.causationid, event.correlationid, event.traceparent)
    if trouble := attribute_trouble(texts) or (
        "is missing" if not (event.id and event.source) else ""
    ):
        raise BrokenEvent("schema", "id", trouble)
    stripped, values = strip_event(event)
    payload = storable(stripped.data)
    refuse_personal(stripped, values, payload)
    return Arrival(
        event=stripped,
        customer_id=event.subject,
        event_key=event_key(event.source, event.id),
        payload=payload,
        payload_digest=payload_digest(stripped, payload, values, keys),
        values=values,
    )
