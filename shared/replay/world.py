"""Live the lives of a few customers: the loop of DESIGN.md section 4, for all services at once.

No customer's decision reads another's, so the replay takes one customer (or the customers joined by a
merger) at a time through all of time. A round is one pass of ticks at an instant, counted from 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

from msgspec.structs import replace

from shared.decision import CaseState, Decision, Effect, Reactor
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event, Fact, Woken
from shared.events.registry import CORE_BANKING, EVENT_TYPES, WOKEN
from shared.outgoing import outcome_event, published_event, refused_event
from shared.permits import permitted

MAX_ROUNDS = 50
"""More passes than this at one instant are a defect: services that answer each other for ever."""

Outcomes = Callable[[str, str, str, datetime, datetime | None], Iterable[tuple[datetime, Fact]]]
"""(customer_id, effect_id, kind, instants of hand-over and end of validity) -> what becomes of the effect, and when."""


class EndlessRounds(RuntimeError):
    """Deciders go on answering each other at one instant."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event that a service published, with its place in the order of the whole replay."""

    time: datetime
    round: int
    service: int
    customer_id: str
    index: int
    event: Event

    @property
    def order(self) -> tuple[datetime, int, int, str, int]:
        """The order in which a replay writes: time, round, service, customer, index."""
        return (self.time, self.round, self.service, self.customer_id, self.index)


@dataclass(slots=True)
class World:
    """
    The cases of some customers in every service.

    `silent` names the effects whose outcomes the input itself holds: the sandbox says nothing of them.
    """

    reactors: Sequence[Reactor[Any]]
    outcomes: Outcomes
    silent: frozenset[str] = frozenset()
    states: dict[tuple[int, str], CaseState] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    _consumers: Mapping[str, tuple[int, ...]] = field(init=False)
    _agenda: list[datetime] = field(default_factory=list)
    _facts: list[tuple[datetime, int, str, str, int, Event]] = field(default_factory=list)
    _effects: dict[str, tuple[int, str, Effect]] = field(default_factory=dict)
    _due: set[tuple[int, str]] = field(default_factory=set)
    _facts_taken: int = 0
    _delivered: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Note who reacts to what."""
        self._consumers = consumers(tuple(reactor.reacts_to for reactor in self.reactors))

    def run(self, inputs: Iterable[Event], until: datetime) -> None:
        """Live through *inputs* and all that follows from them, up to and including *until*."""
        for event in inputs:
            self._expect(event)
        lived = None
        while self._agenda and self._agenda[0] <= until:
            now = heappop(self._agenda)
            if now != lived:  # an instant is lived through once, to its end
                self._instant(now)
                lived = now

    def _expect(self, event: Event) -> None:
        """Note a fact from outside; those of one instant come core banking first, then by (source, id)."""
        rank = 0 if CORE_BANKING in EVENT_TYPES[event.type].topics else 1
        self._facts_taken += 1
        heappush(self._facts, (event.time, rank, event.source, event.id, self._facts_taken, event))
        heappush(self._agenda, event.time)

    def _instant(self, now: datetime) -> None:
        self._deliver_due(now)
        for number in range(1, MAX_ROUNDS + 1):
            due = sorted(key for key in self._due if self._is_due(key, now))
            published = [event for key in due for event in self._tick(key, now, number)]
            for event in published:
                self._deliver(event)
            if not published and not self._execute(now) and not due:
                return
            self._deliver_due(now)
        raise EndlessRounds(f"more than {MAX_ROUNDS} rounds at {now.isoformat()}")

    def _is_due(self, key: tuple[int, str], now: datetime) -> bool:
        wake = self.states[key].wake_at
        return wake is not None and wake <= now

    def _deliver_due(self, now: datetime) -> None:
        while self._facts and self._facts[0][0] <= now:
            self._deliver(heappop(self._facts)[-1])

    def _deliver(self, event: Event) -> None:
        """
        Let every service that reacts to the fact fold it in; a merger concerns both customers.

        What was delivered before is dropped, as the inboxes do: providers say things twice.
        """
        if (event.source, event.id) in self._delivered:
            return
        self._delivered.add((event.source, event.id))
        customers = {event.subject}
        if isinstance(event.data, CustomerMerged):
            customers.add(event.data.from_customer_id)
        for service in self._consumers.get(event.type, ()):
            for customer_id in sorted(customers):
                told = (
                    event if customer_id == event.subject else replace(event, subject=customer_id)
                )
                decision = self._decide(service, customer_id, told, event.time)
                if decision.publish or decision.effects:
                    raise AssertionError(f"{event.type} made {self.reactors[service].name} act")

    def _tick(self, key: tuple[int, str], now: datetime, number: int) -> list[Event]:
        service, customer_id = key
        woken = Event(
            id="", source="", type=WOKEN, subject=customer_id, time=now,
            data=Woken(customer_id=customer_id),
        )  # fmt: skip
        decision = self._decide(service, customer_id, woken, now)
        for effect in decision.effects:
            self._effects[effect.effect_id] = (service, customer_id, effect)
            heappush(self._agenda, max(effect.not_before, now))
        events = []
        for index, publish in enumerate(decision.publish):
            event = published_event(
                self.reactors[service].name,
                customer_id,
                publish.about,
                publish.data,
                now,
                publish.key,
            )
            events.append(event)
            entry = Published(now, number, service, customer_id, index, event)
            self.published.append(entry)
        return events

    def _decide(
        self, service: int, customer_id: str, event: Event, now: datetime
    ) -> Decision[CaseState]:
        key = (service, customer_id)
        reactor = self.reactors[service]
        state = self.states.get(key)
        if state is None:
            state = self.states[key] = reactor.state()
        decision: Decision[CaseState] = reactor.decide(state, event, now, reactor.policy)
        for effect_id in decision.withdraw:
            self._effects.pop(effect_id, None)
        if decision.state is not state:
            self.states[key] = decision.state
        wake = decision.state.wake_at
        if wake is None:
            self._due.discard(key)
        else:
            self._due.add(key)
            if wake > now:
                heappush(self._agenda, wake)
        return decision

    def _execute(self, now: datetime) -> bool:
        """Let every effect leave that is due; answers whether any was."""
        if not self._effects:
            return False
        due = sorted(
            effect_id
            for effect_id, (_, _, effect) in self._effects.items()
            if effect.not_before <= now
        )
        for effect_id in due:
            service, customer_id, effect = self._effects.pop(effect_id)
            if effect_id in self.silent:
                continue
            reason = permitted.EXPIRED if effect.not_after <= now else ""
            # the packs that were granted under are the ones that are loaded: there is one policy here
            reason = reason or permitted.refusal(effect.kind, effect.request, now, None)
            if reason:
                name = self.reactors[service].name
                self._expect(refused_event(name, customer_id, effect_id, now, reason))
                continue
            until = permitted.valid_until(effect.kind, effect.request, effect.not_after, now)
            for at, fact in self.outcomes(customer_id, effect_id, effect.kind, now, until):
                self._expect(outcome_event(fact, at))
        return bool(due)


@lru_cache(maxsize=16)
def consumers(reacts_to: tuple[frozenset[str], ...]) -> Mapping[str, tuple[int, ...]]:
    """Answer, for each event type, the places of the services that react to it; once, not per customer."""
    types = frozenset[str]().union(*reacts_to)
    return {
        name: tuple(place for place, wanted in enumerate(reacts_to) if name in wanted)
        for name in types
    }
