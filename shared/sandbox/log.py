"""Keep the sandbox's own log: one JSON object a line, only ever appended, the judge of what left the system.

Each line has `entry` and what belongs to it:

    opened     seed                                    the sandbox started on this log
    request    effect_id, kind, customer_id, service, to_digest, content_digest, claimed_at, permit_id,
               validity_until, received_at, machine_at, first, outcome, reason
                                                       every hand-over that was asked for; `first` once per effect
    dropped    effect_id, customer_id, permit_id, validity_until, would_arrive_at
                                                       it would have been delivered too late: the carrier drops it
    webhook    effect_id, nth, delivered_at, machine_at  the service acknowledged this effect's nth outcome

Instants are RFC 3339 in UTC: `received_at` by the sandbox's clock, `machine_at` by the machine's,
`claimed_at` as the worker said. Values and texts are personal data, so only their digests are kept.
"""

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec


class LogDamaged(Exception):
    """A line that is not the last one cannot be read: somebody else wrote to the log."""


class Log:
    """The log at `path`; several processes may append, each line is one write."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._end_torn_line()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, entry: str, **fields: Any) -> None:
        """Write one line; it is with the operating system when this returns (a kill -9 does not lose it)."""
        line = msgspec.json.encode({"entry": entry, **fields}, order="deterministic") + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            raise OSError(f"the log took {written} of {len(line)} bytes")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read what is in the log, oldest line first."""
        return read(self._path)

    def close(self) -> None:
        """End writing."""
        os.close(self._file)

    def _end_torn_line(self) -> None:
        # A crash of the machine in mid-write leaves half a line, which must not swallow the next one.
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        if content and not content.endswith(b"\n"):
            with self._path.open("rb+") as file:
                file.truncate(content.rfind(b"\n") + 1)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read all complete lines, oldest first; nothing if there is no log. Raises LogDamaged."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise LogDamaged(f"{path}, line {number}: {error}") from error


def digest(value: object) -> str:
    """Answer a digest by which equal values and texts are recognised, and nothing else of them."""
    return blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=16).hexdigest()
