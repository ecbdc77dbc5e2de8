"""Contacts that count: caps within local dates, and the quiet span after a contact."""

from bisect import bisect_left
from datetime import datetime, timedelta
from operator import attrgetter

from shared.compliance.asked import FREE, STUCK, Ask, State
from shared.compliance.consents import made_under
from shared.compliance.counts import keys_in_order, values_of
from shared.compliance.entries import Entry
from shared.compliance.instants import (
    DAY,
    FAR,
    Calendar,
    UnknownYear,
    Zones,
    day_start,
    local_date,
    over_everywhere,
    shifted,
)
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Cap, Cooldown

_AT = attrgetter("at")
_CALENDAR_MODES = frozenset({"business_days", "cn_civil_code"})
_ONCE: tuple[str | None, ...] = (None,)
_AGES = 3650
"""Days beyond which a span is read from the beginning of the log."""


def _share(limit: int, p: Proposal) -> int:
    """Answer this case's part of a cap on a number that stands in several customers' files (DESIGN.md section 3)."""
    files, rank = p.share
    return max(limit // max(files, 1), 1 if rank <= 1 else 0)


class CapRule:
    """At most so many contacts within local dates, in every zone."""

    __slots__ = ("_by_debt", "_key", "_rule", "_shared", "_span", "_zones")

    def __init__(self, rule: Cap, zones: Zones) -> None:
        self._rule = rule
        self._zones = zones
        mode = rule.within.mode
        if mode not in ("local_dates", "inclusive_first_day"):
            raise ValueError(f"{rule.id}: a cap counts local_dates, not {mode}")
        self._span = rule.within.days
        self._shared = "point" in rule.per
        self._by_debt = "debt" in rule.per
        self._key = values_of(keys_in_order(rule.per))

    def state(self, ask: Ask, t: datetime) -> State:
        rule = self._rule
        counts = ask.known.counts(rule.count, rule.per)
        limit = rule.max if not self._shared else _share(rule.max, ask.proposal)
        if limit < 1:
            return STUCK
        status: str | None = None
        blocked, free = t, FAR
        for debt in ask.debts if self._by_debt else _ONCE:
            ask.debt = debt
            facts = counts.facts(self._key(ask))
            if len(facts) < limit:
                continue
            one, change = self._within(ask, t, facts, debt, limit)
            if one is None:
                free = min(free, change)
            else:
                status, blocked = status or one, max(blocked, change)
        return (None, free) if status is None else (status, blocked)

    def _within(
        self, ask: Ask, t: datetime, facts: list[Entry], debt: str | None, limit: int
    ) -> State:
        counted, change = self._counted(ask, t, facts, debt)
        if len(counted) < limit:
            return None, change
        if not self._zones:
            return "zones", change
        span = self._span
        free, blocked, full = FAR, t, False
        for where in self._zones:
            today = local_date(t, where)
            over = day_start(today + DAY, where)
            first = day_start(shifted(today, 1 - span), where)
            inside = counted[bisect_left(counted, first) : bisect_left(counted, over)]
            if counted[-1] >= over:
                free = min(free, over)
            if len(inside) >= limit:
                full = True
                leaves = shifted(local_date(inside[len(inside) - limit], where), span)
                blocked = max(blocked, day_start(leaves, where))
        return ("", min(blocked, change)) if full else (None, min(free, change))

    def _counted(
        self, ask: Ask, t: datetime, facts: list[Entry], debt: str | None
    ) -> tuple[list[datetime], datetime]:
        """Answer when those of *facts* happened that may count around *t*, and when that may change."""
        change = FAR
        counted: list[datetime] = []
        begin = 0
        if self._span < _AGES:
            begin = bisect_left(facts, t - timedelta(days=self._span + 2), key=_AT)
        exempt = self._rule.exclude_consent
        if exempt and not ask.known.has(f"consent.{exempt}"):
            exempt = ""
        for fact in facts[begin:]:
            at = fact.at
            if t < at <= ask.known_at:
                change = min(change, at)
                continue
            if ask.is_own(fact) or (exempt and made_under(ask, fact, exempt, self._zones, debt)):
                continue
            if fact.result == "pending" and fact.expires is not None:
                if fact.expires <= t:
                    continue
                change = min(change, fact.expires)
            counted.append(at)
        return counted, change


class CooldownRule:
    """No contact for a span of days after one that counts."""

    __slots__ = ("_by_debt", "_calendar", "_key", "_reach", "_rule", "_zones")

    def __init__(self, rule: Cooldown, zones: Zones, calendar: Calendar | None) -> None:
        self._rule = rule
        self._zones = zones
        self._calendar = calendar
        self._by_debt = "debt" in rule.per
        self._key = values_of(keys_in_order(rule.per))
        of_days = rule.for_.mode not in _CALENDAR_MODES
        self._reach = timedelta(days=rule.for_.days + 3) if of_days else None

    def state(self, ask: Ask, t: datetime) -> State:
        rule = self._rule
        counts = ask.known.counts(rule.after, rule.per)
        seen: list[Entry] = []
        for debt in ask.debts if self._by_debt else _ONCE:
            ask.debt = debt
            facts = counts.facts(self._key(ask))
            if facts and self._reach is not None:
                facts = facts[bisect_left(facts, t - self._reach, key=_AT) :]
            seen.extend(facts)
        if not seen:
            return FREE
        status: str | None = None
        blocked, free = t, FAR
        for fact in seen:
            if ask.is_own(fact):
                continue
            begin, one, end = self._span(ask, fact)
            if t < begin:
                free = min(free, begin)
            elif t < end:
                status, blocked = status or one, max(blocked, end)
        return (None, free) if status is None else (status, blocked)

    def _span(self, ask: Ask, fact: Entry) -> tuple[datetime, str, datetime]:
        """Answer when the quiet after *fact* begins, why it would block, and when it is over."""
        begin = fact.at
        if not self._zones:
            return begin, "zones", begin + timedelta(days=self._rule.for_.days + 3)
        if begin > ask.known_at:  # told before it happened: the clock of its teller is wrong
            begin = min(day_start(local_date(begin, where), where) for where in self._zones)
        span = self._rule.for_
        why = ""
        try:
            end = over_everywhere(fact.at, span.days, span.mode, self._zones, self._calendar)
        except UnknownYear as unknown:
            why, end = str(unknown), FAR
        if fact.result == "pending" and fact.expires is not None:
            end = min(end, fact.expires)
        return begin, why, end
