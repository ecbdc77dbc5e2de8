"""The work of `arrears packs`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from shared.cli.output import fail
from shared.compliance.calendars import CalendarError, load_calendars
from shared.compliance.casefile import CaseError, Suite, read_cases
from shared.compliance.differing import between, differences
from shared.compliance.linting import Finding, findings, unnoticed, where
from shared.compliance.loading import SUFFIXES, PackError, Placed, load_packs, read_packs
from shared.compliance.pack import Pack
from shared.compliance.period_cases import PeriodCaseError, read_periods
from shared.compliance.rules import AnyRule, Validity
from shared.compliance.vocabulary import SELECTORS
from shared.compliance.words import applies_to, demand, in_force, origin

_BROKEN = (PackError, CaseError, CalendarError, PeriodCaseError, OSError)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command prints: `lines` and the same as `data` for JSON; `notes` are for people only."""

    lines: list[str]
    data: Any
    notes: tuple[str, ...] = ()
    failed: bool = False

    def as_json(self) -> str:
        """Answer the data as text."""
        return msgspec.json.format(msgspec.json.encode(self.data), indent=2).decode()


def listed(place: Path, on: date | None, whom: Sequence[str]) -> Told:
    """Tell of the packs in *place* that are in force *on* a day and apply to *whom* (field=value)."""
    wanted = dict(_selector(text) for text in whom)
    packs = [pack for pack in _read(place) if _selected(pack.pack, wanted)]
    rows = [_row(each, on) for each in packs if _valid(each.pack.effective, on)]
    lines = [
        f"{row['pack']} {row['version']} ({row['digest'][:12]}){' for production' if row['production'] else ''}\n"
        f"  for {row['for']}; in force {row['in_force']}; {row['rules']} rules, {row['memory']} rest on memory"
        + "".join(f"\n  {line}" for line in row["dated"])
        for row in rows
    ]
    return Told(lines, rows, (f"{len(rows)} packs",))


def shown(place: Path, name: str, on: date | None) -> Told:
    """Tell what the pack or the rule *name* demands."""
    packs = _read(place)
    if (placed := next((each for each in packs if each.pack.pack == name), None)) is not None:
        return _shown(placed, on)
    data = [rule for each in packs for rule in _rules(each, on) if rule["rule"] == name]
    if not data:
        fail(f"{place} holds no pack and no rule called {name!r}; see `arrears packs list`")
    return Told([_said(each) for each in data], data)


def _shown(placed: Placed, on: date | None) -> Told:
    pack, row, rules = placed.pack, _row(placed, on), _rules(placed, on)
    head = [
        f"{pack.name}{': ' if pack.title else ''}{pack.title}",
        f"for {row['for']}; in force {row['in_force']}; zones: {pack.zones.default or 'the proposal says'}",
        "",
    ]
    lines = [*head, *(_said(each) for each in rules), *_clocks(pack), *_sources(pack)]
    return Told(lines, {**row, "all_rules": rules})


def differing(place: Path, old: str, new: str) -> Told:
    """Tell where *old* and *new* differ: names of packs in *place*, or files or folders."""
    named = {placed.pack.pack: placed.pack for placed in _read(place)}
    first, second = (_side(text, named) for text in (old, new))
    if len(first) == len(second) == 1:
        found = list(between(next(iter(first.values())), next(iter(second.values()))))
    else:
        found = list(differences(first, second))
    lines = [str(each) for each in found] or ["no difference"]
    return Told(lines, [msgspec.to_builtins(each) for each in found], failed=bool(found))


def linted(
    place: Path, cases: Sequence[Path], periods: Path | None, calendars: Path, *, words: bool
) -> Told:
    """Tell what is wrong or doubtful in *place*, and which changes no case would notice."""
    packs = _read(place)
    found = list(findings(packs))
    changes = 0
    try:
        suites = [*_suites(cases)]
        worked = read_periods(periods) if periods else ()
        if suites or worked:
            known = load_calendars(calendars)
            for placed, mutant, noticed in unnoticed(packs, suites, worked, known, words=words):
                changes += 1
                if not noticed:
                    found.append(Finding("unnoticed", "", where(placed, mutant)))
    except _BROKEN as error:
        fail(str(error))
    counts = {
        level: sum(each.level == level for each in found)
        for level in ("error", "warning", "memory", "unnoticed")
    }
    rules = sum(len(each.pack.rules) for each in packs)
    total = (
        f"{len(packs)} packs, {rules} rules: {counts['error']} errors, {counts['warning']} warnings, "
        f"{counts['memory']} rest on memory"
    )
    if changes:
        total += f"; {changes} changes, {counts['unnoticed']} that no case notices"
    lines = [
        f"{each.level}: {f'{each.where}: ' if each.where else ''}{each.text}" for each in found
    ]
    failed = bool(counts["error"] or counts["unnoticed"])
    data: dict[str, Any] = {"packs": len(packs), "rules": rules, "changes": changes, **counts}
    data["findings"] = [msgspec.to_builtins(each) for each in found]
    return Told([*lines, total], data, failed=failed)


