"""Tell stories about a decider in tests: given(...).when(...).then(...). Public, for services of others too."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import AT_ONCE
from shared.decision import CaseState, Decision, Effect, Reactor
from shared.events.envelope import Event, Fact, Woken
from shared.events.registry import TYPE_OF, WOKEN
from shared.ids import derive

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
"""Monday 2026-03-02, 09:30 in Shanghai: when a story begins unless it says otherwise."""


def fact(
    data: Fact, at: datetime = START, *, event_id: str | None = None, source: str = "/test"
) -> Event:
    """Wrap *data* into an event; the id is derived from the content unless given."""
    name = TYPE_OF[type(data)]
    return Event(
        id=event_id or derive(source, name, data.customer_id, str(at), repr(data)),
        source=source,
        type=name,
        subject=data.customer_id,
        time=at,
        data=data,
    )


def tick(at: datetime = START, customer_id: str = "C1", *, fresh: bool = True) -> Event:
    """Make the tick that looks at the case at *at*."""
    data = Woken(customer_id=customer_id, fresh=fresh)
    return Event(
        id=f"{customer_id}/{at.isoformat()}",
        source="/ticks/test",
        type=WOKEN,
        subject=customer_id,
        time=at,
        data=data,
    )


def days(count: float) -> timedelta:
    """Read well in tests: START + days(3)."""
    return timedelta(days=count)


@dataclass
class Story:
    """
    A case of one service, told event by event.

    Every event goes through the reactor's decide with its own time as `now`; the rule that a fact
    publishes nothing and starts no effect is checked on the way, as the shell does.
    """

    reactor: Reactor[Any]
    state: Any = None
    decision: Decision[Any] | None = None
    before: Any = None
    published: list[Fact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    now: datetime = AT_ONCE

    def __post_init__(self) -> None:
        """Begin with a case that knows nothing."""
        if self.state is None:
            self.state = self.reactor.state()

    def given(self, *events: Event) -> "Story":
        """Fold the history in; ticks and facts alike."""
        for event in events:
            self._decide(event)
        return self

    def when(self, event: Event) -> "Story":
        """Decide the event that the test is about; what it brings forth is asserted by then()."""
        self._decide(event)
        return self

    def run_until(self, end: datetime, *, customer_id: str = "C1", limit: int = 200) -> "Story":
        """Tick whenever the case wants to be woken, up to and including *end*."""
        for _ in range(limit):
            wake = self.state.wake_at
            if wake is None or wake > end:
                return self
            self._decide(tick(max(self.now, wake), customer_id))
        raise AssertionError(
            f"the case still wants to be woken after {limit} ticks: {self.state.wake_at}"
        )

    def then(self, *published: Fact) -> "Story":
        """Assert exactly what the last event published, in order."""
        assert self.decision is not None
        assert tuple(p.data for p in self.decision.publish) == published
        return self

    def then_nothing(self) -> "Story":
        """Assert that the last event published nothing, started nothing and changed nothing but `wake_at`."""
        assert self.decision is not None
        assert (self.decision.publish, self.decision.effects, self.decision.withdraw) == (
            (),
            (),
            (),
        )
        assert _without_wake(self.state) == _without_wake(self.before)
        return self

    def then_effects(self, *kinds: str) -> "Story":
        """Assert the kinds of the effects that the last event started."""
        assert self.decision is not None
        assert tuple(e.kind for e in self.decision.effects) == kinds
        return self

    def types(self) -> list[str]:
        """Name the types published by the last event."""
        assert self.decision is not None
        return [TYPE_OF[type(p.data)] for p in self.decision.publish]

    def _decide(self, event: Event) -> None:
        self.before, self.now = self.state, max(self.now, event.time)
        decision = self.reactor.decide(self.state, event, event.time, self.reactor.policy)
        again = self.reactor.decide(self.before, event, event.time, self.reactor.policy)
        assert again == decision, "deciding twice with the same input must give the same output"
        if event.type != WOKEN:
            assert not decision.publish, f"a fact published {decision.publish}"
            assert not decision.effects, f"a fact started {decision.effects}"
        self.decision, self.state = decision, decision.state
        self.published += [p.data for p in decision.publish]
        self.effects += decision.effects
        self.withdrawn += decision.withdraw


def given(reactor: Reactor[Any], *events: Event) -> Story:
    """Begin a story of *reactor* with *events* already happened."""
    return Story(reactor).given(*events)


def of_type(facts: Iterable[Fact], model: type[Fact]) -> list[Any]:
    """Pick the facts of one model, in order."""
    return [f for f in facts if isinstance(f, model)]


def _without_wake(state: CaseState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__struct_fields__ if name != "wake_at"}
