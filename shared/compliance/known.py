"""The folded log of one customer: what is known, in any order and however often it was told."""

from bisect import insort
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from shared.compliance.counts import Counts, order
from shared.compliance.entries import Entry
from shared.compliance.rules import Match

Key = tuple[str, str]
_ENCODER = msgspec.json.Encoder()
_CONSENT, _MERGED, _CONTACT = "consent", "person.merged", "contact"


class Known:
    """
    What is known of one customer: entries, each counted once, indexed for the rules of a Gate.

    `Known(entries)` folds a log; `add` tells one more fact in place, `with_entry` answers a new Known and leaves this one.
    The result depends on the set of entries alone, never on their order or repeats. Entries with the same `src` and
    `id` are versions of one fact: of those known, one that is not pending counts before one that is, then the one
    recorded later, then the greater by content. Instants must have an offset (ValueError).

    A Known is mutable and not safe between threads; `as_of` answers what was known at an instant.
    """

    __slots__ = (
        "_as_of",
        "_counts",
        "_digest",
        "_digests",
        "_latest",
        "_of",
        "_same",
        "_versions",
    )

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._versions: dict[Key, tuple[Entry, ...]] = {}
        self._of: dict[str, list[Entry]] = {}
        self._digests: list[bytes] = []
        self._digest = ""
        self._latest: datetime | None = None
        self._same: dict[str, str] = {}
        self._counts: dict[tuple[Match, tuple[str, ...]], Counts] = {}
        self._as_of: tuple[datetime, Known] | None = None
        self._fold(entries)

    def of(self, kind: str) -> list[Entry]:
        """
        Answer the facts of this type, by their `at`; not to be changed.

        A consent of kind K is found as `consent` and as `consent.K`, as packs name it.
        """
        return self._of.get(kind, _NONE)

    def has(self, kind: str) -> bool:
        """Tell whether there is, or was, a fact of this type: where not, no rule that waits for one can act."""
        return kind in self._of

    def identity(self, person: str) -> str:
        """Answer one name for all persons that were merged (least by spelling)."""
        return self._same.get(person, person)

    def as_of(self, known_at: datetime) -> "Known":
        """Answer what was known at *known_at*: entries recorded (`rec`, else `at`) no later than that."""
        if self._latest is None or self._latest <= known_at:
            return self
        if self._as_of is None or self._as_of[0] != known_at:
            then = Known(
                each
                for versions in self._versions.values()
                for each in versions
                if (each.rec or each.at) <= known_at
            )
            self._as_of = known_at, then
        return self._as_of[1]

    def entries(self) -> list[Entry]:
        """Answer the facts that count, one per source and id, by source and id."""
        return [versions[-1] for _, versions in sorted(self._versions.items())]

    @property
    def digest(self) -> str:
        """The SHA-256, in hex, over the sorted digests of the facts that count."""
        if not self._digest:
            self._digest = sha256(b"".join(self._digests)).hexdigest()
        return self._digest

    def add(self, entry: Entry) -> None:
        """Learn *entry*; nothing changes when it is known already."""
        entry = _normal(entry)
        key = entry.src, entry.id
        versions = self._versions.get(key, ())
        if entry in versions:
            return
        recorded = entry.rec or entry.at
        if self._latest is None or recorded > self._latest:
            self._latest = recorded
        self._digest = ""
        self._as_of = None
        if not versions:
            self._versions[key] = (entry,)
            self._include(entry)
            return
        old = versions[-1]
        self._versions[key] = _ranked((*versions, entry))
        if (new := self._versions[key][-1]) is not old:
            self._exclude(old)
            self._include(new)

    def with_entry(self, entry: Entry) -> "Known":
        """Answer a Known that has learnt *entry* too; this one stays as it is."""
        other = Known.__new__(Known)
        other._versions = dict(self._versions)  # noqa: SLF001
        other._of = {kind: list(facts) for kind, facts in self._of.items()}  # noqa: SLF001
        other._digests = list(self._digests)  # noqa: SLF001
        other._digest = self._digest  # noqa: SLF001
        other._latest = self._latest  # noqa: SLF001
        other._same = self._same  # noqa: SLF001
        other._counts = {key: counts.copy() for key, counts in self._counts.items()}  # noqa: SLF001
        other._as_of = None  # noqa: SLF001
        other.add(entry)
        return other

    def counts(self, match: Match, per: tuple[str, ...]) -> "Counts":
        """Answer the contacts that *match*, grouped by *per*; made at the first question, then kept up to date."""
        found = self._counts.get((match, per))
        if found is None:
            found = Counts(match, per, self._same)
            found.fill(self.of(_CONTACT))
            self._counts[match, per] = found
        return found

    def _fold(self, entries: Iterable[Entry]) -> None:
        versions = self._versions
        twice: set[Key] = set()
        latest = self._latest
        for each in entries:
            entry = _normal(each)
            key = entry.src, entry.id
            recorded = entry.rec or entry.at
            if latest is None or recorded > latest:
                latest = recorded
            if key in versions:
                twice.add(key)
                versions[key] = (*versions[key], entry)
            else:
                versions[key] = (entry,)
        for key in twice:
            versions[key] = _ranked(versions[key])
        self._latest = latest
        for each_versions in versions.values():
            entry = each_versions[-1]
            self._digests.append(sha256(_ENCODER.encode(entry)).digest())
            for kind in _names(entry):
                self._of.setdefault(kind, []).append(entry)
        self._digests.sort()
        for facts in self._of.values():
            facts.sort(key=order)
        if _MERGED in self._of:
            self._same = _united(self._of[_MERGED])

    def _include(self, entry: Entry) -> None:
        insort(self._digests, sha256(_ENCODER.encode(entry)).digest())
        for kind in _names(entry):
            insort(self._of.setdefault(kind, []), entry, key=order)
        if entry.type == _CONTACT:
            for counts in self._counts.values():
                counts.add(entry)
        elif entry.type == _MERGED:
            self._merge()

    def _exclude(self, entry: Entry) -> None:
        self._digests.remove(sha256(_ENCODER.encode(entry)).digest())
        for kind in _names(entry):
            self._of[kind].remove(entry)
        if entry.type == _CONTACT:
            for counts in self._counts.values():
                counts.remove(entry)
        elif entry.type == _MERGED:
            self._merge()

    def _merge(self) -> None:
        """Unite persons anew; what was grouped by person is grouped again at the next question."""
        self._same = _united(self.of(_MERGED))
        self._counts = {}


