"""The oracle's rules about states and evidence: holds, opt-outs, fresh facts, notices, conduct, clocks, parties."""

from datetime import date, datetime, timedelta

from shared.compliance.entries import Entry
from shared.compliance.rules import Fresh, Hold, Precondition
from tests.compliance.oracle_log import Asked, lapsed
from tests.compliance.oracle_times import first_free

CALLS = ("call", "sms", "voicemail")


def held(rule: Hold, asked: Asked) -> bool:
    p = asked.p
    if p.purpose in rule.permits or p.party in rule.except_party:
        return False
    if rule.scope == "place_work" and p.place != "work":
        return False
    if rule.scope == "contacted_person" and not p.contacted and p.party != "contact_person":
        return False
    starts = asked.log.of(rule.starts, asked.t)
    keys = p.debts or ("",) if rule.scope == "debt" else ("",)
    return any(_holds(rule, start, key, asked) for start in starts for key in keys)


def _scope_key(rule: Hold, entry: Entry, debt: str, asked: Asked) -> tuple[bool, bool]:
    """Answer whether the entry bears the scope's key, and whether it is the proposal's."""
    p, log = asked.p, asked.log
    match rule.scope:
        case "debt":
            return bool(entry.debts), not debt or debt in entry.debts
        case "person" | "place_work":
            return bool(entry.person), log.person(entry.person, p.person)
        case "point":
            return bool(entry.point), entry.point == p.point or not p.point
        case "contacted_person":
            return bool(entry.contacted), log.person(entry.contacted, p.contacted)


def _withdrawn(consent: Entry, asked: Asked) -> bool:
    return any(
        e.kind == consent.kind
        and e.at >= consent.at
        and (not e.point or not consent.point or e.point == consent.point)
        and asked.log.person(e.person, consent.person)
        for e in asked.log.of("consent.withdrawn", asked.t)
    )


def _holds(rule: Hold, start: Entry, debt: str, asked: Asked) -> bool:
    borne, mine = _scope_key(rule, start, debt, asked)
    if borne and not mine:
        return False
    if rule.duration_days is not None and all(
        asked.t.astimezone(zone).date()
        >= start.at.astimezone(zone).date() + timedelta(days=rule.duration_days)
        for zone in asked.zones
    ):
        return False
    for end in asked.log.of(rule.ends, asked.t):
        by_consent = rule.ends.startswith("consent.")
        if by_consent and (_withdrawn(end, asked) or lapsed(asked, end, asked.t)):
            continue
        if rule.correlate:
            partly = rule.scope == "debt" and end.debts
            whole = {debt} if debt else set(start.debts) or {""}
            if partly and not whole <= set(end.debts):
                continue
            if end.case and end.case == start.case and end.at >= start.at:
                return False
        elif borne and all(_scope_key(rule, end, debt, asked)) and end.at > start.at:
            return False
    return True


def opted_out(level: str, asked: Asked) -> bool:
    p, log = asked.p, asked.log

    def concerns(e: Entry) -> bool:
        if not log.person(e.person, p.person):
            return False
        if e.collector and p.collector and e.collector != p.collector:
            return False  # said to another caller
        named = {name for name in ("point", "channel", "topic") if getattr(e, name)}
        scopes = (
            {e.scope} if e.scope in ("point", "channel", "topic", "caller") else named or {"caller"}
        )
        any_topic = "topic" in scopes and (
            level == "caller" or not p.topic or e.topic in ("", p.topic)
        )
        match level:
            case "point":
                return "point" in scopes and e.point == p.point
            case "channel":
                return "channel" in scopes and e.channel == p.channel
            case "consent_topic":
                return any_topic or "caller" in scopes
            case "caller":
                by_phone = "channel" in scopes and e.channel in CALLS
                return any_topic or "caller" in scopes or by_phone
        raise ValueError(level)

    def surely(e: Entry) -> bool:
        """An opt-in helps only where all that it says is said of this proposal."""
        said = ("point", "channel", "topic", "creditor", "collector")
        return concerns(e) and all(getattr(e, name) in ("", getattr(p, name)) for name in said)

    ins = [e.at for e in log.of("optin", asked.t) if surely(e)]
    outs = [e.at for e in log.of("optout", asked.t) if concerns(e)]
    return any(not any(at > out for at in ins) for out in outs)


def fresh(rule: Fresh, asked: Asked) -> bool:
    oldest = asked.t - timedelta(days=rule.max_age_days)
    return any(
        entry.at >= oldest
        and asked.log.person(entry.person, asked.p.person)
        and (not rule.per_point or entry.point == asked.p.point)
        for name in rule.any_event
        for entry in asked.log.of(name, asked.t)
    )


def done(rule: Precondition, debt: str, asked: Asked) -> bool:
    return any(
        debt in entry.debts
        and all(
            asked.t.astimezone(zone).date()
            >= first_free(entry.at.astimezone(zone).date(), rule.min_days, rule.mode)
            for zone in asked.zones
        )
        for entry in asked.log.of(rule.needs, asked.t)
    )


def conducted(conduct: dict, name: str, wanted: object) -> bool:
    if name.endswith("_min"):
        return conduct.get(name.removesuffix("_min"), -1) >= wanted
    return name in conduct and conduct[name] == wanted


def clock(name: str, asked: Asked, *, expired: bool = False) -> bool:
    """Tell whether the clock is surely live (or surely *expired*), in every zone; what is unknown is neither."""
    until = asked.p.clocks.get(name)
    if until is None:
        return False
    if until in (True, "live", "running", "true"):
        return not expired
    if until in (False, "expired", "false"):
        return expired
    if len(until) > len("2026-01-01"):
        return (asked.t < datetime.fromisoformat(until)) is not expired
    last = date.fromisoformat(until)
    return all((day <= last) is not expired for day in asked.dates())


def may(item, asked: Asked) -> bool:
    p = asked.p
    if (
        not p.party
        or item.party != p.party
        or (item.purpose_in and p.purpose not in item.purpose_in)
    ):
        return False
    if item.if_clock_live and not clock(item.if_clock_live, asked):
        return False
    return not item.if_ or asked.log.derived(
        asked.pack.derive[item.if_], p.person, asked.t, asked.zones
    )
