"""What `arrears tail` does: read every topic without a group, put it in order, and print a line each."""

import heapq
import re
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.text import Text

from shared.border import strip_event
from shared.cli.summaries import Line, line_of
from shared.events.jsonl import LineError, read_line, write_line
from shared.events.registry import TOPICS
from shared.messaging.cloudevents import BrokenEvent, attributes_of
from shared.messaging.kafka import close_client, open_client, reader
from shared.messaging.member import record_of
from shared.messaging.partitions import partition_of
from shared.messaging.records import Record
from shared.messaging.topics import ensure_topics
from shared.settings import Settings

POLL_MS = 300
MOST_HELD = 20_000
"""So many records are put in order of time before the earliest is printed, while there are more to read."""
COLOURS = {
    "core-banking": "cyan",
    "scheduler": "green",
    "notifier": "magenta",
    "visits": "yellow",
    "legal": "red",
}
_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records to show: one customer's ("": all), of types that match a pattern, control records or not."""

    customer: str = ""
    type: str = "*"
    control: bool = False

    def takes(self, line: Line) -> bool:
        """Tell whether the line is to be shown."""
        return (
            (self.control or not line.control)
            and (not self.customer or self.customer in line.customers)
            and fnmatchcase(line.type, self.type)
        )


def begin_at(text: str, now: datetime) -> datetime:
    """Answer the instant that *text* means: 10m before now, or an instant with its zone. Raises ValueError."""
    if found := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError("takes 10m, 2h, 3d, or an instant such as 2026-03-05T09:30:00Z")
    return instant.astimezone(UTC)


async def show(
    settings: Settings,
    wanted: Wanted,
    *,
    begin: datetime | None,
    from_start: bool,
    follow: bool,
    as_json: bool,
    events: bool = False,
) -> None:
    """
    Print what is *wanted*, from *begin*, the start, or (None) what comes now; without *follow* up to the present end.

    *events*: as structured CloudEvents, for a file; what is no event of ours is left out.
    """
    console = Console(soft_wrap=True, highlight=False)
    found = taken(settings, wanted, begin=begin, from_start=from_start, follow=follow)
    async for line, record in found:
        if events:
            sys.stdout.write(structured(record).decode())
            sys.stdout.flush()
        elif as_json:
            sys.stdout.write(msgspec.json.encode(line.as_json()).decode() + "\n")
            sys.stdout.flush()
        else:
            console.print(_text(line))


async def lines(
    settings: Settings,
    wanted: Wanted,
    *,
    begin: datetime | None = None,
    from_start: bool = False,
    follow: bool = True,
) -> AsyncIterator[Line]:
    """Answer the lines, roughly in the order in which the broker took the records."""
    found = taken(settings, wanted, begin=begin, from_start=from_start, follow=follow)
    async for line, _ in found:
        yield line


async def taken(
    settings: Settings,
    wanted: Wanted,
    *,
    begin: datetime | None,
    from_start: bool,
    follow: bool,
) -> AsyncIterator[tuple[Line, Record]]:
    """Answer the lines with the records that they tell of."""
    broker = settings.broker()
    await ensure_topics(broker, settings.partitions)
    partitions: Sequence[int] = range(settings.partitions)
    if wanted.customer:
        partitions = [partition_of(wanted.customer, settings.partitions)]
    tps = [TopicPartition(topic, partition) for topic in TOPICS for partition in partitions]
    client = reader(broker, client_id="tail")
    client.assign(tps)
    await open_client(client)
    try:
        ends = await client.end_offsets(tps)
        await _seek(client, tps, ends, begin, from_start=from_start)
        async for record in _in_order(client, ends, follow=follow):
            line = line_of(record)
            if wanted.takes(line):
                yield line, record
    finally:
        await close_client(client)


async def _seek(
    client: AIOKafkaConsumer,
    tps: Sequence[TopicPartition],
    ends: dict[TopicPartition, int],
    begin: datetime | None,
    *,
    from_start: bool,
) -> None:
    if from_start:
        starts = await client.beginning_offsets(list(tps))
    elif begin is None:
        starts = ends
    else:
        at = int(begin.timestamp() * 1000)
        found = await client.offsets_for_times(dict.fromkeys(tps, at))
        starts = {tp: ends[tp] if there is None else there.offset for tp, there in found.items()}
    for tp in tps:
        client.seek(tp, starts[tp])


async def _in_order(
    client: AIOKafkaConsumer, ends: dict[TopicPartition, int], *, follow: bool
) -> AsyncIterator[Record]:
    """Put in order what was there at first, as far as so many can be held; what comes later, poll by poll."""
    held: list[tuple[int, str, int, int, Record]] = []
    live = False
    while True:
        fetched = await client.getmany(timeout_ms=POLL_MS, max_records=MOST_HELD // 4)
        for record in _records(fetched.values()):
            place = (record.timestamp, record.topic, record.partition, record.offset)
            heapq.heappush(held, (*place, record))
        live = live or all([await client.position(tp) >= end for tp, end in ends.items()])
        while held and (live or len(held) > MOST_HELD):
            yield heapq.heappop(held)[-1]
        if live and not follow:
            return


def _records(batches: Iterable[Iterable[object]]) -> Iterable[Record]:
    return (record_of(each) for batch in batches for each in batch)


def structured(record: Record) -> bytes:
    """Answer the record as a structured CloudEvent on a line, without contact values; nothing where it is no event of ours."""
    try:
        attributes, data = attributes_of(record)
        line = {"specversion": "1.0", **attributes, "data": msgspec.Raw(data)}
        event = read_line(msgspec.json.encode(line))
    except (BrokenEvent, LineError, ValueError):
        return b""
    return write_line(strip_event(event)[0])


def _text(line: Line) -> Text:
    text = Text()
    text.append(f"{line.time:%Y-%m-%d %H:%M:%S}  ", style="dim")
    text.append(f"{line.topic:<12} {line.type:<22} ", style=COLOURS.get(line.topic, ""))
    text.append(f"{line.customer:<12} ", style="bold")
    text.append(line.summary)
    if line.correlation:
        text.append(f"  [{line.correlation}]", style="dim")
    return text
