"""What was told of an ended record and had not been handed over to the one in which it goes on, when leave was given there.

Whoever gave the leave could not know it: the scheduler's cases do not read each other, the ended one tells (`case.merged`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.compliance.entries import Entry
from shared.events.scheduler import CaseMerged

Key = tuple[str, str]
"""(source, id) of an entry."""
LAG = timedelta(seconds=60)
"""So long may handing over take; what was told earlier counts as known."""


@dataclass(slots=True)
class Unhanded:
    """By entry: when it was told, and what the survivor knew of it before (None: nothing)."""

    facts: dict[Key, tuple[datetime, Entry | None]] = field(default_factory=dict)

    def told(self, before: dict[Key, Entry], after: dict[Key, Entry], at: datetime) -> None:
        """Note what a fact that was told of the ended record changed."""
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                _, known = self.facts.get(key, (at, before.get(key)))
                self.facts[key] = (at, known)

    def handed(self, data: CaseMerged) -> None:
        """Note that the survivor has heard of it."""
        keys = data.facts.get("log")
        handed = keys.keys() if isinstance(keys, dict) else ()
        self.facts = {key: each for key, each in self.facts.items() if " ".join(key) not in handed}

    def absorb(self, other: "Unhanded") -> None:
        """Go on with another's."""
        self.facts = {**other.facts, **self.facts}

    def without(self, log: dict[Key, Entry], at: datetime) -> dict[Key, Entry] | None:
        """Answer the log that the survivor knew at *at*; None where it is this one."""
        lately = {key: known for key, (told, known) in self.facts.items() if at - told <= LAG}
        if not lately:
            return None
        left = {key: entry for key, entry in log.items() if key not in lately}
        return left | {key: known for key, known in lately.items() if known is not None}
