"""What `arrears audit` prints: the tally, everything that is wrong, and the proof for one customer."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from shared.lawful.judging import FINDINGS, WRONG, Auditor, Judged, Person
from shared.lawful.words import Proof, Prover, lines

TITLES = {
    "lawful": "lawful",
    "late_information": "late information",
    "pack_changed": "pack changed",
    "bypass": "bypass",
    "engine_fault": "engine fault",
}


@dataclass(frozen=True, slots=True)
class Days:
    """Local dates, both included, of the contacts to show; None: without end. In the first zone of the contact."""

    first: date | None = None
    last: date | None = None

    def have(self, judged: Judged) -> bool:
        """Tell whether the contact was made on one of the days."""
        zones = judged.proposals[0].zones if judged.proposals else ()
        day = judged.made.at.astimezone(ZoneInfo(zones[0] if zones else "UTC")).date()
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(slots=True)
class Tally:
    """What an audit came to: contacts by finding, by the way they were made; and refusals by rule."""

    findings: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    late_rules: Counter[str] = field(default_factory=Counter)
    persons: int = 0

    def add(self, judged: Judged) -> None:
        """Count one contact."""
        self.findings[judged.finding] += 1
        self.kinds[judged.made.kind] += 1
        if judged.finding != "lawful":
            self.late_rules.update(judged.rules)

    @property
    def wrong(self) -> int:
        """How many contacts are bypasses or faults of the engine."""
        return sum(self.findings[finding] for finding in WRONG)


@dataclass(slots=True)
class Report:
    """
    Collects findings person by person.

    *wholly*: every contact is proved, else only those that are wrong. `wrong` is for who wants to keep those.
    """

    auditor: Auditor
    prover: Prover
    days: Days = Days()
    wholly: bool = False
    tally: Tally = field(default_factory=Tally)
    wrong: list[Proof] = field(default_factory=list)

    def add(self, person: Person) -> Iterator[Proof]:
        """Judge the person's contacts; answers the proofs to show."""
        counted = False
        everything = person.everything()
        for judged in self.auditor.judge(person):
            if not self.days.have(judged):
                continue
            counted = True
            self.tally.add(judged)
            if self.wholly or judged.wrong:
                assert person.last is not None
                yield self.prover.proof(judged, everything, person.last)
        self.tally.persons += counted

    def summary(self) -> dict[str, Any]:
        """Answer the figures as plain JSON."""
        tally = self.tally
        return {
            "contacts": sum(tally.findings.values()),
            "persons": tally.persons,
            "findings": {name: tally.findings[name] for name in FINDINGS},
            "made_as": dict(sorted(tally.kinds.items())),
            "rules_in_the_way": dict(sorted(tally.late_rules.items())),
        }

    def sentence(self) -> str:
        """Say the figures in one line."""
        tally = self.tally
        counts = ", ".join(f"{tally.findings[name]:,} {TITLES[name]}" for name in FINDINGS)
        return f"{sum(tally.findings.values()):,} contacts of {tally.persons:,} persons judged again: {counts}"


def said(proof: Proof) -> str:
    """Say a proof in words, several lines."""
    return "\n".join(lines(proof))
