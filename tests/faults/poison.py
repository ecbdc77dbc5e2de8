"""Records that no service can decide, of each sort that a publisher's mistakes bring about; and a sender for raw bytes."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from shared.clock import SystemClock
from shared.messaging.cloudevents import rfc3339
from shared.messaging.kafka import close_client, open_client

LARGEST = 64 * 1024 * 1024
CORE_BANKING = "core-banking"


@dataclass(frozen=True)
class Poison:
    """One record, and the reason that quarantine must give for it ("": it is to be ignored, and kept nowhere)."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    reason: str
    topic: str = CORE_BANKING


@dataclass
class Sent:
    """Where each record came to lie."""

    places: dict[tuple[str, int, int], Poison] = field(default_factory=dict)


def attributes(customer: str, about: str, **changes: str) -> tuple[tuple[str, bytes], ...]:
    """The headers of a missed payment, some of them changed."""
    values = {
        "ce_specversion": "1.0",
        "ce_id": f"{customer}/{about}",
        "ce_source": "/core-banking",
        "ce_type": "payment.missed",
        "ce_subject": customer,
        "ce_time": rfc3339(SystemClock().now()),
        "content-type": "application/json",
        **changes,
    }
    return tuple((name, value.encode()) for name, value in values.items())


def missed(customer: str, **changes: object) -> bytes:
    return json.dumps(
        {
            "customer_id": customer,
            "account_id": "A1",
            "instalment_id": "1",
            "due_on": "2026-01-01",
            "amount_minor": 100,
            "currency": "CNY",
            **changes,
        }
    ).encode()


def of_each_sort(customer: str, n: int) -> list[Poison]:
    """One record of each sort for this customer."""
    key = customer.encode()

    def one(reason: str, value: bytes, **changes: str) -> Poison:
        return Poison(key, value, attributes(customer, f"poison-{n}-{reason}", **changes), reason)

    return [
        one("bad_json", b'{"customer_id": "\xff'),
        one("schema", missed(customer, amount_minor="many")),
        one("schema", missed(customer), ce_dataschema="urn:arrears:payment.missed:99"),
        one("key_mismatch", missed("somebody-else")),
        one("wrong_topic", reported(customer), ce_type="contact_point.invalidated"),
        one("", missed(customer), ce_type="loan.securitised"),
    ]


def reported(customer: str) -> bytes:
    """What only the notifier may say, on its own topic."""
    return json.dumps({"customer_id": customer, "point_id": "P1", "reason": "x"}).encode()


async def send(bootstrap: str, poison: Iterable[Poison], *, most_bytes: int = LARGEST) -> Sent:
    """Send them as they are; raises what the broker answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_request_size=most_bytes, linger_ms=0
    )
    await open_client(producer)
    sent = Sent()
    try:
        for record in poison:
            found = await producer.send_and_wait(
                record.topic, record.value, key=record.key, headers=list(record.headers)
            )
            sent.places[found.topic, found.partition, found.offset] = record
    finally:
        await close_client(producer)
    return sent


def send_now(bootstrap: str, poison: Iterable[Poison]) -> Sent:
    return asyncio.run(send(bootstrap, poison))
