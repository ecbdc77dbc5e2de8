"""Hold a live run against the replay of its core-banking events: what was published, and every state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.canonical import canonical, digest
from shared.decision import CaseState, Reactor
from shared.events.envelope import Event

Said = tuple[str, str, str, bytes]
"""What is compared of an event: id, type, time, canonical data. Not causation, correlation, trace."""
Key = tuple[str, str]
"""(service, customer_id)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One (service, customer) whose live run is not what the replay says."""

    service: str
    customer_id: str
    what: str


def said(event: Event) -> Said:
    """Answer what is compared of *event*."""
    return (event.id, event.type, event.time.isoformat(), canonical(event.data))


def by_customer(events: Iterable[tuple[str, Event]]) -> dict[Key, list[Said]]:
    """Group (service, event) by service and customer, in order; a repeated id is told once."""
    grouped: dict[Key, list[Said]] = {}
    seen: set[tuple[str, str]] = set()
    for service, event in events:
        if (service, event.id) in seen:
            continue
        seen.add((service, event.id))
        grouped.setdefault((service, event.subject), []).append(said(event))
    return grouped


def digests(
    states: Mapping[Key, CaseState], reactors: Iterable[Reactor[CaseState]]
) -> dict[Key, str]:
    """Answer the digest of every state that knows something: an empty one is as good as none."""
    empty = {reactor.name: digest(reactor.state()) for reactor in reactors}
    found = {key: digest(state) for key, state in states.items()}
    return {key: value for key, value in found.items() if value != empty[key[0]]}


def compare(
    live: Mapping[Key, list[Said]],
    replayed: Mapping[Key, list[Said]],
    live_states: Mapping[Key, str],
    replayed_states: Mapping[Key, str],
) -> list[Difference]:
    """Name every (service, customer) that differs, with the first event that does; empty: all is equal."""
    differences = []
    for key in sorted(live.keys() | replayed.keys()):
        one, other = live.get(key, []), replayed.get(key, [])
        if one != other:
            differences.append(Difference(*key, _first_difference(one, other)))
    for key in sorted(live_states.keys() | replayed_states.keys()):
        if live_states.get(key) != replayed_states.get(key):
            what = f"state: live {live_states.get(key)}, replay {replayed_states.get(key)}"
            differences.append(Difference(*key, what))
    return differences


def _first_difference(live: list[Said], replayed: list[Said]) -> str:
    for place, (one, other) in enumerate(zip(live, replayed, strict=False)):
        if one != other:
            return f"event {place + 1}: live {_short(one)}, replay {_short(other)}"
    longer, name = (live, "live") if len(live) > len(replayed) else (replayed, "replay")
    return f"only {name} has {_short(longer[min(len(live), len(replayed))])}"


def _short(entry: Said) -> str:
    return f"{entry[1]} at {entry[2]} {entry[3].decode()[:300]}"
