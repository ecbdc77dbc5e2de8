"""Plans: what the packs come to for one kind of proposal, worked out once for all that are alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.compliance.applying import ConductRule, applies, content_rule, obligations, selects
from shared.compliance.asked import Bound, Fixed, WhileValid
from shared.compliance.consents import UnlessConsent
from shared.compliance.counting import CapRule, CooldownRule
from shared.compliance.evidence import ClockStateRule, FreshRule, PreconditionRule
from shared.compliance.holds import HoldRule, OptOutRule
from shared.compliance.instants import (
    FAR,
    WORLD,
    Calendars,
    Zones,
    day_end,
    day_start,
    zones_of,
)
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
from shared.compliance.windows import DeclaredRule, WindowRule


@dataclass(frozen=True, slots=True)
class Item:
    """
    A rule as it stands for one kind of proposal.

    Without a fact of type `trigger` it is never in the way. `core` is the rule alone, enough between `start` and `end`
    and while there is no `consent`; `full` minds those too.
    """

    rule: str
    pack: str
    review: bool
    trigger: str
    consent: str
    start: datetime
    end: datetime
    core: Bound
    full: Bound


@dataclass(frozen=True, slots=True)
class Plan:
    """What applies to one kind of proposal: rules that can be in the way, what they ask and while when, and the packs."""

    items: tuple[Item, ...]
    duties: tuple[tuple[tuple[str, ...], datetime, datetime], ...]
    packs: tuple[str, ...]
    all_duties: tuple[str, ...]
    steady: tuple[datetime, datetime]
    """Between these instants all duties are in force."""

    def duties_at(self, t: datetime) -> tuple[str, ...]:
        """Answer the obligations that are in force at *t*, sorted."""
        if self.steady[0] <= t < self.steady[1]:
            return self.all_duties
        return tuple(
            sorted(
                {duty for texts, start, end in self.duties if start <= t < end for duty in texts}
            )
        )


def plan_for(packs: Iterable[Pack], calendars: Calendars, p: Proposal) -> Plan:
    """Answer what *packs* come to for proposals of the kind of *p*."""
    items: list[Item] = []
    duties: list[tuple[tuple[str, ...], datetime, datetime]] = []
    chosen = [pack for pack in packs if selects(pack, p)]
    for pack in chosen:
        default = (pack.zones.default,) if pack.zones.default else ()
        zones = zones_of(p.zones or default)
        for rule in pack.rules:
            unknown = applies(rule, p)
            if unknown is None:
                continue
            start, end = _validity(rule, pack, zones or WORLD)
            duties.append((obligations(rule), start, end))
            bound = Fixed(unknown) if unknown else _bound(rule, pack, p, zones, calendars)
            if bound is None:
                continue
            full = bound
            if rule.unless_consent and not unknown:
                full = UnlessConsent(full, rule.unless_consent, zones)
            full = WhileValid(full, start, end)
            items.append(
                Item(
                    rule=rule.id,
                    pack=pack.pack,
                    review=rule.effect == "review",
                    trigger=_trigger(rule),
                    consent=f"consent.{rule.unless_consent}" if rule.unless_consent else "",
                    start=start,
                    end=end,
                    core=bound,
                    full=full,
                )
            )
    duties = [each for each in duties if each[0]]
    return Plan(
        items=tuple(items),
        duties=tuple(duties),
        packs=tuple(pack.name for pack in chosen),
        all_duties=tuple(sorted({duty for texts, _, _ in duties for duty in texts})),
        steady=(
            max((start for _, start, _ in duties), default=_EVER),
            min((end for _, _, end in duties), default=FAR),
        ),
    )


def _bound(
    rule: AnyRule, pack: Pack, p: Proposal, zones: Zones, calendars: Calendars
) -> Bound | None:
    """Answer *rule* for the kind of *p*; none where it is never in its way."""
    match rule:
        case Content():
            return content_rule(rule, p)
        case Conduct():
            return ConductRule(rule)
        case Party():
            return party_rule(rule, p, pack.derive, zones)
        case Cooldown():
            return CooldownRule(rule, zones, calendars.get(rule.for_.calendar or pack.calendar))
        case Precondition():
            return PreconditionRule(rule, zones, calendars.get(rule.calendar or pack.calendar))
        case _:
            return _of_log(rule, zones)


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


def _trigger(rule: AnyRule) -> str:
    """Answer the type of fact without which *rule* is never in the way; none where it needs no fact to be."""
    match rule:
        case Cap() if rule.max > 0 and "point" not in rule.per:
            return "contact"
        case Cooldown():
            return "contact"
        case Hold():
            return rule.starts
        case OptOut():
            return "optout"
        case DeclaredWindow():
            return "inconvenient.declared"
        case _:
            return ""
