"""Read an event file for a replay: any order, duplicates, malformed lines kept aside with number and reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.border import strip_event
from shared.canonical import canonical, digest
from shared.events.envelope import Event
from shared.events.jsonl import LineError, read_line
from shared.events.registry import BY_HTTP, CORE_BANKING, EVENT_TYPES
from shared.ids import event_key
from shared.replay import sharing

Content = tuple[datetime, bytes, str]
"""What a line says: time, canonical bytes, and a digest of its contact values."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not replayed: its number (from 1), the reason, and the line itself."""

    number: int
    reason: str
    line: bytes


@dataclass(slots=True)
class Inputs:
    """
    What a file holds: the events by customer, each customer's sorted as they are delivered, and
    what was put aside. `counted` is what the vault makes of them, by customer: who shares a number. `lines` counts those with content; `repeated` those that say a thing again.
    """

    events: dict[str, list[Event]] = field(default_factory=dict)
    counted: dict[str, list[Event]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    lines: int = 0
    repeated: int = 0

    def __len__(self) -> int:
        """Count the events that are replayed."""
        return sum(map(len, self.events.values()))


@dataclass(slots=True)
class _Line:
    """A line as read, its contact values stripped; `losers` are other contents under the same id."""

    event: Event
    number: int
    line: bytes
    record: sharing.Record | None
    losers: set[Content] = field(default_factory=set)

    def content(self) -> Content:
        """Answer what the line says, ordered by (time, canonical bytes); the values count, but last."""
        event = self.event
        stripped = canonical([event.type, event.subject, event.data])
        values = strip_event(read_line(self.line))[1]
        said = [[value.point_id, value.kind, value.value] for value in values]
        return (event.time, stripped, digest(said) if said else "")


def read(path: Path, progress: Callable[[int], None] = lambda _: None) -> Inputs:
    """
    Read the file; *progress* is told the bytes read so far.

    Of two lines with one (source, id) and different content the smaller by (time, canonical bytes)
    is kept and the other rejected, so the order of the lines does not matter.
    """
    inputs = Inputs()
    kept: dict[UUID, _Line] = {}
    done = 0
    for number, line in _lines(path):
        done += len(line)
        if number % 1000 == 0:
            progress(done)
        if not line.strip():
            continue
        inputs.lines += 1
        try:
            event = read_line(line)
            _check_origin(event)
        except LineError as error:
            inputs.rejected.append(Rejected(number, str(error), line))
            continue
        stripped, values = strip_event(event)
        read = _Line(stripped, number, line, sharing.record_of(stripped, values))
        key = event_key(event.source, event.id)
        known = kept.get(key)
        kept[key] = read if known is None else _of_two(known, read, inputs)
    progress(done)
    for entry in kept.values():
        inputs.events.setdefault(entry.event.subject, []).append(entry.event)
    records = (entry.record for entry in kept.values())
    inputs.counted = sharing.facts(record for record in records if record is not None)
    inputs.rejected.sort(key=lambda entry: entry.number)
    return inputs


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        yield from enumerate(file, start=1)


def _check_origin(event: Event) -> None:
    """Only what comes from outside is replayed: the services' own events follow from it."""
    if event.type not in BY_HTTP and CORE_BANKING not in EVENT_TYPES[event.type].topics:
        raise LineError("schema", "the services publish this themselves; it is no input", "type")


def _of_two(one: _Line, other: _Line, inputs: Inputs) -> _Line:
    """Keep the smaller of two lines with one id; a content that lost before is not rejected again."""
    contents = one.content(), other.content()
    if contents[0] == contents[1] or contents[1] in one.losers:
        inputs.repeated += 1
        return one
    kept, left = (one, other) if contents[0] < contents[1] else (other, one)
    reason = f"id_reused: line {kept.number} says something else under this source and id"
    inputs.rejected.append(Rejected(left.number, reason, left.line))
    kept.losers = {*one.losers, left.content()}
    return kept
