"""Replay the cardholders of the tape under another country's rules, with what people say made up, and audit every contact.

The tape is moved to the country and to 2026; seeded.py adds opt-outs, disputes, mergers, late letters, declared times,
consents, agencies and requests for leave. Printed: what the audit found, and refusals by rule and kind of rule.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import process_time

from msgspec import Struct
from msgspec.structs import asdict, replace

from benchmarks.replaying import MAPPING, shortened
from benchmarks.seeded import Life, seeded
from benchmarks.tables import table
from shared.collector import collect_less
from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentMissed,
)
from shared.events.envelope import Event
from shared.events.jsonl import write_line
from shared.events.permits import PermitRefused
from shared.lawful.judging import FINDINGS
from shared.lawful.replayed import audited
from shared.lawful.report import said
from shared.replay.reading import Inputs, read
from shared.replay.run import Replayed, all_reactors, replay
from shared.sandbox.chance import Draws
from shared.services import standing, strategy
from shared.tape import import_tape

YEARS = 21
"""The tape is of 2005; 2026 has the packs in force."""
ALL = 30_000


@dataclass(frozen=True)
class Place:
    """Where the cardholders are said to live, and who collects."""

    jurisdiction: Jurisdiction
    region: str
    zones: tuple[str, ...]
    role: str
    language: str = "en"


PLACES: dict[str, tuple[Place, ...]] = {
    "CN": (
        Place(Jurisdiction(country="CN"), "CN-SH", ("Asia/Shanghai",), "first_party", "zh-CN"),
        Place(Jurisdiction(country="CN"), "XJ", ("Asia/Shanghai",), "first_party", "zh-CN"),
    ),
    "US": (
        Place(Jurisdiction(country="US", state="NY"), "NYC", ("America/New_York",), "third_party"),
        Place(
            Jurisdiction(country="US", state="CA"), "US-CA", ("America/Los_Angeles", "America/New_York"), "third_party",
        ),
        Place(Jurisdiction(country="US", state="MA"), "US-MA", ("America/New_York",), "first_party"),
    ),
}  # fmt: skip


def run(tape: Path, customers: int, seed: int = 1) -> None:
    """Replay and audit under each country's rules, and print; without the tape it says so."""
    if not tape.exists():
        print(f"## lawful: skipped, {tape} is not there\n")
        return
    for country in PLACES:
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events.jsonl"
            import_tape(shortened(tape, customers, Path(folder)), MAPPING, events)
            inputs = with_declarations(read(events), country, seed)
        _report(country, inputs)


def with_declarations(inputs: Inputs, country: str, seed: int, years: int = YEARS) -> Inputs:
    """Answer the inputs moved to the country and so many *years* ahead, with what people say added."""
    names = sorted(inputs.events)
    moved = Inputs(lines=inputs.lines)
    for number, name in enumerate(names):
        place = PLACES[country][number % len(PLACES[country])]
        own = [_moved(event, place, years) for event in inputs.events[name]]
        moved.events[name] = own
    late = [(name, missed) for name in names if (missed := _missed(moved.events[name]))]
    for number, (name, missed) in enumerate(late):
        draws = Draws("lawful", seed, country, name)
        neighbour = late[number - 1][0] if number % 2 else None
        life = Life(name, missed.data.account_id, missed.time, country, draws, [])  # type: ignore[attr-defined]
        moved.events[name] += seeded(life, neighbour)
    return moved


def _report(country: str, inputs: Inputs) -> None:
    policy = strategy(None)
    collect_less()
    began = process_time()
    replayed = replay(inputs, reactors=all_reactors(policy), standing=standing())
    replaying = process_time() - began
    began = process_time()
    report = audited(inputs.events, (entry.event for entry in replayed.published), policy)
    auditing = process_time() - began
    kinds = {
        rule.id: str(type(rule).__struct_config__.tag)
        for pack in policy.packs
        for rule in pack.rules
    }
    print(
        f"## lawful: {len(inputs.events):,} cardholders under {country} rules, {len(inputs):,} facts\n\n"
        f"{replaying:.0f} CPU s to replay, {auditing:.0f} CPU s to audit\n"
    )
    tally, refused = report.tally, refusals(replayed)
    print(table(("finding", "contacts"), [(name, tally.findings[name]) for name in FINDINGS]))
    print()
    print(table(("made as", "contacts"), sorted(tally.kinds.items())))
    print()
    rows = [
        (kinds.get(rule, "case"), rule, refused[rule], tally.late_rules[rule])
        for rule in sorted({*refused, *tally.late_rules}, key=lambda r: (kinds.get(r, ""), r))
    ]
    print(table(("kind", "rule", "refusals", "contacts in its way as known now"), rows))
    missing = sorted(_kinds_of(policy.packs, country) - {row[0] for row in rows if row[2]})
    print(f"\nkinds of rules that refused nothing: {', '.join(missing) or 'none'}")
    verdict = "met" if not tally.wrong else "MISSED"
    print(f"no bypass and no fault of the engine: {verdict}\n")
    for proof in report.wrong[:5]:
        print(said(proof))


def refusals(replayed: Replayed) -> Counter[str]:
    """Count how often each rule refused: a step's choices (once for each set of rules), people and services."""
    return Counter(
        rule
        for entry in replayed.published
        if isinstance(entry.event.data, PermitRefused)
        for rule in {reason.rule for reason in entry.event.data.reasons}
    )


def _kinds_of(packs: Iterable[object], country: str) -> set[str]:
    """Answer the kinds of rules in the packs that this country's cardholders are under."""
    return {
        str(type(rule).__struct_config__.tag)
        for pack in packs
        if country in pack.select.get("debtor_country", (country,))  # type: ignore[attr-defined]
        for rule in pack.rules  # type: ignore[attr-defined]
    }


def _missed(events: Iterable[Event]) -> Event | None:
    """Answer the first missed payment."""
    missed = [event for event in events if isinstance(event.data, PaymentMissed)]
    return min(missed, key=lambda event: event.time, default=None)


def _moved(event: Event, place: Place, years: int) -> Event:
    data = _later(event.data, years)
    if isinstance(data, CustomerUpdated):
        family = ContactPoint(
            point_id="family-1", kind="mobile", zones=place.zones, party="contact_person",
            obtained_via="application_form",
        )  # fmt: skip
        points = [point for point in data.contact_points if point.point_id != family.point_id]
        data = replace(
            data, jurisdiction=place.jurisdiction, region=place.region, time_zones=place.zones,
            language=place.language,
            contact_points=(*(replace(point, zones=place.zones) for point in points), family),
        )  # fmt: skip
    elif isinstance(data, AccountUpdated):
        data = replace(data, collector_role=place.role)
    return replace(event, time=_shift(event.time, years), data=data)


def _later(data: Struct, years: int) -> Struct:
    dates = {name: value for name, value in asdict(data).items() if isinstance(value, date)}
    return replace(data, **{name: _shift(value, years) for name, value in dates.items()})


def _shift(day: date, years: int) -> date:
    return day.replace(year=day.year + years) if years else day


def lines(inputs: Inputs) -> Iterator[bytes]:
    """Answer the inputs as a file's lines, for `arrears replay` and `arrears audit`."""
    for name in sorted(inputs.events):
        yield from map(write_line, inputs.events[name])
