"""What `arrears publish` does: send a file's events to Kafka, in its order."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from shared.cli.serving import settings_or_fail
from shared.events.envelope import Event
from shared.events.jsonl import LineError, read_line
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics
from shared.privacy.envelope import seal_event


def publish_file(path: Path, progress: Callable[[int], None], *, seal: bool = False) -> int:
    """
    Send every event of *path*; answers how many. *seal*: contact values go sealed under ARREARS_ENVELOPE_KEYS.

    The whole file is checked first, so that nothing is sent of one that is wrong; raises LineError
    that names the line.
    """
    for _ in _events(path, lambda _: None):
        pass
    return asyncio.run(_publish(path, progress, seal=seal))


async def _publish(path: Path, progress: Callable[[int], None], *, seal: bool) -> int:
    settings = settings_or_fail()
    envelope = settings.envelope()
    await ensure_topics(settings.broker(), settings.partitions)
    count = 0

    def counted() -> Iterator[Event]:
        nonlocal count
        for event in _events(path, progress):
            count += 1
            yield seal_event(event, envelope) if seal else event

    async with Publisher(settings.broker()) as publisher:
        await publisher.publish(counted())
    return count


def _events(path: Path, progress: Callable[[int], None]) -> Iterator[Event]:
    done = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            done += len(line)
            if not line.strip():
                continue
            try:
                yield read_line(line)
            except LineError as error:
                raise LineError(
                    error.reason, f"line {number}: {error.detail}", error.field
                ) from None
            if number % 1000 == 0:
                progress(done)
