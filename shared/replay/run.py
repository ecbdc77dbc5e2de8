"""Run a replay: read, live every customer's life, write what was published in one fixed order, sum up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.canonical import digest
from shared.decision import CaseState, Reactor
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event, Fact
from shared.events.jsonl import write_line
from shared.events.registry import OUTCOMES, SERVICES
from shared.replay.reading import Inputs
from shared.replay.summary import CustomerSummary, Summary, Tally
from shared.replay.world import Published, World
from shared.sandbox.outcomes import facts as sandbox_facts
from shared.services import reactor

Standing = Callable[[str, CaseState, datetime, Any], CustomerSummary]
"""(customer_id, scheduler's state, instant, strategy) -> how the customer stands."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    What a replay brought forth: `published` in the order of writing, the final `states` by
    (service, customer), the instant it went up to, and the summary.
    """

    published: list[Published]
    states: dict[tuple[str, str], CaseState]
    until: datetime
    summary: Summary

    def digests(self) -> dict[tuple[str, str], str]:
        """Answer the digest of each state, by (service, customer)."""
        return {key: digest(state) for key, state in self.states.items()}


def all_reactors(strategy: Any | None = None) -> list[Reactor[Any]]:
    """Answer the services in their order; *strategy* replaces the scheduler's policy."""
    found = [reactor(name) for name in SERVICES]
    if strategy is not None:
        found[0] = replace(found[0], policy=strategy)
    return found


def replay(
    inputs: Inputs,
    *,
    reactors: Sequence[Reactor[Any]],
    standing: Standing,
    seed: int = 1,
    until: datetime | None = None,
    per_customer: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """
    Replay *inputs* up to *until* (default: the last input's time); *progress* is told the events done.

    The result depends on the events, the policies and the seed alone: not on the order of the
    lines, the hash seed or the machine.
    """
    end = until or max(
        (event.time for events in inputs.events.values() for event in events),
        default=datetime(1970, 1, 1, tzinfo=UTC),
    )
    published: list[Published] = []
    states: dict[tuple[str, str], CaseState] = {}
    done = 0

    def outcomes(
        customer_id: str,
        effect_id: str,
        kind: str,
        left_at: datetime,
        valid_until: datetime | None,
    ) -> Iterable[tuple[datetime, Fact]]:
        return sandbox_facts(seed, customer_id, effect_id, kind, left_at, valid_until)

    for events in joined(inputs.events):
        world = World(reactors, outcomes, silent=_spoken_for(events))
        customers = sorted({event.subject for event in events})
        counted = [
            each for customer_id in customers for each in inputs.counted.get(customer_id, ())
        ]
        world.run([*events, *counted], end)
        published += world.published
        for (service, customer_id), state in world.states.items():
            states[reactors[service].name, customer_id] = state
        done += len(events)
        progress(done)
    published.sort(key=lambda entry: entry.order)
    tally = Tally()
    for entry in published:
        tally.add(entry.event)
    strategy = reactors[0].policy
    summary = tally.summary(
        until=end,
        events_in=len(inputs),
        rejected=len(inputs.rejected),
        standings=(
            standing(customer_id, state, end, strategy)
            for (service, customer_id), state in states.items()
            if service == SERVICES[0]
        ),
        per_customer=per_customer,
    )
    return Replayed(published, states, end, summary)


def joined(events: dict[str, list[Event]]) -> Iterable[list[Event]]:
    """Answer the events customer by customer; customers joined by a merger come together."""
    leader: dict[str, str] = {}

    def lead(customer_id: str) -> str:
        while leader.get(customer_id, customer_id) != customer_id:
            customer_id = leader[customer_id]
        return customer_id

    for own in events.values():
        for event in own:
            if isinstance(event.data, CustomerMerged):
                pair = sorted((lead(event.subject), lead(event.data.from_customer_id)))
                leader[pair[1]] = pair[0]
    if not leader:
        return [events[customer_id] for customer_id in sorted(events)]
    groups: dict[str, list[Event]] = {}
    for customer_id in sorted(events):
        groups.setdefault(lead(customer_id), []).extend(events[customer_id])
    return groups.values()


def write(published: Iterable[Published], path: Path) -> None:
    """Write the events one a line, keys sorted, UTF-8, LF; the file appears whole or not at all."""
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        file.writelines(write_line(entry.event) for entry in published)
    aside.replace(path)


def _spoken_for(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(
        event.data.effect_id  # type: ignore[attr-defined]
        for event in events
        if event.type in OUTCOMES
    )
