"""Load rule packs from YAML files; what is wrong is said with the file, the line, the field and the mend."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from shared.canonical import digest
from shared.compliance.checking import problems
from shared.compliance.pack import Pack
from shared.yaml_lines import Document, YamlError, read_all

_OF_CALENDAR = re.compile(r"^(?P<mode>[a-z_]+)\((?P<calendar>[A-Z-]+)\)\Z")
SUFFIXES = (".yaml", ".yml")
_EXPECTED = "a pack is a mapping with `pack`, `version` and `rules`"


class PackError(ValueError):
    """The packs cannot be used; the message holds file, line, field and what to write instead."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A pack, and where it and its rules stand."""

    pack: Pack
    document: Document[Pack]

    def where(self, index: int | None = None) -> str:
        """Answer `file:line` of the pack, or of its rule number *index*."""
        line = self.document.line("pack") if index is None else self.document.line("rules", index)
        return f"{self.document.path.name}:{line}"


def load_packs(place: Path) -> tuple[Pack, ...]:
    """
    Read all packs in the file, or in all YAML files of the folder, *place*, in the order of names and documents.

    Each pack's `digest` is the SHA-256 of its canonical content: comments, layout and the order of keys do not
    count, the order of rules does. Raises PackError; OSError when *place* cannot be read.
    """
    return tuple(each.pack for each in read_packs(place))


def usable_packs(place: Path) -> tuple[tuple[Pack, ...], tuple[str, ...]]:
    """
    Read the packs in *place* that can be used, each for itself, and say of the others why not.

    For trying packs out: a rule's id may stand in several (variants of one law), and of packs with one name the first
    counts. Raises OSError when *place* cannot be read.
    """
    packs: dict[str, Pack] = {}
    wrong: list[str] = []
    for path in _files(place):
        try:
            for placed in _packs_of(path):
                pack = placed.pack
                if packs.setdefault(pack.pack, pack) is not pack:
                    wrong.append(f"{placed.where()}: {pack.pack!r} stands in another file too")
        except PackError as error:
            wrong.append(str(error))
    return tuple(packs.values()), tuple(wrong)


def read_packs(place: Path) -> tuple[Placed, ...]:
    """Read packs as load_packs does, and keep where they stand."""
    packs: dict[str, Placed] = {}
    rules: dict[str, str] = {}
    for placed in chain.from_iterable(map(_packs_of, _files(place))):
        pack, document = placed.pack, placed.document
        if (other := packs.get(pack.pack)) is not None:
            raise PackError(
                str(
                    document.error(
                        f"{pack.pack!r} stands in {other.where()} too; load one version of a pack and date its "
                        "rules by `effective`",
                        "pack",
                    )
                )
            )
        packs[pack.pack] = placed
        for index, rule in enumerate(pack.rules):
            if rule.id in rules:
                raise PackError(
                    str(
                        document.error(
                            f"{rule.id!r} stands in {rules[rule.id]} too; an id names one rule",
                            *("rules", index, "id"),
                        )
                    )
                )
            rules[rule.id] = placed.where(index)
    return tuple(packs.values())


def lacks_sign_off(place: Path) -> bool:
    """Tell whether a pack in *place* is not marked for production; what cannot be read fails where it is loaded."""
    try:
        return not all(pack.production for pack in load_packs(place))
    except (PackError, OSError):
        return False


def sealed(pack: Pack) -> Pack:
    """Answer *pack* with the digest of its content."""
    bare = msgspec.structs.replace(pack, digest="")
    return msgspec.structs.replace(bare, digest=digest(bare))


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    files = sorted(each for each in place.iterdir() if each.suffix in SUFFIXES)
    if not files:
        raise PackError(f"{place}: holds no file that ends in .yaml")
    return files


def _packs_of(path: Path) -> Iterator[Placed]:
    try:
        for document in read_all(path, Pack, _EXPECTED, mapping=_spelt_out):
            pack = document.value
            if pack.digest:
                raise document.error("the digest follows from the content: delete it", "digest")
            for where, problem in problems(pack):
                raise document.error(problem, *where)
            yield Placed(sealed(pack), document)
    except YamlError as error:
        raise PackError(str(error)) from None


def _spelt_out(values: dict[str, Any]) -> dict[str, Any]:
    """Answer `mode: business_days(CN)`, as RULES.md section 3 writes it, as a mode and its calendar."""
    mode = values.get("mode")
    if isinstance(mode, str) and "calendar" not in values and (match := _OF_CALENDAR.match(mode)):
        return {**values, "mode": match["mode"], "calendar": match["calendar"]}
    return values
