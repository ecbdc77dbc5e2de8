"""Who may be contacted, for what: parties, and facts derived from the log such as that a debtor cannot be reached."""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter

from shared.compliance.asked import FREE, Ask, Fixed, State
from shared.compliance.counts import might_match
from shared.compliance.entries import Entry
from shared.compliance.evidence import clock_state
from shared.compliance.instants import FAR, WORLD, Zones, day_start, local_date, shifted
from shared.compliance.pack import Derived, PointInvalid, Streak
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Allowed, Match, Party

Period = tuple[datetime, datetime]


def party_rule(
    rule: Party, p: Proposal, derive: Mapping[str, Derived], zones: Zones
) -> "PartyRule | Fixed | None":
    """Answer the rule for the proposal's party and purpose; none where it allows them unconditionally."""
    if not p.party:
        return Fixed("party")
    ways = [
        each
        for each in rule.allow
        if each.party == p.party and (not each.purpose_in or p.purpose in each.purpose_in)
    ]
    if not ways:
        named = any(each.party == p.party for each in rule.allow)
        return Fixed("purpose" if named and not p.purpose else "")
    if any(not each.if_ and not each.if_clock_live for each in ways):
        return None
    return PartyRule(ways, derive, zones)


class PartyRule:
    """A party that is allowed only while a fact, or a clock, is live."""

    __slots__ = ("_derive", "_ways", "_zones")

    def __init__(self, ways: list[Allowed], derive: Mapping[str, Derived], zones: Zones) -> None:
        self._ways = ways
        self._zones = zones
        self._derive = derive

    def state(self, ask: Ask, t: datetime) -> State:
        change = FAR
        needs = ""
        for way in self._ways:
            status, until = FREE
            if way.if_clock_live:
                status, until = clock_state(ask, way.if_clock_live, self._zones, t)
            if status is None and way.if_:
                live, then = self._live(way.if_, ask, t)
                status, until = None if live else "", min(until, then)
            if status is None:
                return None, until
            change = min(change, until)
            needs = needs or status
        return needs, change

    def _live(self, name: str, ask: Ask, t: datetime) -> tuple[bool, datetime]:
        derived = self._derive.get(name)
        if derived is None:
            return False, FAR
        change = FAR
        for begin, end in periods(derived, ask, self._zones):
            if begin <= t < end:
                return True, end
            if t < begin:
                change = min(change, begin)
        return False, change


def periods(derived: Derived, ask: Ask, zones: Zones) -> list[Period]:
    """Answer while when the fact is live: from what begins it to what clears it, whoever of the two is told first."""
    contacts = [each for each in ask.known.of("contact") if _of_person(each, ask)]
    clears = []
    if derived.cleared_by is not None:
        cleared_by = derived.cleared_by.event
        clears = [each.at for each in contacts if might_match(cleared_by, each)]
    begins: list[tuple[datetime, datetime, datetime]] = []
    for source in derived.any:
        match source:
            case Streak():
                begins.extend(_streaks(source, contacts, clears, zones or WORLD))
            case PointInvalid():
                begins.extend(_invalid(ask))
    found = []
    for known, begin, until in begins:
        end = min((until, *(at for at in clears if at >= known)))
        if begin < end:
            found.append((begin, end))
    return found


def _of_person(contact: Entry, ask: Ask) -> bool:
    return not contact.person or ask.known.identity(contact.person) == ask.person


def _streaks(
    streak: Streak, contacts: list[Entry], clears: list[datetime], zones: Zones
) -> list[tuple[datetime, datetime, datetime]]:
    """Answer for each streak when it was complete, and the local day after, in the last zone; it has no end of its own."""
    found = []
    run = 0
    wider = Match(
        channel=streak.event.channel, channel_in=streak.event.channel_in, party=streak.event.party
    )
    cleared = iter([*clears, FAR])
    next_clear = next(cleared)
    for contact in contacts:
        while next_clear <= contact.at:
            run = 0
            next_clear = next(cleared)
        if contact.result == "pending" or contact.direction == "in":
            continue
        if not might_match(wider, contact):
            continue
        if not _surely(streak.event, contact):
            run = 0
            continue
        run += 1
        if run >= streak.length:
            days = [shifted(local_date(contact.at, where), 1) for where in zones]
            begins = [day_start(day, where) for day, where in zip(days, zones, strict=True)]
            found.append((contact.at, max(begins), FAR))
    return found


def _surely(match: Match, contact: Entry) -> bool:
    """Tell whether *contact* matches and says so in every field that counts; what is unknown helps nobody."""
    return (
        might_match(match, contact)
        and contact.direction == "out"
        and bool(contact.result)
        and bool(contact.channel or not (match.channel or match.channel_in))
        and bool(contact.party or not match.party)
        and bool(contact.purpose or not match.purpose)
    )


def _invalid(ask: Ask) -> list[tuple[datetime, datetime, datetime]]:
    """
    Answer since when, and until when, all known mobile points of the person were invalid: for each one found so, anew.

    One that is found invalid and known anew at one instant is valid: in doubt no third person is asked.
    """
    known: set[str] = set()
    valid: set[str] = set()
    begins: list[datetime] = []
    found: list[tuple[datetime, datetime, datetime]] = []
    told = [*ask.known.of("point.invalidated"), *ask.known.of("point.known")]
    for each in sorted(told, key=attrgetter("at")):
        if each.type == "point.known":
            if each.kind == "mobile" and _of_person(each, ask):
                known.add(each.point)
                valid.add(each.point)
                found.extend((begin, begin, each.at) for begin in begins)
                begins.clear()
        elif each.point in known:
            valid.discard(each.point)
            if not valid:
                begins.append(each.at)
    return [*found, *((begin, begin, FAR) for begin in begins)]
