"""
Change a pack in one place, so that it can be asked which case would notice.

Every rule is dropped; every number is made one more and one less, every local time a minute later and earlier,
every date of validity a day, every period (P3Y) one longer and shorter; every word of a list, and every field that a rule
can do without, is left out. What only describes (titles, sources, citations, grades) is not changed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
from typing_extensions import override

from shared.canonical import canonical
from shared.compliance.checking import problems
from shared.compliance.loading import sealed
from shared.compliance.pack import Pack
from shared.yaml_lines import Place, named

_DESCRIBES = frozenset(
    {
        "id",
        "kind",
        "source",
        "cite",
        "strength",
        "evidence",
        "force",
        "applicability",
        "note",
        "use",
        "not_extendable",
        "candidates",
    }
)
_PARTS = ("select", "rules", "derive", "clocks", "retain", "effective", "zones", "calendar")
_STRETCH = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)\Z")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d\Z")
_PERIOD = re.compile(r"^P(\d+)([YMD])\Z")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed pack: what was changed, where, and whether it is a rule or number, or a word of a list."""

    pack: Pack
    place: Place
    what: str
    word: bool = False

    @override
    def __str__(self) -> str:
        """Say where and what, as in `cn-bank-consumer: rules[1].max: 3 -> 4`."""
        return f"{self.pack.pack}: {named(self.place)}{self.what}"


def mutants(pack: Pack) -> Iterator[Mutant]:
    """Answer every *pack* that differs in one place, in the order of its file; those that the loader would refuse, and what only spells a default, are left out."""
    bare = msgspec.structs.replace(pack, digest="")
    plain = msgspec.json.decode(canonical(bare))
    for index in range(len(pack.rules)):
        without = [rule for number, rule in enumerate(plain["rules"]) if number != index]
        changed = msgspec.convert({**plain, "rules": without}, Pack)
        yield Mutant(sealed(changed), ("rules", index), "dropped")
    for part in _PARTS:
        for place, value, other, word in _changes(plain.get(part), (part,)):
            try:
                changed = msgspec.convert(_with(plain, place, other), Pack)
            except msgspec.ValidationError:
                continue
            if changed == bare or next(problems(changed), None) is not None:
                continue
            shown = "dropped" if other is _GONE else f"-> {other}"
            yield Mutant(sealed(changed), place, f"{value} {shown}", word)


_GONE = object()


def _changes(node: Any, place: Place) -> Iterator[tuple[Place, Any, Any, bool]]:
    """Answer (place, value, other value, whether a word) for everything below *node* that can be changed."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in _DESCRIBES or value is None:
                continue
            yield (*place, name), _shown(value), _GONE, True
            yield from _changes(value, (*place, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if place != ("rules",) and len(node) > 1:
                yield (*place, index), _shown(value), _GONE, True
            yield from _changes(value, (*place, index))
    else:
        for other in _others(node):
            yield place, node, other, False


def _others(value: Any) -> Iterator[Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (value + 1, value - 1)
    elif isinstance(value, str) and (stretch := _STRETCH.match(value)):
        first, last = (int(stretch[n]) * 60 + int(stretch[n + 1]) for n in (1, 3))
        for change in (1, -1):
            yield f"{_clock(first + change)}-{_clock(last)}"
            yield f"{_clock(first)}-{_clock(last + change)}"
    elif isinstance(value, str) and _DAY.match(value):
        for change in (1, -1):
            yield (date.fromisoformat(value) + timedelta(days=change)).isoformat()
    elif isinstance(value, str) and (period := _PERIOD.match(value)):
        for change in (1, -1):
            yield f"P{int(period[1]) + change}{period[2]}"


def _clock(minutes: int) -> str:
    minutes = minutes if minutes == _DAY_MINUTES else minutes % _DAY_MINUTES
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _shown(value: Any) -> Any:
    return value.get("party", value.get("kind", value)) if isinstance(value, dict) else value


def _with(node: Any, place: Place, value: Any) -> Any:
    """Answer *node* with *value* at *place*; _GONE takes what stands there away."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    copy: Any = dict(node) if isinstance(node, dict) else list(node)
    if not rest and value is _GONE:
        del copy[step]
    else:
        copy[step] = _with(node[step], rest, value)
    return copy
