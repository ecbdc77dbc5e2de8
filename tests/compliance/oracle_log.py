"""The oracle's log: what was known at an instant, which facts are one, who is whom; and consents and derived facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.canonical import canonical
from shared.compliance.entries import Entry
from shared.compliance.pack import Derived, Pack, Streak
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Match


@dataclass(frozen=True)
class Asked:
    """What every rule looks at: the proposal, the log as known, the instant, the zones and the pack."""

    p: Proposal
    log: "Log"
    t: datetime
    zones: tuple[ZoneInfo, ...]
    pack: Pack

    def dates(self):
        return [self.t.astimezone(zone).date() for zone in self.zones]


class Log:
    """The facts that were known at `known_at`, each once, without the proposal's own reservation."""

    def __init__(
        self,
        entries: Iterable[Entry],
        known_at: datetime,
        reservation: tuple[str, str] | None = None,
    ):
        facts = {}
        for entry in entries:
            if (entry.rec or entry.at) > known_at:
                continue
            key = (entry.src, entry.id)
            rank = (entry.result != "pending", entry.rec or entry.at, canonical(entry))
            if key not in facts or facts[key][0] < rank:
                facts[key] = (rank, entry)
        facts.pop(reservation, None)
        self.entries = sorted((e for _, e in facts.values()), key=lambda e: (e.at, e.src, e.id))
        self.known_at = known_at

    def person(self, one: str, other: str) -> bool:
        """Tell whether two ids are one person, or one of them is not known."""
        return not one or not other or other in self._everybody(one)

    def _everybody(self, person: str) -> set[str]:
        """Answer all ids of the person: mergers join them whenever they happened."""
        ids, grown = {person}, True
        while grown:
            before = len(ids)
            for e in self.entries:
                if e.type == "person.merged" and {e.from_, e.to} & ids:
                    ids |= {e.from_, e.to}
            grown = len(ids) > before
        return ids

    def of(self, name: str, t: datetime) -> list[Entry]:
        """Answer the entries of that type that happened by *t*; `consent.x` is also a consent of the kind x."""
        kind = name.removeprefix("consent.") if name.startswith("consent.") else None
        return [
            e
            for e in self.entries
            if e.at <= t and (e.type == name or (e.type == "consent" and kind and e.kind == kind))
        ]

    def contacts(self, t: datetime) -> list[Entry]:
        """Answer the contacts that count at *t*: made by then, or dated in the future of what was known."""
        return [
            e
            for e in self.entries
            if e.type == "contact"
            and (e.at <= t or e.at > self.known_at)
            and not (e.result == "pending" and e.expires and t >= e.expires)
        ]

    def derived(self, item: Derived, person: str, t: datetime, zones: Sequence[ZoneInfo]) -> bool:
        """Tell whether a derived fact of the person is live at *t*."""
        clears = item.cleared_by.event if item.cleared_by else None
        cleared = [
            e.at
            for e in self.of("contact", t)
            if clears and matches(clears, e, unknown=False) and self.person(e.person, person)
        ]
        last = max(cleared, default=None)
        for way in item.any:
            begins = (
                self._streak(way, person, t, last)
                if isinstance(way, Streak)
                else self._all_invalid(person, t, last)
            )
            if begins is None:
                continue
            later = isinstance(way, Streak)
            if all(
                t.astimezone(zone).date() > begins.astimezone(zone).date() if later else t >= begins
                for zone in zones
            ):
                return True
        return False

    def _streak(
        self, way: Streak, person: str, t: datetime, last: datetime | None
    ) -> datetime | None:
        """Answer when the first full streak since the last clearing was complete."""
        wanted = way.event
        run = 0
        for e in self.of("contact", t):
            if e.direction != "out" or not self.person(e.person, person) or not e.person:
                continue
            if last is not None and e.at <= last:
                continue
            if matches(wanted, e, unknown=False):
                run += 1
                if run == way.length:
                    return e.at
            elif e.result != "pending" and e.party == wanted.party and e.channel == wanted.channel:
                run = 0
        return None

    def _all_invalid(self, person: str, t: datetime, last: datetime | None) -> datetime | None:
        """Answer since when all mobile points of the person that are known have been invalid."""
        known = {
            e.point
            for e in self.of("point.known", t)
            if e.kind == "mobile" and self.person(e.person, person)
        }
        ends = {}
        for e in sorted(self.entries, key=lambda e: (e.at, e.type == "point.known")):
            if e.at <= t and e.point in known and e.type in ("point.known", "point.invalidated"):
                ends[e.point] = e.at if e.type == "point.invalidated" else None
        if not known or any(ends[point] is None for point in known):
            return None
        since = max(ends.values())
        return since if last is None or since > last else None


def same(one: str, other: str) -> bool:
    """Tell whether two keys are equal, or one of them is not known."""
    return not one or not other or one == other


def matches(match: Match, e: Entry, *, unknown: bool = True) -> bool:
    """Tell whether the contact is of the wanted sort; a field that it lacks answers *unknown*."""

    def one(has: str, values: Sequence[str]) -> bool:
        return has in values if has else unknown

    return (
        (not match.channel or one(e.channel, (match.channel,)))
        and (not match.channel_in or one(e.channel, match.channel_in))
        and (not match.direction or one(e.direction, (match.direction,)))
        and (not match.party or one(e.party, (match.party,)))
        and (not match.purpose or one(e.purpose, (match.purpose,)))
        and (not match.result_in or one(e.result, match.result_in))
        and e.result not in match.result_not_in
    )


def consented(asked: Asked, kind: str, t: datetime) -> bool:
    """Tell whether a consent of the kind is live at *t*, for each debt of the proposal."""
    return all(_consent_for(asked, kind, t, debt) for debt in asked.p.debts or ("",))


def _consent_for(asked: Asked, kind: str, t: datetime, debt: str) -> bool:
    log, p = asked.log, asked.p

    def concerns(entry: Entry) -> bool:
        return (
            entry.kind == kind
            and log.person(entry.person, p.person)
            and (not entry.debts or debt in entry.debts)
            and all(getattr(entry, f) in ("", getattr(p, f)) for f in ("point", "channel"))
        )

    grants = [entry for entry in log.of("consent", t) if concerns(entry)]
    if not grants:
        return False
    grant = max(grants, key=lambda entry: entry.at)
    if any(e.at >= grant.at for e in log.of("consent.withdrawn", t) if concerns(e)):
        return False
    if kind == "callback" and any(
        grant.at < e.at < t
        and e.result == "effective"
        and log.person(e.person, p.person)
        and same(e.collector, p.collector)
        and (not e.debts or not debt or debt in e.debts)
        for e in log.of("contact", t)
    ):
        return False
    return not lapsed(asked, grant, t)


def lapsed(asked: Asked, grant: Entry, t: datetime) -> bool:
    """Tell whether the consent has ended by itself, in any zone."""
    for zone in asked.zones:
        today, begun = t.astimezone(zone).date(), grant.at.astimezone(zone).date()
        if grant.days is not None and today >= begun + timedelta(days=grant.days):
            return True
        if grant.until is not None and t >= grant.until:
            return True
        if grant.until_on is not None and today > grant.until_on:
            return True
    return False
