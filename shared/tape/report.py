"""What an import did: the figures that it ends with."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

KEPT = 20
"""How many bad rows a report quotes; all of them stand in the file of rejected rows."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported: its line (from 1, of the tape as text), the column, and why."""

    line: int
    column: str
    reason: str

    @property
    def sentence(self) -> str:
        """The complaint as one sentence."""
        column = f", column {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.reason}"


@dataclass(slots=True)
class ImportReport:
    """
    The figures of one import.

    `events` counts by type. `inferred` counts the facts marked `inferred` by their reason
    (shared/tape/inference.py lists them). `months` counts client-months in which the tape contradicts
    itself, by what it does: for example "jump 0 to 2". `first_bad` quotes the first bad rows.
    """

    rows: int = 0
    clients: int = 0
    bad_rows: int = 0
    events: Counter[str] = field(default_factory=Counter)
    inferred: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)
    first_bad: list[BadRow] = field(default_factory=list)
    rejects: Path | None = None

    def reject(self, bad: BadRow) -> None:
        """Count a bad row, and quote it if it is among the first."""
        self.bad_rows += 1
        if len(self.first_bad) < KEPT:
            self.first_bad.append(bad)
