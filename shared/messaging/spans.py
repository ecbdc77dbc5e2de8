"""The spans of the shell, the relay and the worker: what each is called, and what it says. None while nothing is traced."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from opentelemetry.trace import Span, SpanKind

from shared.messaging.causes import Cause, cause_of
from shared.messaging.cloudevents import traceparent_of
from shared.messaging.outbox import OutboxRow
from shared.messaging.records import Arrival, Record
from shared.telemetry import tracing


def of_batch(service: str, records: Sequence[Record]) -> AbstractContextManager[None]:
    """Run the handling of a fetch in a span that is linked to its records' own."""
    if not tracing.enabled():
        return tracing.batch("", (), {})
    return tracing.batch(
        f"handle batch {service}",
        [traceparent_of(record) for record in records],
        {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.batch.message_count": len(records),
            "messaging.consumer.group.name": service,
        },
    )  # fmt: skip


def of_relay(service: str, rows: Iterable[OutboxRow]) -> AbstractContextManager[None]:
    """Run the publishing of rows of the outbox in a span that is linked to the decisions they came from."""
    if not tracing.enabled():
        return tracing.batch("", (), {})
    found = [row.traceparent for row in rows]
    attributes: tracing.Attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": len(found),
        "messaging.destination.name": service,
    }
    return tracing.batch(f"publish batch {service}", found, attributes)


def of_fact(service: str, arrival: Arrival, before: Cause) -> Span | None:
    """Begin the span of a fact's decision, below the span that the fact bears; linked to its batch or request."""
    if not tracing.enabled():
        return None
    event = arrival.event
    now = arrival.now or event.time
    attributes: tracing.Attributes = {
        "arrears.service": service,
        "arrears.event.type": event.type,
        "arrears.event.id": event.id,
    }
    if arrival.topic:
        attributes |= {
            "messaging.system": "kafka",
            "messaging.destination.name": arrival.topic,
            "messaging.destination.partition.id": str(arrival.partition),
            "messaging.kafka.offset": arrival.offset,
        }
    return tracing.begin(
        f"decide {event.type}",
        SpanKind.CONSUMER,
        parent=cause_of(event, before, now).traceparent,
        links=[tracing.current_traceparent()],
        attributes=attributes,
    )


def of_tick(service: str, cause: Cause, now: datetime) -> Span | None:
    """Begin the span of a tick, below the span of what it follows; to be ended only where the tick did something."""
    if not tracing.enabled():
        return None
    parent = cause.parent_at(now)
    return tracing.begin(
        f"tick {service}",
        SpanKind.INTERNAL,
        parent=parent,
        links=[tracing.current_traceparent(), "" if parent else cause.traceparent],
        attributes={"arrears.service": service, "arrears.correlation_id": cause.correlationid},
    )


def of_exchange(what: str, service: str, kind: str, cause: Cause, now: datetime) -> Span | None:
    """Begin the span of an effect's exchange with the provider; *what* is hand over or look up."""
    if not tracing.enabled():
        return None
    parent = cause.parent_at(now)
    return tracing.begin(
        f"{what} {kind}",
        SpanKind.CLIENT,
        parent=parent,
        links=["" if parent else cause.traceparent],
        attributes={
            "arrears.service": service,
            "arrears.effect.kind": kind,
            "arrears.correlation_id": cause.correlationid,
        },
    )
