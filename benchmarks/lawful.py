"""
Replay the cardholders of the tape under other countries' rules, with what people say made up, and audit every contact.

The tape is moved to the country and to 2026 (placing.py), seeded.py adds what customers, people at the phone and agencies do,
and the deciders answer it as in production. Each part of the tape is lived in a process of its own; the figures do not
depend on how many there are.
"""

import dataclasses
import gzip
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

from msgspec.structs import replace

from benchmarks.people import PEOPLE
from benchmarks.placing import PLACES, first_missed, missed_at_last, moved
from benchmarks.replaying import MAPPING
from benchmarks.seeded import seeded
from benchmarks.seeded_life import Life
from benchmarks.tables import table
from shared.collector import collect_less
from shared.decision import Reactor
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import FollowUpDue
from shared.lawful.judging import FINDINGS, WRONG
from shared.lawful.replayed import audited
from shared.lawful.report import said
from shared.replay.reading import Inputs, read
from shared.replay.run import Replayed, all_reactors, replay
from shared.sandbox.chance import Draws
from shared.services import standing, strategy
from shared.tape import import_tape
from shared.vault.sharing import counted

YEARS = 21
"""The tape is of 2005; 2026 has the packs in force."""
UNTIL = datetime(2027, 3, 15, tzinfo=UTC)
"""The lives of the tape go on until then: past the day on which the last rule of the packs comes into force."""
PART = 1_000
"""So many rows of the tape are lived together; who is merged with whom follows from it."""
AT_LAST = 20
"""Of so many customers of the tape one, if nothing of theirs was ever late, is late in January 2027."""
SHARED, FILES = 0.10, 4
"""The share of customers whose number stands in several files, and in how many at most."""
_PROOFS = 3
COURTS = ("gb", "eu")
"""Where the standard policy of legal names no court."""
SILENT: dict[str, str] = {
    "CN.AI.LABEL": "calls of the standard strategy have a human voice",
}
"""Rules that nothing in production can meet so far, and why."""
KINDS = ("window", "declared_window", "cap", "cooldown", "party", "hold", "optout", "fresh", "precondition", "content", "conduct", "clock")  # fmt: skip


@dataclass
class Figures:
    """What came of lives: counts, milliseconds of CPU, the packs that judged them, and proofs of what is wrong."""

    customers: int = 0
    facts: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    packs: Counter[str] = field(default_factory=Counter)
    millis: Counter[str] = field(default_factory=Counter)
    proofs: list[str] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Add those of other lives."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def wrong(self) -> int:
        """How many contacts are bypasses or faults of the engine."""
        return sum(self.findings[name] for name in WRONG)


def run(tape: Path, customers: int, rules: str = "", processes: int = 2, plant: str = "") -> None:
    """Replay and audit under the rules named (none: all), and print; without the tape it says so."""
    if not tape.exists():
        print(f"## lawful: skipped, {tape} is not there\n")
        return
    for name in [rules] if rules else PLACES:
        total = Figures()
        with tempfile.TemporaryDirectory() as folder:
            parts = _parts(tape, customers, Path(folder))
            pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
            with pool:
                for figures in pool.map(partial(_part, rules=name, plant=plant), parts):
                    total.add(figures)
        print("\n".join(report(total, name)))


def _parts(tape: Path, customers: int, folder: Path) -> Iterator[Path]:
    """Write the tape in parts of so many rows, each with the header, and answer them."""
    with gzip.open(tape, "rb") as rows:
        head = next(rows)
        rest = islice(rows, customers or None)
        for number in range(10**6):
            part = list(islice(rest, PART))
            if not part:
                return
            path = folder / f"{number:06d}.csv"
            path.write_bytes(head + b"".join(part))
            yield path


def _part(path: Path, rules: str, plant: str) -> Figures:
    collect_less()
    events = path.with_suffix(".jsonl")
    import_tape(path, MAPPING, events)
    inputs = with_declarations(read(events), rules, seed=1)
    events.unlink()
    return lived(inputs, until=UNTIL, plant=plant)


def with_declarations(inputs: Inputs, rules: str, seed: int, years: int = YEARS) -> Inputs:
    """Answer the inputs moved to a country and so many *years* ahead, with what people say added."""
    names = sorted(inputs.events)
    told = Inputs(lines=inputs.lines)
    for number, name in enumerate(names):
        place = PLACES[rules][number % len(PLACES[rules])]
        own = [moved(event, place, years) for event in inputs.events[name]]
        if years and number % AT_LAST == 0 and first_missed(own) is None:
            own += missed_at_last(own)
        told.events[name] = own
        draws = Draws("shared", seed, rules, name)
        if draws.share() < SHARED:
            k, since = draws.within(2, FILES), min(event.time for event in own)
            share = (k, draws.within(0, k - 1))
            told.counted[name] = [counted((name, "mobile-1"), share, (name, since, "seeded"))]
    late = [(name, missed) for name in names if (missed := first_missed(told.events[name]))]
    for number, (name, missed) in enumerate(late):
        draws = Draws("lawful", seed, rules, name)
        neighbour = late[number - 1][0] if number % 2 else None
        life = Life(name, missed.data.account_id, missed.time, rules, draws, [])  # type: ignore[attr-defined]
        told.events[name] += seeded(life, neighbour)
    return told