def _names(entry: Entry) -> tuple[str, ...]:
    """Answer the names by which rules look *entry* up."""
    kind = entry.type
    if kind == _CONSENT and entry.kind:
        return kind, f"{_CONSENT}.{entry.kind}"
    return (kind,)


def _normal(entry: Entry) -> Entry:
    """Answer *entry* with its instants in UTC, so that equal facts are equal values."""
    at, rec, expires, until = entry.at, entry.rec, entry.expires, entry.until
    if (
        at.tzinfo is UTC
        and rec is None
        and (expires is None or expires.tzinfo is UTC)
        and until is None
    ):
        return entry
    changes: dict[str, Any] = {}
    for name, value in (("at", at), ("rec", rec), ("expires", expires), ("until", until)):
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{name} of an entry of type {entry.type} has no offset")
            if value.tzinfo is not UTC:
                changes[name] = value.astimezone(UTC)
    if rec is not None and rec == at:
        changes["rec"] = None
    return msgspec.structs.replace(entry, **changes) if changes else entry


def _ranked(versions: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Answer the versions of a fact, each once, the one that counts last."""
    return tuple(
        sorted(
            dict.fromkeys(versions),
            key=lambda each: (each.result != "pending", each.rec or each.at, _ENCODER.encode(each)),
        )
    )


def _united(merges: list[Entry]) -> dict[str, str]:
    """Answer for each merged person the least name among all that are one, transitively."""
    groups: dict[str, set[str]] = {}
    for merge in merges:
        if not merge.from_ or not merge.to:
            continue
        group = groups.get(merge.from_, {merge.from_}) | groups.get(merge.to, {merge.to})
        for person in group:
            groups[person] = group
    return {person: min(group) for person, group in groups.items()}


_NONE: list[Entry] = []
