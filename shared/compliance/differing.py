"""Where two packs, or two folders of packs, differ: rule by rule and field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from typing_extensions import override

from shared.canonical import canonical
from shared.compliance.pack import Pack
from shared.compliance.words import demand


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: `old` and `new` are None where it is missing on that side."""

    pack: str
    rule: str
    field: str
    old: Any
    new: Any

    @override
    def __str__(self) -> str:
        """Say it in a line."""
        what = " ".join(filter(None, (self.pack, self.rule, self.field)))
        if self.old is None:
            return f"+ {what}: {_short(self.new)}"
        if self.new is None:
            return f"- {what}: {_short(self.old)}"
        return f"~ {what}: {_short(self.old)} -> {_short(self.new)}"


def differences(old: Mapping[str, Pack], new: Mapping[str, Pack]) -> Iterator[Difference]:
    """Answer every difference of packs with equal names, in their order; the order of rules is none."""
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            present = before or after
            assert present is not None, "the name is from one of the two"
            words = f"{present.name}, {len(present.rules)} rules"
            yield Difference(name, "", "", words if before else None, words if after else None)
        else:
            yield from between(before, after)


def between(before: Pack, after: Pack) -> Iterator[Difference]:
    """Answer every difference of two packs: the head, then the rules by their ids."""
    name = after.pack if before.pack == after.pack else f"{before.pack}/{after.pack}"
    first, second = (_fields(each) for each in (before, after))
    yield from _fields_differ(name, "", first, second, "")
    ours, theirs = ({rule.id: rule for rule in each.rules} for each in (before, after))
    for rule_id in [*ours, *(rule_id for rule_id in theirs if rule_id not in ours)]:
        one, other = ours.get(rule_id), theirs.get(rule_id)
        if one is None or other is None:
            said = [demand(each) if each is not None else None for each in (one, other)]
            yield Difference(name, rule_id, "", *said)
        else:
            plain, changed = _plain(one), _plain(other)
            yield from _fields_differ(name, rule_id, plain, changed, "")


def _fields(pack: Pack) -> dict[str, Any]:
    return {key: value for key, value in _plain(pack).items() if key not in ("digest", "rules")}


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(canonical(value))
    return plain


def _fields_differ(pack: str, rule: str, old: Any, new: Any, field: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            below = f"{field}.{key}" if field else key
            yield from _fields_differ(pack, rule, old.get(key), new.get(key), below)
    elif old != new:
        yield Difference(pack, rule, field, old, new)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