def lived(inputs: Inputs, until: datetime | None = None, plant: str = "") -> Figures:
    """Live the lives with people at the phone, audit every contact, and answer the figures; *plant*: see planted()."""
    policy = strategy(None)
    reactors = [_suing(each) for each in all_reactors(planted(policy, plant) if plant else policy)]
    began = process_time()
    replayed = replay(inputs, reactors=[*reactors, PEOPLE], standing=standing(), until=until)
    replaying = process_time() - began
    began = process_time()
    report = audited(inputs.events, (entry.event for entry in replayed.published), policy)
    millis = Counter(replaying=int(1000 * replaying), auditing=int(1000 * (process_time() - began)))
    tally = report.tally
    return Figures(
        customers=len(inputs.events),
        facts=Counter(given=len(inputs), published=len(replayed.published)),
        findings=+tally.findings,
        made=+tally.kinds,
        refusals=refusals(replayed),
        late=+tally.late_rules,
        packs=_packs(replayed),
        millis=millis,
        proofs=[said(proof) for proof in report.wrong[:_PROOFS]],
    )


def _suing(reactor: Reactor[Any]) -> Reactor[Any]:
    """Answer the service; legal's with a court in all places, so that the rules on claims have something to forbid."""
    if reactor.name != "legal":
        return reactor
    courts = {place.jurisdiction.country: "any-court" for name in COURTS for place in PLACES[name]}
    policy = replace(reactor.policy, courts={**courts, **reactor.policy.courts})
    return dataclasses.replace(reactor, policy=policy)


def planted(policy: Any, rule: str) -> Any:
    """Answer the policy with a fault: its gate lets this rule through, and says that it rests on the same packs."""
    there = [each.id for pack in policy.packs for each in pack.rules]
    if rule not in there:
        raise ValueError(f"no rule {rule!r}; there are {', '.join(sorted(there))}")
    packs = tuple(
        replace(pack, rules=tuple(each for each in pack.rules if each.id != rule))
        for pack in policy.packs
    )
    return replace(policy, packs=packs)


def refusals(replayed: Replayed) -> Counter[str]:
    """Count how often each rule refused: a step's choices (once for each set of rules), people and services."""
    return Counter(
        rule
        for entry in replayed.published
        if isinstance(entry.event.data, PermitRefused)
        for rule in {reason.rule for reason in entry.event.data.reasons}
    )


def kinds(packs: Iterable[str] | None = None) -> dict[str, str]:
    """Answer the rules of the packs of these names (None: of all that ship), and the kind of each."""
    return {
        rule.id: str(type(rule).__struct_config__.tag)
        for pack in strategy(None).packs
        if packs is None or pack.name in packs
        for rule in pack.rules
        if rule.effect == "block"
    }


def by_kind(figures: Figures) -> Counter[str]:
    """Count refusals by the kind of the rule; what stops a case without a rule of a pack is of kind `case`."""
    known = kinds()
    found: Counter[str] = Counter()
    for rule, count in figures.refusals.items():
        found[known.get(rule, "case")] += count
    return found


def _packs(replayed: Replayed) -> Counter[str]:
    """Count the permits that each pack had a part in."""
    found: Counter[str] = Counter()
    for entry in replayed.published:
        match entry.event.data:
            case PermitGranted() as data:
                found.update(data.permit.packs)
            case FollowUpDue() as data:
                for choice in data.choices:
                    found.update(choice.permit.packs if choice.permit is not None else ())
            case _:
                pass
    return found


def report(figures: Figures, name: str) -> Iterator[str]:
    """Say the figures as Markdown."""
    facts, millis = figures.facts, figures.millis
    yield f"## lawful: {figures.customers:,} cardholders under {name.upper()} rules\n"
    yield (
        f"{facts['given']:,} facts given, {facts['published']:,} published; "
        f"{millis['replaying'] / 1000:.0f} CPU s to replay, {millis['auditing'] / 1000:.0f} CPU s to audit\n"
    )
    yield table(("finding", "contacts"), [(each, figures.findings[each]) for each in FINDINGS])
    yield "\n" + table(("made as", "contacts"), sorted(figures.made.items()))
    applied, found = kinds(figures.packs), by_kind(figures)
    yield "\n" + table(("kind", "rules that apply", "refusals"), list(_kinds(applied, found)))
    known = kinds()
    rules = sorted({*figures.refusals, *figures.late, *applied}, key=lambda each: (known.get(each, ""), each))  # fmt: skip
    rows = [
        (known.get(each, "case"), each, figures.refusals[each], figures.late[each], "" if figures.refusals[each] else SILENT.get(each, ""))
        for each in rules
    ]  # fmt: skip
    yield "\n" + table(("kind", "rule", "refusals", "contacts in its way as known now", "why none"), rows)  # fmt: skip
    silent = [each for each in applied if not figures.refusals[each] and each not in SILENT]
    yield f"\nrules that apply, could refuse and did not: {', '.join(sorted(silent)) or 'none'}"
    yield f"no bypass and no fault of the engine: {'MISSED' if figures.wrong else 'met'}\n"
    yield from figures.proofs[:_PROOFS]


def _kinds(applied: dict[str, str], found: Counter[str]) -> Iterator[Sequence[object]]:
    for kind in (*KINDS, "case"):
        rules = sum(each == kind for each in applied.values())
        if kind == "case":
            yield kind, "(holds of the case)", found[kind]
        else:
            yield kind, rules or "none", found[kind] if rules or found[kind] else "cannot occur"
