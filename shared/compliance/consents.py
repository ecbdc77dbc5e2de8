"""
Consents: until when one is live, and whom and what it covers (RULES.md section 3, "Consent and opt-out").

A consent covers what it does not say: without a debt all debts, without a person the customer whose log it is. What it does say
must agree with the proposal, and a proposal that lacks it is not covered. Withdrawals are read the other way about.
"""

from collections.abc import Iterator
from datetime import datetime

from shared.compliance.asked import Ask, Bound, State
from shared.compliance.entries import Entry
from shared.compliance.instants import FAR, WORLD, Zones, day_end, span_end
from shared.compliance.known import Known
from shared.compliance.proposal import Proposal

CALLBACK = "callback"
_CALLBACK_DAYS = 7
"""A consent to be called back lasts 7 days at most, its own day counted: 12 CFR 1006.14(b)(3)(i)."""
_MAY_BE_TALKS = frozenset({"effective", "pending", ""})
FIELDS = ("point", "channel", "topic", "creditor", "collector")


def covers(
    entry: Entry,
    who: Proposal | Entry,
    known: Known,
    debt: str | None,
    *,
    surely: bool,
    fields: tuple[str, ...] = FIELDS,
) -> bool:
    """Tell whether *entry* speaks of this person, debt, point ...; of what *who* lacks it does, unless *surely*."""
    if entry.person and not _agrees(
        known.identity(entry.person), known.identity(who.person), surely=surely
    ):
        return False
    if entry.debts and not (not surely if debt is None else debt in entry.debts):
        return False
    for name in fields:
        if (said := getattr(entry, name)) and not _agrees(said, getattr(who, name), surely=surely):
            return False
    return True


def _agrees(said: str, asked: str, *, surely: bool) -> bool:
    return said == asked if asked else not surely


def lapses(consent: Entry, kind: str, zones: Zones) -> datetime:
    """Answer when *consent* ends by itself, in the first of *zones*: `until`, `days`, and the law's own limit."""
    zones = zones or WORLD
    ends = [FAR]
    if consent.until is not None:
        ends.append(consent.until)
    if consent.until_on is not None:
        ends.append(day_end(consent.until_on, zones, latest=False))
    days = consent.days
    if kind == CALLBACK:
        days = _CALLBACK_DAYS if days is None else min(days, _CALLBACK_DAYS)
    if days is not None:
        ends.extend(span_end(consent.at, days, "inclusive_first_day", where) for where in zones)
    return min(ends)


def live(ask: Ask, kind: str, zones: Zones, t: datetime) -> tuple[bool, datetime]:
    """Tell whether a consent of *kind* covers the proposal with its one debt at *t*, and until when that stays so."""
    return _live(ask, ask.proposal, kind, zones, t, ask.debts[0])


def made_under(ask: Ask, contact: Entry, kind: str, zones: Zones, debt: str | None) -> bool:
    """Tell whether *contact* was made under a consent of *kind*, so that a rule that excludes it does not count it."""
    if not ask.known.of(f"consent.{kind}"):
        return False
    debts: tuple[str | None, ...] = (debt,) if debt is not None else (contact.debts or (None,))
    return all(_live(ask, contact, kind, zones, contact.at, each)[0] for each in debts)


def _live(
    ask: Ask, who: Proposal | Entry, kind: str, zones: Zones, t: datetime, debt: str | None
) -> tuple[bool, datetime]:
    known = ask.known
    change = FAR
    grant: Entry | None = None
    end = FAR
    for consent in known.of(f"consent.{kind}"):
        if not covers(consent, who, known, debt, surely=True):
            continue
        if consent.at > t:
            change = consent.at
            break
        until = lapses(consent, kind, zones)
        if grant is None or grant.at < consent.at or until < end:
            grant, end = consent, until
    if grant is None:
        return False, change
    end = min(end, withdrawn(grant, kind, who, known, debt))
    if kind == CALLBACK:
        for begun, ended in _talks(ask, who, grant, debt):
            if begun > t or (begun == t and who is not ask.proposal):
                end = min(end, begun)
            elif t < ended:
                return False, min(change, ended)
    return (True, min(change, end)) if t < end else (False, change)


def withdrawn(
    grant: Entry, kind: str, who: Proposal | Entry, known: Known, debt: str | None
) -> datetime:
    """Answer when *grant* was withdrawn, if ever: by the first withdrawal no earlier than it that may mean it."""
    for each in known.of("consent.withdrawn"):
        if (
            each.at >= grant.at
            and each.kind in (kind, "")
            and covers(each, who, known, debt, surely=False)
        ):
            return each.at
    return FAR


def _talks(
    ask: Ask, who: Proposal | Entry, grant: Entry, debt: str | None
) -> Iterator[tuple[datetime, datetime]]:
    """Name the conversations after *grant*, and until when each counts: a call under way may become one."""
    person = ask.known.identity(who.person)
    for contact in ask.known.of("contact"):
        if contact.at <= grant.at or contact is who or ask.is_own(contact):
            continue
        if (
            contact.result in _MAY_BE_TALKS
            and contact.channel in ("call", "")
            and (not contact.debts or debt is None or debt in contact.debts)
            and _agrees(ask.known.identity(contact.person), person, surely=False)
            and _agrees(contact.collector, who.collector, surely=False)
        ):
            pending = contact.result == "pending" and contact.expires is not None
            yield contact.at, contact.expires if pending and contact.expires else FAR


class UnlessConsent:
    """A rule that a live consent lifts, for each debt of the proposal on its own; no other rule is lifted by it."""

    __slots__ = ("_kind", "_rule", "_zones")

    def __init__(self, rule: Bound, kind: str, zones: Zones) -> None:
        self._rule = rule
        self._kind = kind
        self._zones = zones

    def state(self, ask: Ask, t: datetime) -> State:
        """Answer whether the rule is in the way of any debt that no consent covers."""
        if not ask.known.of(f"consent.{self._kind}"):
            return self._rule.state(ask, t)
        status: str | None = None
        blocked, free = t, FAR
        for part in ask.parts():
            one, change = self._of_debt(part, t)
            if one is None:
                free = min(free, change)
            else:
                status, blocked = status or one, max(blocked, change)
        return (None, free) if status is None else (status, blocked)

    def _of_debt(self, ask: Ask, t: datetime) -> State:
        status, change = self._rule.state(ask, t)
        if status is None:
            return status, change
        lifted, until = live(ask, self._kind, self._zones, t)
        return (None, until) if lifted else (status, min(change, until))
