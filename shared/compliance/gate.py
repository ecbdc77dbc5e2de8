"""
The gate: whether a contact may be made, by all packs that apply, and if not, from when on and why not.

    gate = Gate(load_packs(folder))
    verdict = gate.verdict(proposal, Known(entries))

Each rule is a function of time: blocked or not, piecewise. The contact is allowed at t when no rule blocks at t. The earliest
next instant is the least fixed point of t := max over rules of the earliest instant, from t on, at which that rule alone
allows; beyond 500 days, or where a rule never does by time alone, it is none ("event").
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from shared.compliance.asked import Ask, Bound
from shared.compliance.calendars import standard_calendars
from shared.compliance.instants import FAR, Calendar, Calendars
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.plans import Plan, plan_for
from shared.compliance.proposal import Proposal
from shared.compliance.verdict import Reason, Verdict

HORIZON = timedelta(days=500)
LONGEST_PERMIT = timedelta(hours=24)
_MOST_PLANS = 8192


class _Free:
    """A rule, and the stretch of time from the instant that is looked at in which it is known to allow."""

    __slots__ = ("bound", "until")

    def __init__(self, bound: Bound, until: datetime) -> None:
        self.bound = bound
        self.until = until


class Gate:
    """
    Compiled packs; immutable, and safe to share.

    `calendars` maps the names that packs and spans use (CN, US-FED) to working days (none: those that need no file); a rule whose calendar is missing, or
    does not know the year, blocks with needs_fact. What applies to a kind of proposal (all its fields but who, when and
    where exactly) is worked out once and kept.
    """

    def __init__(
        self, packs: Iterable[Pack], calendars: Mapping[str, Calendar] | None = None
    ) -> None:
        self.packs = tuple(packs)
        self.calendars: Calendars = dict(standard_calendars() if calendars is None else calendars)
        self._plans: dict[tuple[object, ...], Plan] = {}

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
        beyond = horizon + LONGEST_PERMIT
        reasons: list[Reason] = []
        flags: list[str] = []
        free: list[_Free] = []
        for item in plan.items:
            if item.trigger and not then.has(item.trigger):
                continue
            plain = item.start <= start and beyond <= item.end
            if plain and not (item.consent and then.has(item.consent)):
                bound = item.core
            else:
                bound = item.full
            status, change = bound.state(ask, start)
            if item.review:
                if status is not None:
                    flags.append(item.rule)
                continue
            if status is None:
                if change < beyond:
                    free.append(_Free(bound, change))
                continue
            following, until = _next(bound, ask, change, horizon)
            reasons.append(
                Reason(rule=item.rule, pack=item.pack, next_at=following, needs_fact=status)
            )
            free.append(_Free(bound, until))
        earliest = _earliest(reasons, free, ask, horizon) if reasons else start
        return Verdict(
            outcome="block" if reasons else "allow",
            reasons=tuple(reasons),
            earliest_next=earliest,
            until=None if earliest is None else _until(free, ask, earliest),
            obligations=plan.duties_at(start),
            review_flags=tuple(sorted(flags)),
            packs=plan.packs,
            facts=then.digest,
            known_at=known_at,
        )

    def _plan(self, p: Proposal) -> Plan:
        key = (
            p.channel, p.voice, p.autodialled, p.purpose, p.action, p.party, p.place, p.role, p.product,
            p.creditor, p.creditor_kind, p.limitation, p.debtor_country, p.debtor_state, p.debtor_city,
            p.region, p.language, p.zones, p.tags,
        )  # fmt: skip
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = plan_for(self.packs, self.calendars, p)
        return plan


def _next(
    bound: Bound, ask: Ask, t: datetime, horizon: datetime
) -> tuple[datetime | None, datetime]:
    """Answer the earliest instant, from *t* to *horizon*, at which the rule alone allows, and until when it then does."""
    while t <= horizon:
        status, change = bound.state(ask, t)
        if status is None:
            return t, change
        t = change
    return None, FAR


def _earliest(
    reasons: list[Reason], rules: list[_Free], ask: Ask, horizon: datetime
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
            if t < rule.until:
                continue
            following, rule.until = _next(rule.bound, ask, t, horizon)
            if following is None:
                return None
            if following > t:
                t, settled = following, False
    return t


def _until(rules: list[_Free], ask: Ask, t: datetime) -> datetime:
    """Answer until when, at most 24 hours from *t* on, no rule comes in the way; all allow at *t*."""
    limit = t + LONGEST_PERMIT
    for rule in rules:
        at = rule.until
        while at < limit:
            status, change = rule.bound.state(ask, at)
            if status is not None:
                limit = at
            at = change
    return limit


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)
