"""Read what was said on the bus from files of structured CloudEvents, a customer at a time, in the order of knowing.

A file of inputs (`arrears import`, `arrears gen`) and one of what was published (`arrears replay --out`, `arrears tail
--events`) may be given together: the facts of one instant from outside were known before what the services made of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.border import strip_event
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.jsonl import LineError, read_line
from shared.events.registry import BY_HTTP, CORE_BANKING, EVENT_TYPES


@dataclass(slots=True)
class Capture:
    """
    The events by customer, each customer's in the order in which they became known.

    `refused` counts the lines that are no event of ours. `whole` tells whether facts of core banking are there:
    without them nobody knows whose a contact point is.
    """

    events: dict[str, list[Event]] = field(default_factory=dict)
    refused: int = 0
    whole: bool = False

    def people(self, only: str = "") -> Iterator[list[Event]]:
        """Answer the events of each person, records that were merged together; *only* the one who has this record."""
        for records in joined(self.events):
            if not only or only in records:
                yield in_order([event for record in records for event in self.events[record]])


def read(files: Sequence[Path], progress: Callable[[int], None] = lambda _: None) -> Capture:
    """Read the files; contact values never leave this function. *progress* is told the bytes read."""
    found = Capture()
    done = 0
    said: set[tuple[str, str]] = set()
    for file in files:
        with file.open("rb") as lines:
            for line in lines:
                done += len(line)
                if not line.strip():
                    continue
                try:
                    event = strip_event(read_line(line))[0]
                except LineError:
                    found.refused += 1
                    continue
                if (event.source, event.id) in said:
                    continue
                said.add((event.source, event.id))
                found.whole = found.whole or event.type == "customer.updated"
                found.events.setdefault(event.subject, []).append(event)
        progress(done)
    return found


def joined(events: Iterable[str], merges: Iterable[tuple[str, str]] = ()) -> list[tuple[str, ...]]:
    """Answer the records that belong together, each group sorted, the groups by their first."""
    leader: dict[str, str] = {}

    def lead(record: str) -> str:
        while leader.get(record, record) != record:
            record = leader[record]
        return record

    pairs = list(merges)
    if isinstance(events, dict):
        pairs += [
            (event.subject, event.data.from_customer_id)
            for own in events.values()
            for event in own
            if isinstance(event.data, CustomerMerged)
        ]
    for one, other in pairs:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first
    groups: dict[str, list[str]] = {}
    for record in sorted(events):
        groups.setdefault(lead(record), []).append(record)
    return [tuple(group) for _, group in sorted(groups.items())]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Put facts from outside before what was made of them at the same instant; else as they stand in the file."""
    return sorted(events, key=lambda event: (event.time, not _from_outside(event)))


def _from_outside(event: Event) -> bool:
    return event.type in BY_HTTP or CORE_BANKING in EVENT_TYPES[event.type].topics
