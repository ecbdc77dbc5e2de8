"""
The gate: whether a contact may be made, by all packs that apply, and if not, from when on and why not.

    gate = Gate(load_packs(folder))
    verdict = gate.verdict(proposal, Known(entries))

Each rule is a function of time: blocked or not, piecewise. The contact is allowed at t when no rule blocks at t. The earliest
next instant is the least fixed point of t := max over rules of the earliest instant, from t on, at which that rule alone
allows; beyond 500 days, or where a rule never does by time alone, it is none ("event").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.compliance.applying import ConductRule, applies, content_rule, obligations, selects
from shared.compliance.asked import Ask, Bound, Fixed, WhileValid
from shared.compliance.consents import UnlessConsent
from shared.compliance.counting import CapRule, CooldownRule
from shared.compliance.evidence import ClockStateRule, FreshRule, PreconditionRule
from shared.compliance.holds import HoldRule, OptOutRule
from shared.compliance.instants import (
    FAR,
    WORLD,
    Calendar,
    Calendars,
    Zones,
    day_end,
    day_start,
    zones_of,
)
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.parties import party_rule
from shared.compliance.proposal import Proposal
from shared.compliance.rules import (
    AnyRule,
    Cap,
    ClockRule,
    Conduct,
    Content,
    Cooldown,
    DeclaredWindow,
    Fresh,
    Hold,
    OptOut,
    Party,
    Precondition,
    Window,
)
from shared.compliance.verdict import Reason, Verdict
from shared.compliance.windows import DeclaredRule, WindowRule

HORIZON = timedelta(days=500)
LONGEST_PERMIT = timedelta(hours=24)
_MOST_PLANS = 8192


@dataclass(frozen=True, slots=True)
class _Item:
    """A rule as it stands for one kind of proposal."""

    rule: str
    pack: str
    review: bool
    bound: Bound


@dataclass(frozen=True, slots=True)
class _Plan:
    """What applies to one kind of proposal: rules that can be in the way, what they ask and while when, and the packs."""

    items: tuple[_Item, ...]
    duties: tuple[tuple[tuple[str, ...], datetime, datetime], ...]
    packs: tuple[str, ...]


class Gate:
    """
    Compiled packs; immutable, and safe to share.

    `calendars` maps the names that packs and spans use (CN, US-FED) to working days; a rule whose calendar is missing, or
    does not know the year, blocks with needs_fact. What applies to a kind of proposal (all its fields but who, when and
    where exactly) is worked out once and kept.
    """

    def __init__(
        self, packs: Iterable[Pack], calendars: Mapping[str, Calendar] | None = None
    ) -> None:
        self.packs = tuple(packs)
        self._calendars: Calendars = dict(calendars or {})
        self._plans: dict[tuple[object, ...], _Plan] = {}

    def verdict(
        self, proposal: Proposal, known: Known, known_at: datetime | None = None
    ) -> Verdict:
        """
        Answer whether *proposal* may be made at its instant, on what was known at *known_at* (default: that instant).

        Pure: equal arguments give equal verdicts, on any machine, whatever the order of the log. Raises
        ValueError for an instant without an offset.
        """
        start = _utc(proposal.at)
        known_at = start if known_at is None else _utc(known_at)
        then = known.as_of(known_at)
        ask = Ask(proposal, then, known_at)
        plan = self._plan(proposal)
        horizon = start + HORIZON
        reasons: list[Reason] = []
        flags: list[str] = []
        blocking: list[Bound] = []
        for item in plan.items:
            status, change = item.bound.state(ask, start)
            if item.review:
                if status is not None:
                    flags.append(item.rule)
                continue
            blocking.append(item.bound)
            if status is not None:
                following = _next(item.bound, ask, change, horizon)
                reasons.append(
                    Reason(rule=item.rule, pack=item.pack, next_at=following, needs_fact=status)
                )
        earliest = start if not reasons else _earliest(reasons, blocking, ask, horizon)
        return Verdict(
            outcome="block" if reasons else "allow",
            reasons=tuple(reasons),
            earliest_next=earliest,
            until=None if earliest is None else _until(blocking, ask, earliest),
            obligations=_in_force(plan.duties, start),
            review_flags=tuple(sorted(flags)),
            packs=plan.packs,
            facts=then.digest,
            known_at=known_at,
        )

    def _plan(self, p: Proposal) -> _Plan:
        key = (
            p.channel, p.voice, p.autodialled, p.purpose, p.action, p.party, p.place, p.role, p.product,
            p.creditor, p.creditor_kind, p.limitation, p.debtor_country, p.debtor_state, p.debtor_city,
            p.region, p.language, p.zones, p.tags,
        )  # fmt: skip
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = self._planned(p)
        return plan

    def _planned(self, p: Proposal) -> _Plan:
        items: list[_Item] = []
        duties = []
        chosen = [pack for pack in self.packs if selects(pack, p)]
        for pack in chosen:
            default = (pack.zones.default,) if pack.zones.default else ()
            zones = zones_of(p.zones or default)
            for rule in pack.rules:
                unknown = applies(rule, p)
                if unknown is None:
                    continue
                start, end = _validity(rule, pack, zones or WORLD)
                duties.append((obligations(rule), start, end))
                bound = Fixed(unknown) if unknown else self._bound(rule, pack, p, zones)
                if bound is None:
                    continue
                if rule.unless_consent and not unknown:
                    bound = UnlessConsent(bound, rule.unless_consent, zones)
                if start > _EVER or end < FAR:
                    bound = WhileValid(bound, start, end)
                items.append(_Item(rule.id, pack.pack, rule.effect == "review", bound))
        return _Plan(
            tuple(items),
            tuple(each for each in duties if each[0]),
            tuple(pack.name for pack in chosen),
        )

    def _bound(self, rule: AnyRule, pack: Pack, p: Proposal, zones: Zones) -> Bound | None:
        """Answer *rule* for the kind of *p*; none where it is never in its way."""
        match rule:
            case Content():
                return content_rule(rule, p)
            case Conduct():
                return ConductRule(rule)
            case Party():
                return party_rule(rule, p, pack.derive, zones)
            case Cooldown():
                return CooldownRule(
                    rule, zones, self._calendar(rule.for_.calendar or pack.calendar)
                )
            case Precondition():
                return PreconditionRule(rule, zones, self._calendar(pack.calendar))
            case _:
                return _of_log(rule, zones)

    def _calendar(self, name: str) -> Calendar | None:
        return self._calendars.get(name)


def _of_log(
    rule: Window | DeclaredWindow | Cap | Hold | OptOut | Fresh | ClockRule, zones: Zones
) -> Bound:
    match rule:
        case Window():
            return WindowRule(rule, zones_of(rule.zones) if rule.zones else zones)
        case DeclaredWindow():
            return DeclaredRule(zones)
        case Cap():
            return CapRule(rule, zones)
        case Hold():
            return HoldRule(rule, zones)
        case OptOut():
            return OptOutRule(rule)
        case Fresh():
            return FreshRule(rule)
        case ClockRule():
            return ClockStateRule(rule, zones)


_EVER = datetime(1, 1, 1, tzinfo=UTC)


def _validity(rule: AnyRule, pack: Pack, zones: Zones) -> tuple[datetime, datetime]:
    """Answer from when to when *rule* is in force in any of *zones*; its own dates replace the pack's."""
    dates = rule.effective or pack.effective
    start, end = _EVER, FAR
    if dates is not None and dates.from_ is not None:
        start = min(day_start(dates.from_, where) for where in zones)
    if dates is not None and dates.to is not None:
        end = day_end(dates.to, zones, latest=True)
    return start, end


