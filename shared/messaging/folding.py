"""Fold events and ticks into locked cases, and collect what follows from them. In memory: no I/O, nothing is awaited."""

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.canonical import canonical
from shared.clock import AT_ONCE
from shared.decision import Decision
from shared.events.common import CaseParked, CaseReleased
from shared.events.envelope import Event, Fact
from shared.ids import event_key
from shared.messaging import spans
from shared.messaging.arriving import payload_digest
from shared.messaging.cases import Case, Cases
from shared.messaging.causes import Cause, cause_of, going_on
from shared.messaging.deciding import decide_fact, decide_tick, tick_event
from shared.messaging.effect_rows import StartedEffect
from shared.messaging.mass_failure import fingerprint
from shared.messaging.outbox import OutboxRow
from shared.messaging.records import Arrival
from shared.messaging.tally import Tally, ages
from shared.outgoing import published_event
from shared.telemetry import tracing
from shared.vault import Keys

LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """
    An event or tick that cannot be decided. `again`: it stands in the queue to be decided once more.

    `fingerprint` says where decide raised (mass_failure.py).
    """

    arrival: Arrival
    reason: str
    error: str
    again: bool = True
    fingerprint: str = ""


class Folding:
    """What one transaction decides. `locked` are its cases; `clock` is the instant at which it began."""

    def __init__(self, cases: Cases, locked: dict[str, Case], clock: datetime, keys: Keys) -> None:
        self._cases = cases
        self._reactor = cases.reactor
        self._service = cases.reactor.name
        self._keys = keys
        self.locked = locked
        self.clock = clock
        self.outbox: list[OutboxRow] = []
        self.onward: list[Event] = []
        self.effects: list[StartedEffect] = []
        self.withdrawn: list[str] = []
        self.tick_rows: list[Arrival] = []
        self.failures: list[Failure] = []
        self.queued: list[Arrival] = []
        self.decided = 0
        self.ticks = 0
        self._facts: list[Arrival] = []
        self._lateness: list[float] = []

    def fact(self, arrival: Arrival) -> bool:
        """Decide a fact that is new; False when it failed: then its customer is parked and it waits."""
        case = self.locked[arrival.customer_id]
        now = arrival.now or self.clock
        span = spans.of_fact(self._service, arrival, case.cause)
        try:
            state = self._cases.state_of(case)
            decision = decide_fact(self._reactor, state, arrival.event, now)
        except Exception as error:  # noqa: BLE001  one bad case must not hold up the partition
            tracing.failed(span, error)
            self._fail(case, arrival, error)
            return False
        finally:
            tracing.end(span)
        self._take(case, decision, now)
        case.cause = cause_of(arrival.event, case.cause, now, tracing.traceparent_of(span))
        self.decided += 1
        self._facts.append(arrival)
        return True

    def tick_due(self, fresh: Callable[[int], bool]) -> None:
        """Tick every case of the transaction that is due."""
        for case in self.locked.values():
            if case.wake_at is not None and case.wake_at <= max(self.clock, case.last_now):
                self.tick(case, fresh=fresh(case.partition))

    def tick(self, case: Case, *, fresh: bool) -> None:
        """
        Tick one case, unless it is parked here; a tick that changes and publishes nothing leaves no trace.

        While another service parks the customer it may only withdraw: whoever pays meanwhile must not be
        contacted by what becomes free when the parking ends, before the cancellation is told.
        """
        if self._service in case.parked_by:
            return
        fresh = fresh and not case.parked_by
        now = max(self.clock, case.last_now)
        event = tick_event(self._service, case.customer_id, case.case_seq + 1, now, fresh=fresh)
        span = spans.of_tick(self._service, case.cause, now)
        cause = going_on(case.cause, event, now, tracing.traceparent_of(span))
        try:
            state = self._cases.state_of(case)
            decision = decide_tick(self._reactor, state, event, now)
            said = [
                published_event(
                    self._service,
                    case.customer_id,
                    publication.about,
                    publication.data,
                    now,
                    publication.key,
                )
                for publication in decision.publish
            ]
            outgoing = [_row(self._service, each, event.id, cause) for each in said]
            started = [
                StartedEffect(
                    case.customer_id,
                    case.partition,
                    now,
                    effect,
                    _text(effect.request),
                    cause.stored(),
                )
                for effect in decision.effects
            ]
        except Exception as error:  # noqa: BLE001  one bad case must not hold up the partition
            tracing.failed(span, error)
            tracing.end(span)
            self._fail(case, self._tick_arrival(case, event, now), error, again=False)
            return
        self.ticks += 1
        if fresh and case.wake_at is not None and case.wake_at > AT_ONCE:
            self._lateness.append((now - case.wake_at).total_seconds())
        if decision.state == state and not (
            decision.publish or decision.effects or decision.withdraw
        ):
            return
        tracing.end(span)
        self.tick_rows.append(self._tick_arrival(case, event, now))
        case.next_seq()
        self.outbox += outgoing
        self.onward += [
            replace(
                each,
                causationid=event.id,
                correlationid=cause.correlationid,
                traceparent=cause.traceparent,
            )
            for each in said
            if each.type in self._reactor.reacts_to
        ]
        self.effects += started
        self._take(case, decision, now)

    def park(self, case: Case, reason: str) -> None:
        """Park the customer here, and tell the others; nothing where that is so already."""
        if self._service in case.parked_by:
            return
        case.parked_by.add(self._service)
        case.parking_changed = True
        data = CaseParked(customer_id=case.customer_id, service=self._service, reason=reason)
        self._note(case, data)

    def release(self, case: Case) -> None:
        """End the parking here, and tell the others."""
        case.parked_by.discard(self._service)
        case.parking_changed = True
        self._note(case, CaseReleased(customer_id=case.customer_id, service=self._service))

    def hear(self, case: Case, event: Event) -> None:
        """Apply what another service says of a customer that it parks or releases; no decision is asked."""
        match event.data:
            case CaseParked(service=service) if service != self._service:
                case.parked_by.add(service)
            case CaseReleased(service=service) if service != self._service:
                case.parked_by.discard(service)
            case _:
                return
        case.parking_changed = case.dirty = True

    def tally(self) -> Tally:
        """Count what was decided here, for the metrics."""
        return Tally(
            facts=Counter([arrival.event.type for arrival in self._facts]),
            ticks=self.ticks,
            published=Counter([row.type for row in self.outbox]),
            started=Counter([row.effect.kind for row in self.effects]),
            quarantined=Counter([failure.reason for failure in self.failures]),
            latencies=ages(self._facts, self.clock),
            lateness=self._lateness,
        )

    def is_parked_here(self, customer_id: str) -> bool:
        """Tell whether the customer's events wait in the queue."""
        return self._service in self.locked[customer_id].parked_by

    def _take(self, case: Case, decision: Decision[Any], now: datetime) -> None:
        self.withdrawn += decision.withdraw
        self._cases.put(case, decision.state, now)

    def _fail(self, case: Case, arrival: Arrival, error: Exception, *, again: bool = True) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__} at {place.name}:{place.lineno}: {error}"[:LONGEST_ERROR]
        failure = Failure(
            arrival, "decide_raised", text.replace("\x00", ""), again, fingerprint(error)
        )
        self.failures.append(failure)
        case.next_seq()
        self.park(case, "decide_raised")

    def _note(self, case: Case, data: Fact) -> None:
        """Tell the other services' shells about a parking."""
        now = max(self.clock, case.last_now)
        event = published_event(self._service, case.customer_id, str(case.next_seq()), data, now)
        self.outbox.append(_row(self._service, event, "", case.cause))

    def _tick_arrival(self, case: Case, event: Event, now: datetime) -> Arrival:
        payload = canonical(event.data)
        return Arrival(
            event=event,
            customer_id=case.customer_id,
            event_key=event_key(event.source, event.id),
            payload=payload,
            payload_digest=payload_digest(event, payload, (), self._keys),
            case_seq=case.case_seq + 1,
            now=now,
        )


def _row(service: str, event: Event, tick_id: str, cause: Cause) -> OutboxRow:
    return OutboxRow(
        event_id=event.id,
        aggregatetype=service,
        aggregateid=event.subject,
        type=event.type,
        payload=_text(event.data),
        time=event.time,
        causationid=tick_id,
        correlationid=cause.correlationid,
        traceparent=cause.traceparent,
    )


def _text(value: object) -> str:
    """Write JSON while a failure can still be put down to its case: later it would fail the whole batch."""
    return canonical(value).decode()
