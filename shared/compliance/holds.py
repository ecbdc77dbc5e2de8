"""States that events begin and end: holds, with their scopes and durations, and opt-outs against opt-ins."""

from datetime import datetime

from shared.compliance.asked import FREE, Ask, State
from shared.compliance.consents import covers, lapses, withdrawn
from shared.compliance.entries import Entry
from shared.compliance.instants import FAR, WORLD, Zones, over_everywhere
from shared.compliance.rules import Hold, OptOut

NEVER = "never"
_PHONE = frozenset({"call", "sms", "voicemail"})
_SCOPES = {each: each for each in ("point", "channel", "topic", "caller")} | {
    "address": "point", "medium": "channel", "consent_topic": "topic"
}  # fmt: skip
"""Words for the levels of an opt-out that mean the same (RULES.md section 3 and its table use both)."""
_THIRD = "contact_person"
Lift = tuple[datetime, datetime]
"""From when an end holds, and until when: a consent that ends a hold may itself end."""


class HoldRule:
    """From what starts it to what ends it, its permitted purposes and parties aside (the gate knows those)."""

    __slots__ = ("_rule", "_zones")

    def __init__(self, rule: Hold, zones: Zones) -> None:
        self._rule = rule
        self._zones = zones

    def state(self, ask: Ask, t: datetime) -> State:
        starts = ask.known.of(self._rule.starts)
        if not starts:
            return FREE
        status: str | None = None
        blocked, free = t, FAR
        for debt in ask.debts if self._rule.scope == "debt" else (None,):
            for start in starts:
                if not self._touches(start, ask, debt):
                    continue
                if t < start.at:
                    free = min(free, start.at)
                    continue
                one, change = self._since(start, ask, debt, t)
                if one is None:
                    free = min(free, change)
                else:
                    status, blocked = one, max(blocked, change)
        return (None, free) if status is None else (status, blocked)

    def _since(self, start: Entry, ask: Ask, debt: str | None, t: datetime) -> State:
        """Answer the state at *t* of the hold that *start* began."""
        rule = self._rule
        over = FAR
        if rule.duration_days is not None:
            over = over_everywhere(
                start.at, rule.duration_days, "inclusive_first_day", self._zones or WORLD
            )
        if t >= over:
            return FREE
        if rule.ends == NEVER:
            return "", over
        change = over
        for end in ask.known.of(rule.ends):
            if not self._ends(end, start, ask, debt):
                continue
            begin, lapse = self._lift(end, ask)
            if begin > t:
                change = min(change, begin)
            elif t < lapse:
                return None, lapse
        return "", change

    def _lift(self, end: Entry, ask: Ask) -> Lift:
        """Answer while when *end* lifts the hold: for good, but a consent only as long as it lives."""
        kind = self._rule.ends.removeprefix("consent.")
        if kind == self._rule.ends:
            return end.at, FAR
        lapse = lapses(end, kind, self._zones)
        return end.at, min(lapse, withdrawn(end, kind, ask.proposal, ask.known, None))

    def _touches(self, start: Entry, ask: Ask, debt: str | None) -> bool:
        """Tell whether *start* concerns the proposal; a start, or a proposal, that does not say concerns all."""
        p = ask.proposal
        match self._rule.scope:
            case "debt":
                return not start.debts or debt is None or debt in start.debts
            case "person" | "place_work":
                return (
                    not start.person
                    or not ask.person
                    or ask.known.identity(start.person) == ask.person
                )
            case "point":
                if not p.point and not p.channel:
                    return False
                return not start.point or not p.point or start.point == p.point
            case "contacted_person":
                return self._refused(start, ask)

    @staticmethod
    def _refused(start: Entry, ask: Ask) -> bool:
        p, known = ask.proposal, ask.known
        if p.contacted:
            asked = known.identity(p.contacted)
            return not start.contacted or known.identity(start.contacted) == asked
        if p.party == _THIRD:
            return True
        return bool(start.contacted) and known.identity(start.contacted) == ask.person

    def _ends(self, end: Entry, start: Entry, ask: Ask, debt: str | None) -> bool:
        """Tell whether *end* ends what *start* began; one that does not say what it ends, ends nothing."""
        if self._rule.correlate and start.case:
            return (
                end.case == start.case
                and end.at >= start.at
                and not self._elsewhere(end, start, debt)
            )
        if self._rule.correlate and end.case:
            return False
        if end.at <= start.at:
            return False
        p, known = ask.proposal, ask.known
        match self._rule.scope:
            case "debt":
                if debt is None:
                    return bool(start.debts) and set(start.debts) <= set(end.debts)
                return debt in end.debts
            case "person" | "place_work":
                who = known.identity(start.person) if start.person else ask.person
                return bool(end.person) and known.identity(end.person) == who
            case "point":
                return bool(end.point) and end.point == (start.point or p.point)
            case "contacted_person":
                who = known.identity(start.contacted) if start.contacted else ask.person
                return bool(end.contacted) and known.identity(end.contacted) == who

    @staticmethod
    def _elsewhere(end: Entry, start: Entry, debt: str | None) -> bool:
        """Tell whether *end*, of the same case, leaves this debt, or (None) any that *start* named, as it is."""
        if not end.debts:
            return False
        if debt is None:
            return not start.debts or not set(start.debts) <= set(end.debts)
        return debt not in end.debts