def _read(place: Path) -> tuple[Placed, ...]:
    try:
        return read_packs(place)
    except _BROKEN as error:
        fail(str(error))


def _side(text: str, named: dict[str, Pack]) -> dict[str, Pack]:
    if text in named:
        return {text: named[text]}
    if not (path := Path(text)).exists():
        fail(f"{text!r} is neither a pack ({', '.join(named)}) nor a file or folder")
    try:
        return {pack.pack: pack for pack in load_packs(path)}
    except _BROKEN as error:
        fail(str(error))


def _suites(places: Sequence[Path]) -> Iterator[Suite]:
    for place in places:
        files = [place]
        if place.is_dir():
            files = sorted(each for each in place.iterdir() if each.suffix in SUFFIXES)
        yield from map(read_cases, files)


def _selector(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not equals or field not in SELECTORS:
        fail(f"--for: {text!r} is not field=value with a field of {', '.join(sorted(SELECTORS))}")
    return field, value


def _selected(pack: Pack, wanted: dict[str, str]) -> bool:
    return all(wanted[field] in values for field, values in pack.select.items() if field in wanted)


def _valid(validity: Validity | None, on: date | None) -> bool:
    if validity is None or on is None:
        return True
    return (validity.from_ or on) <= on <= (validity.to or on)


def _row(placed: Placed, on: date | None) -> dict[str, Any]:
    pack = placed.pack
    rules = [rule for rule in pack.rules if _valid(rule.effective or pack.effective, on)]
    return {
        "pack": pack.pack,
        "version": pack.version,
        "digest": pack.digest,
        "title": pack.title,
        "where": placed.where(),
        "production": pack.production,
        "for": applies_to(pack),
        "select": pack.select,
        "in_force": in_force(pack.effective),
        "rules": len(rules),
        "memory": sum(rule.evidence == "memory" for rule in rules),
        "dated": [
            f"{rule.id}: in force {in_force(rule.effective)}" for rule in rules if rule.effective
        ],
    }


def _rules(placed: Placed, on: date | None) -> list[dict[str, Any]]:
    return [
        _rule(placed, index, rule)
        for index, rule in enumerate(placed.pack.rules)
        if _valid(rule.effective or placed.pack.effective, on)
    ]


def _rule(placed: Placed, index: int, rule: AnyRule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "pack": placed.pack.pack,
        "where": placed.where(index),
        "demands": demand(rule),
        "origin": origin(rule),
        "in_force": in_force(rule.effective or placed.pack.effective),
        "as_written": msgspec.to_builtins(rule),
    }


def _said(rule: dict[str, Any]) -> str:
    return f"{rule['rule']} ({rule['where']})\n  {rule['demands']}\n  {rule['origin']}; in force {rule['in_force']}"


def _clocks(pack: Pack) -> Iterator[str]:
    for name, clock in pack.clocks.items():
        lengths = {
            each: getattr(clock, each) for each in ("years", "months", "days", "min_gap_days")
        }
        length = ", ".join(
            f"{value} {each}" for each, value in lengths.items() if value is not None
        )
        yield f"clock {name}: {length} {clock.period or ''}; evidence {clock.evidence}"
    for name, kept in pack.retain.items():
        period = kept.min or kept.after_last_activity or kept.after_call
        yield f"keep {name}: {period} ({kept.source or kept.cite})"


def _sources(pack: Pack) -> Iterator[str]:
    for key, source in pack.sources.items():
        parts = (
            source.title,
            source.issuer,
            source.force,
            source.articles and f"Arts. {source.articles}",
        )
        yield f"source {key}: {', '.join(filter(None, parts))}"
