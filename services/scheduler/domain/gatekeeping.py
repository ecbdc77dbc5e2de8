"""Ask the gate: what is known of the customer is folded once in a tick, and only in a tick that has to ask."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from services.scheduler.domain import logbook
from services.scheduler.domain.state import CollectionCase
from services.scheduler.policy import Strategy
from shared.compliance.applying import selects
from shared.compliance.calendars import calendars_of
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.proposal import Proposal
from shared.compliance.verdict import Reason, Verdict
from shared.content.registry import Registry
from shared.events.permits import InTheWay, Permit
from shared.permits.running import Periods

_TURNS = 100
"""How often proposals that must be allowed together may push an instant on before no time suits them all."""
_DAY = timedelta(hours=24)
_KEPT = 8
MERGED = "CASE.MERGED"
"""The record ended in another: that case decides; or this one goes on for a record that has not handed over yet."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The rules of a strategy, compiled: the gate, the legal periods that it asks for, the register of texts (none: no
    tags), how far back rules look, and the acts on which packs have rules.
    """

    strategy: Strategy
    gate: Gate
    periods: Periods
    texts: Registry | None
    reach: logbook.Reach
    acts: tuple[tuple[Pack, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """
    What the gate says to something: whether it is allowed now, else from when on (None: only an event can help).

    `until` is the end of the stretch in which it is allowed; `reasons` are the rules in the way now.
    """

    allowed: bool
    earliest: datetime | None
    until: datetime | None = None
    reasons: tuple[InTheWay, ...] = ()
    packs: tuple[str, ...] = ()
    facts: str = ""

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules in the way, sorted."""
        return tuple(sorted({reason.rule for reason in self.reasons}))


def _actions(pack: Pack) -> frozenset[str]:
    return frozenset(action for rule in pack.rules for action in rule.when.action_in)


def refused(rule: str, needs_fact: str = "") -> Ruling:
    """Answer the ruling of something that no pack is asked about: what stands in its way is known without."""
    return Ruling(False, None, reasons=(InTheWay(rule=rule, needs_fact=needs_fact),))


_COMPILED: dict[int, Rules] = {}


def rules_of(strategy: Strategy) -> Rules:
    """Answer the strategy's rules; compiled once for each strategy that this process uses."""
    found = _COMPILED.get(id(strategy))
    if found is None or found.strategy is not strategy:
        texts = Registry(strategy.content) if strategy.content is not None else None
        calendars = calendars_of(strategy.calendars)
        found = Rules(
            strategy,
            Gate(strategy.packs, calendars),
            Periods(strategy.packs, calendars),
            texts,
            logbook.Reach.of(strategy.packs),
            tuple((pack, actions) for pack in strategy.packs if (actions := _actions(pack))),
        )
        while len(_COMPILED) >= _KEPT:
            _COMPILED.pop(next(iter(_COMPILED)))
        _COMPILED[id(strategy)] = found
    return found


class Gatekeeper:
    """What the gate knows of one customer in one tick; reserve() adds to it."""

    def __init__(self, case: CollectionCase, customer_id: str, now: datetime, rules: Rules) -> None:
        self._known = Known(logbook.entries(case, customer_id))
        self._now = now
        self._rules = rules

    @property
    def texts(self) -> Registry | None:
        """The register of texts."""
        return self._rules.texts

    @property
    def periods(self) -> Periods:
        """The legal periods that rules ask for."""
        return self._rules.periods

    def is_ruled(self, act: Proposal) -> bool:
        """Tell whether a pack that applies has a rule on such an act."""
        return any(
            act.action in actions and selects(pack, act) for pack, actions in self._rules.acts
        )

    def reserve(self, case: CollectionCase, entry: Entry) -> CollectionCase:
        """Answer the case with the reservation; what is asked next in this tick reckons with it."""
        self._known.add(entry)
        return replace(case, log={**case.log, logbook.key_of(entry): entry})

    def judge(self, proposals: tuple[Proposal, ...]) -> Ruling:
        """Answer what the gate says to all of them together, at their instant and later; nothing to ask is allowed."""
        at = proposals[0].at
        first = self._verdicts(proposals, at)
        reasons = () if all(each.allowed for each in first) else _reasons(first)
        found: list[Verdict] = first
        for _ in range(_TURNS):
            nexts = [each.earliest_next for each in found]
            latest = max((each for each in nexts if each is not None), default=None)
            if latest is None or None in nexts:
                break
            if len(found) == 1 or all(each == latest for each in nexts):
                ends = [each.until for each in found if each.until is not None]
                until = min(ends, default=latest + _DAY).astimezone(UTC)
                return self._ruling(first, reasons, latest.astimezone(UTC), until)
            found = self._verdicts(proposals, latest)
        return self._ruling(first, reasons, None, None)

    def _verdicts(self, proposals: tuple[Proposal, ...], at: datetime) -> list[Verdict]:
        return [
            self._rules.gate.verdict(replace(each, at=at), self._known, self._now)
            for each in proposals
        ]

    def _ruling(
        self,
        first: list[Verdict],
        reasons: tuple[InTheWay, ...],
        earliest: datetime | None,
        until: datetime | None,
    ) -> Ruling:
        packs = tuple(sorted({pack for each in first for pack in each.packs}))
        return Ruling(not reasons, earliest, until, reasons, packs, first[0].facts)


def permit(permit_id: str, way: tuple[str, str], at: datetime, end: datetime, by: Ruling) -> Permit:
    """Make the permit for a contact by *way* (channel, point) from *at* to *end*, on the strength of a ruling."""
    return Permit(
        permit_id=permit_id,
        channel=way[0],  # type: ignore[arg-type]
        point_id=way[1],
        not_before=at,
        not_after=end,
        packs=by.packs,
        facts=by.facts,
    )


def joined(rulings: list[Ruling]) -> tuple[InTheWay, ...]:
    """Answer the rules in the way of several choices, each once, in the order of their ids."""
    found = {(each.rule, each.pack): each for ruling in rulings for each in ruling.reasons}
    return tuple(found[key] for key in sorted(found))


def _reasons(verdicts: list[Verdict]) -> tuple[InTheWay, ...]:
    found: dict[tuple[str, str], Reason] = {}
    for verdict in verdicts:
        for reason in verdict.reasons:
            found.setdefault((reason.rule, reason.pack), reason)
    return tuple(
        InTheWay(
            rule=reason.rule,
            pack=reason.pack,
            next_at=reason.next_at.astimezone(UTC) if reason.next_at is not None else None,
            needs_fact=reason.needs_fact,
        )
        for _, reason in sorted(found.items())
    )
