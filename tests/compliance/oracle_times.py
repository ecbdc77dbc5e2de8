"""The oracle's rules about time and number: windows, declared times, caps, cooldowns; each asked at one instant."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from shared.compliance.entries import Entry
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Cap, Cooldown, Window
from tests.compliance.oracle_log import Asked, consented, matches, same

DAY = timedelta(days=1)


def zones_named(names: Iterable[str]) -> tuple[ZoneInfo, ...]:
    """Answer the zones; none where one of the names is unknown."""
    try:
        return tuple(map(ZoneInfo, names))
    except KeyError:
        return ()


def _minutes(text: str) -> tuple[int, int]:
    begin, end = text.split("-")
    return tuple(60 * int(part[:2]) + int(part[3:]) for part in (begin, end))


def _within(second: float, begin: int, end: int) -> bool:
    """Tell whether a second of the day lies in [begin, end), minutes of the day that may wrap over midnight."""
    begin, end = 60 * begin, 60 * end
    return begin <= second < end if begin < end else second >= begin or second < end


def outside(rule: Window, asked: Asked) -> bool:
    zones = tuple(map(ZoneInfo, rule.zones)) or asked.zones
    late = rule.guard.after_opening if rule.guard else 0
    early = rule.guard.before_closing if rule.guard else 0
    for zone in zones:
        local = asked.t.astimezone(zone)
        second = 3600 * local.hour + 60 * local.minute + local.second + local.microsecond / 1e6
        for text in rule.deny_local:
            begin, end = _minutes(text)
            if _within(second, (begin - early) % 1440, (end + late) % 1440):
                return True
        if rule.allow_local and not any(
            _within(second, begin + late, end - early)
            for begin, end in map(_minutes, rule.allow_local)
        ):
            return True
    return not zones


def declared(asked: Asked) -> bool:
    t, log = asked.t, asked.log
    for told in log.of("inconvenient.declared", t):
        if not log.person(told.person, asked.p.person):
            continue
        ended = log.of("inconvenient.withdrawn", t)
        if any(e.at > told.at and log.person(e.person, told.person) for e in ended):
            continue
        for zone in asked.zones:
            local = t.astimezone(zone)
            second = 3600 * local.hour + 60 * local.minute + local.second + local.microsecond / 1e6
            for begin, end in map(_minutes, told.local):
                day = local.date()
                if begin >= end and second < 60 * end:
                    day -= DAY  # the part after midnight belongs to the day before
                right_day = not told.weekdays or day.isoweekday() in told.weekdays
                if right_day and _within(second, begin, end):
                    return True
    return False


def _same_keys(per: Iterable[str], entry: Entry, asked: Asked, debt: str) -> bool:
    p, log = asked.p, asked.log
    for key in per:
        if key == "debt":
            equal = not entry.debts or not debt or debt in entry.debts
        elif key in ("person", "contacted"):
            equal = log.person(getattr(entry, key), getattr(p, key))
        else:
            equal = same(getattr(entry, key), getattr(p, key))
        if not equal:
            return False
    return True


def _debts(per: Iterable[str], p: Proposal) -> tuple[str, ...]:
    return p.debts if "debt" in per and p.debts else ("",)


def full(rule: Cap, asked: Asked) -> bool:
    for debt in _debts(rule.per, asked.p):
        for zone in asked.zones:
            today = asked.t.astimezone(zone).date()
            first = date.fromordinal(max(1, today.toordinal() - rule.within.days + 1))
            counted = 0
            for entry in asked.log.contacts(asked.t):
                if not matches(rule.count, entry) or not _same_keys(rule.per, entry, asked, debt):
                    continue
                if rule.exclude_consent and _made_under(rule.exclude_consent, entry, asked, debt):
                    continue
                counted += first <= entry.at.astimezone(zone).date() <= today
            if counted >= rule.max:
                return True
    return False


def _made_under(kind: str, entry: Entry, asked: Asked, debt: str) -> bool:
    """Tell whether the contact was made under a consent of the kind that was live then."""
    then = replace(asked, p=_as_proposal(entry, asked.p, debt), t=entry.at)
    return consented(then, kind, entry.at)


def _as_proposal(entry: Entry, p: Proposal, debt: str) -> Proposal:
    return Proposal(
        at=entry.at,
        person=entry.person or p.person,
        debts=(debt,) if debt else entry.debts,
        point=entry.point,
        channel=entry.channel,
    )


def first_free(begun: date, days: int, mode: str) -> date:
    """Answer the first date after a span that begins with the event on *begun* (without calendars)."""
    if mode in ("exclude_first_day", "after_end"):
        return begun + timedelta(days=days + 1)
    assert mode in ("local_dates", "inclusive_first_day", "uk_not_before"), mode
    return begun + timedelta(days=days)


def cooling(rule: Cooldown, asked: Asked) -> bool:
    for debt in _debts(rule.per, asked.p):
        for entry in asked.log.contacts(asked.t):
            if not matches(rule.after, entry) or not _same_keys(rule.per, entry, asked, debt):
                continue
            for zone in asked.zones:
                begun = entry.at.astimezone(zone).date()
                free = first_free(begun, rule.for_.days, rule.for_.mode)
                if begun <= asked.t.astimezone(zone).date() < free:
                    return True
    return False
