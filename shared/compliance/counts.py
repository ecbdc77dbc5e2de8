"""Contacts of the log, grouped as a cap or a cooldown counts them."""

from bisect import insort
from datetime import datetime

from shared.compliance.entries import Entry
from shared.compliance.rules import Match

_PERSONS = frozenset({"person", "contacted"})
_NONE: list[Entry] = []


def order(entry: Entry) -> tuple[datetime, str, str]:
    """Answer what facts are sorted by: when they happened, and at one instant by source and id."""
    return entry.at, entry.src, entry.id


class Counts:
    """Contacts that a Match counts, grouped by the keys of a cap, each group by `at`."""

    __slots__ = ("_groups", "_match", "_per", "_same", "loose")

    def __init__(self, match: Match, per: tuple[str, ...], same: dict[str, str]) -> None:
        self._match = match
        self._per = per
        self._same = same
        self._groups: dict[tuple[str, ...], list[Entry]] = {}
        self.loose: list[Entry] = []
        """Contacts that lack one of the keys: they count wherever what they do say agrees."""

    def copy(self) -> "Counts":
        other = Counts(self._match, self._per, self._same)
        other._groups = {key: list(facts) for key, facts in self._groups.items()}
        other.loose = list(self.loose)
        return other

    def append(self, contact: Entry) -> None:
        """Add a contact that is no earlier than those before."""
        for facts in self._places(contact):
            facts.append(contact)

    def add(self, contact: Entry) -> None:
        for facts in self._places(contact):
            insort(facts, contact, key=order)

    def remove(self, contact: Entry) -> None:
        for facts in self._places(contact):
            facts.remove(contact)

    def facts(self, keys: tuple[str | None, ...]) -> list[Entry]:
        """Answer what counts for these values of the keys (persons by identity), by `at`; None agrees with all."""
        if None in keys:
            found = [
                fact
                for key, facts in self._groups.items()
                if all(want is None or want == have for want, have in zip(keys, key, strict=True))
                for fact in facts
            ]
            found = list({(fact.src, fact.id): fact for fact in found}.values())
        else:
            found = self._groups.get(keys, _NONE)  # type: ignore[arg-type]  # no None is left
            if not self.loose:
                return found
        found = [*found, *(fact for fact in self.loose if self._agrees(fact, keys))]
        return sorted(found, key=order)

    def _agrees(self, fact: Entry, keys: tuple[str | None, ...]) -> bool:
        for name, want in zip(self._per, keys, strict=True):
            if want is None:
                continue
            if name == "debt":
                if fact.debts and want not in fact.debts:
                    return False
            elif (have := self._value(fact, name)) and have != want:
                return False
        return True

    def _value(self, contact: Entry, name: str) -> str:
        value: str = getattr(contact, name)
        return self._same.get(value, value) if name in _PERSONS else value

    def _places(self, contact: Entry) -> list[list[Entry]]:
        if not might_match(self._match, contact):
            return []
        keys: list[tuple[str, ...]] = [()]
        for name in self._per:
            if name == "debt":
                values = contact.debts
            else:
                value = self._value(contact, name)
                values = (value,) if value else ()
            if not values:
                return [self.loose]
            keys = [(*key, value) for key in keys for value in dict.fromkeys(values)]
        return [self._groups.setdefault(key, []) for key in keys]


def might_match(match: Match, contact: Entry) -> bool:
    """Tell whether *contact* is one that *match* means, or could be: what the log does not say agrees."""
    channel, result = contact.channel, contact.result
    return not (
        (match.channel_in and channel and channel not in match.channel_in)
        or (match.result_in and result and result not in match.result_in)
        or (match.result_not_in and result in match.result_not_in)
        or (match.direction and contact.direction and contact.direction != match.direction)
        or (match.party and contact.party and contact.party != match.party)
        or (match.purpose and contact.purpose and contact.purpose != match.purpose)
        or (match.channel and channel and channel != match.channel)
    )
