"""A measured process: it waits for words on standard input, and tells on standard output what it has saved."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from time import monotonic, process_time
from typing import Any

import msgspec

from shared.collector import collect_less
from shared.telemetry import configure_logs, configure_tracing


class Assignment(msgspec.Struct, frozen=True):
    """What a child is to do; `paused`: hold the first batch back until everybody has joined."""

    bootstrap: str
    url: str
    group: str
    batch: int
    paused: bool


class Report:
    """What a child tells: one JSON object a line."""

    def __init__(self) -> None:
        self._records = 0
        self._seconds: list[float] = []
        self._began = self._cpu = 0.0

    def joined(self, partitions: int) -> None:
        """Tell how many partitions are ours."""
        _tell({"joined": partitions})

    def begin(self) -> None:
        """A batch was handed in."""
        self._began = monotonic()
        self._cpu = self._cpu or process_time()

    def saved(self, records: int) -> None:
        """The batch is in the database."""
        now = monotonic()
        self._records += records
        self._seconds.append(now - self._began)
        _tell({"records": self._records, "began": self._began, "at": now})

    def end(self, **more: Any) -> None:
        """Tell the rest: CPU seconds used since the first batch, and the duration of each batch."""
        _tell(
            {
                "cpu": process_time() - (self._cpu or process_time()),
                "seconds": self._seconds,
                **more,
            }
        )


def _tell(what: Mapping[str, Any]) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


def assignment() -> Assignment:
    """
    Read what is to be done from the command line; logs go to standard error, warnings only.

    The collector is set as `arrears serve` sets it, for the ceiling too.
    """
    collect_less()
    configure_logs("text", level=logging.WARNING)
    configure_tracing("benchmark")
    return msgspec.json.decode(sys.argv[1], type=Assignment)


async def word(expected: str) -> None:
    """Wait until the parent says *expected*; end when it is gone."""
    said = await asyncio.to_thread(sys.stdin.readline)
    if said.strip() != expected:
        raise SystemExit(f"expected {expected!r}, heard {said!r}")