def _next(bound: Bound, ask: Ask, t: datetime, horizon: datetime) -> datetime | None:
    """Answer the earliest instant, from *t* to *horizon*, at which the rule alone allows."""
    while t <= horizon:
        status, change = bound.state(ask, t)
        if status is None:
            return t
        t = change
    return None


def _earliest(
    reasons: list[Reason], rules: list[Bound], ask: Ask, horizon: datetime
) -> datetime | None:
    """Answer the least instant at which no rule blocks: what each alone answers, until all agree."""
    alone = [reason.next_at for reason in reasons if reason.next_at is not None]
    if len(alone) < len(reasons):
        return None
    t = max(alone)
    settled = False
    while not settled:
        settled = True
        for rule in rules:
            following = _next(rule, ask, t, horizon)
            if following is None:
                return None
            if following > t:
                t, settled = following, False
    return t


def _until(rules: list[Bound], ask: Ask, t: datetime) -> datetime:
    """Answer until when, at most 24 hours from *t* on, no rule comes in the way."""
    limit = t + LONGEST_PERMIT
    for rule in rules:
        status, change = rule.state(ask, t)
        while status is None and change < limit:
            at = change
            status, change = rule.state(ask, at)
            if status is not None:
                limit = at
    return limit


def _in_force(
    duties: tuple[tuple[tuple[str, ...], datetime, datetime], ...], t: datetime
) -> tuple[str, ...]:
    return tuple(
        sorted({duty for texts, start, end in duties if start <= t < end for duty in texts})
    )


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)