class OptOutRule:
    """The latest of opt-outs and opt-ins at a level; at equal time the opt-out counts."""

    __slots__ = ("_level",)

    def __init__(self, rule: OptOut) -> None:
        self._level = rule.level

    def state(self, ask: Ask, t: datetime) -> State:
        outs = ask.known.of("optout")
        if not outs:
            return FREE
        change = FAR
        out: datetime | None = None
        for each in outs:
            if self._blocks(each, ask):
                if each.at > t:
                    change = each.at
                    break
                out = each.at
        if out is None:
            return None, change
        since: datetime | None = None
        for each in ask.known.of("optin"):
            if self._lifts(each, ask):
                if each.at > t:
                    return self._verdict(out, since, min(change, each.at))
                since = each.at
        return self._verdict(out, since, change)

    @staticmethod
    def _verdict(out: datetime, since: datetime | None, change: datetime) -> State:
        return ("" if since is None or since <= out else None), change

    def _blocks(self, entry: Entry, ask: Ask) -> bool:
        """
        Tell whether an opt-out of this level means the proposal, or may mean it.

        A scope that is stated says it all: what else the opt-out names, as the number that it came through, does not
        narrow it. Without one it speaks of each thing that it names.
        """
        scopes = [stated] if (stated := _stated(entry)) else _named(entry)
        return any(
            self._is_of_level(scope, entry, ask)
            and covers(
                entry, ask.proposal, ask.known, None, surely=False, fields=self._fields(scope)
            )
            for scope in scopes
        )

    def _lifts(self, entry: Entry, ask: Ask) -> bool:
        """Tell whether an opt-in of this level means the proposal for sure, by all that it names."""
        scope = _stated(entry) or _named(entry)[0]
        return self._is_of_level(scope, entry, ask) and covers(
            entry, ask.proposal, ask.known, None, surely=True
        )

    def _fields(self, scope: str) -> tuple[str, ...]:
        """Answer what an opt-out of *scope* must agree in; a caller who was told calls for several creditors."""
        if "caller" in (scope, self._level):
            return ("collector",)
        return (scope, "creditor", "collector")

    def _is_of_level(self, scope: str, entry: Entry, ask: Ask) -> bool:
        p = ask.proposal
        match self._level:
            case "point":
                return scope == "point" and bool(p.channel or p.point)
            case "channel":
                return scope == "channel" and bool(p.channel)
            case "consent_topic":
                return scope in ("topic", "caller")
            case "caller":
                if scope == "channel":
                    return entry.channel in _PHONE
                return scope in ("topic", "caller")


def _stated(entry: Entry) -> str:
    """Answer the scope; a word that nobody knows states none, or the opt-out would be lost."""
    return _SCOPES.get(entry.scope, "")


def _named(entry: Entry) -> list[str]:
    return [name for name in ("point", "channel", "topic") if getattr(entry, name)] or ["caller"]
