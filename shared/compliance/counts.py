"""Contacts of the log, grouped as a cap or a cooldown counts them."""

from bisect import insort
from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from shared.compliance.entries import Entry
from shared.compliance.rules import Match

Signature = tuple[str, str, str, str, str]
_signature: Callable[[Entry], Signature] = attrgetter(
    "channel", "direction", "result", "party", "purpose"
)
_PERSONS = frozenset({"person", "contacted"})
_DEBT = "debt"
_NONE: list[Entry] = []


def order(entry: Entry) -> tuple[datetime, str, str]:
    """Answer what facts are sorted by: when they happened, and at one instant by source and id."""
    return entry.at, entry.src, entry.id


def values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Answer a function that reads the fields *names* as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def keys_in_order(per: tuple[str, ...]) -> tuple[str, ...]:
    """Answer the keys of a cap as they stand in a group's key: the debt last."""
    plain = tuple(name for name in per if name != _DEBT)
    return (*plain, _DEBT) if _DEBT in per else plain


class Counts:
    """Contacts that a Match counts, grouped by the keys of a cap, each group by `at`."""

    __slots__ = ("_by_debt", "_groups", "_matches", "_names", "_same", "_values", "loose")

    def __init__(self, match: Match, per: tuple[str, ...], same: dict[str, str]) -> None:
        self._matches = _matches(match)
        self._names = keys_in_order(per)
        self._by_debt = _DEBT in per
        self._values = values_of(tuple(name for name in self._names if name != _DEBT))
        self._same = same
        self._groups: dict[tuple[str, ...], list[Entry]] = {}
        self.loose: list[Entry] = []
        """Contacts that lack one of the keys: they count wherever what they do say agrees."""

    def copy(self) -> "Counts":
        """Answer an equal one that can change by itself."""
        other = copy(self)
        other._groups = {key: list(facts) for key, facts in self._groups.items()}  # noqa: SLF001
        other.loose = list(self.loose)
        return other

    def fill(self, contacts: Iterable[Entry]) -> None:
        """Add contacts that are sorted, and no earlier than those there."""
        matches = self._matches
        for contact in contacts:
            if matches[_signature(contact)]:
                for facts in self._places(contact):
                    facts.append(contact)

    def add(self, contact: Entry) -> None:
        """Add a contact where it belongs."""
        if self._matches[_signature(contact)]:
            for facts in self._places(contact):
                insort(facts, contact, key=order)

    def remove(self, contact: Entry) -> None:
        """Take out a contact that no longer counts."""
        if self._matches[_signature(contact)]:
            for facts in self._places(contact):
                facts.remove(contact)

    def facts(self, key: tuple[str | None, ...]) -> list[Entry]:
        """Answer what counts for these values (see keys_in_order; persons by identity), by `at`; None agrees with all."""
        if None in key:
            found = [
                fact
                for have, facts in self._groups.items()
                if all(want is None or want == each for want, each in zip(key, have, strict=True))
                for fact in facts
            ]
            found = list({(fact.src, fact.id): fact for fact in found}.values())
        else:
            found = self._groups.get(key, _NONE)  # type: ignore[arg-type]  # no None is left
            if not self.loose:
                return found
        found = [*found, *(fact for fact in self.loose if self._agrees(fact, key))]
        return sorted(found, key=order)

    def _agrees(self, fact: Entry, key: tuple[str | None, ...]) -> bool:
        for name, want in zip(self._names, key, strict=True):
            if want is None:
                continue
            if name == _DEBT:
                if fact.debts and want not in fact.debts:
                    return False
            elif (have := self._identified(name, getattr(fact, name))) and have != want:
                return False
        return True

    def _identified(self, name: str, value: str) -> str:
        return self._same.get(value, value) if name in _PERSONS else value

    def _places(self, contact: Entry) -> list[list[Entry]]:
        values = self._values(contact)
        debts = contact.debts
        if "" in values or (self._by_debt and not debts):
            return [self.loose]
        if self._same:
            values = tuple(map(self._identified, self._names, values))
        if not self._by_debt:
            return [self._groups.setdefault(values, [])]
        if len(debts) == 1:
            return [self._groups.setdefault((*values, debts[0]), [])]
        return [self._groups.setdefault((*values, debt), []) for debt in dict.fromkeys(debts)]


def might_match(match: Match, contact: Entry) -> bool:
    """Tell whether *contact* is one that *match* means, or could be: what the log does not say agrees."""
    return _matches(match)[_signature(contact)]


class _Matches(dict[Signature, bool]):
    """Whether contacts of a signature match; worked out once each."""

    def __init__(self, match: Match) -> None:
        super().__init__()
        self._match = match

    def __missing__(self, signature: Signature) -> bool:
        match = self._match
        channel, direction, result, party, purpose = signature
        found = self[signature] = not (
            (match.channel_in and channel and channel not in match.channel_in)
            or (match.result_in and result and result not in match.result_in)
            or (match.result_not_in and result in match.result_not_in)
            or (match.direction and direction and direction != match.direction)
            or (match.party and party and party != match.party)
            or (match.purpose and purpose and purpose != match.purpose)
            or (match.channel and channel and channel != match.channel)
        )
        return found


@lru_cache(maxsize=1024)
def _matches(match: Match) -> _Matches:
    return _Matches(match)
