"""
Which legal periods of the debts run, for the rules that ask: how long a guarantor may be called on, and limitation. Pure.

    Periods(packs, calendars).told(proposal, debts) -> the proposal with `clocks` and `limitation`

What the bank said (the account's record, legal's statement) counts as said. What is worked out from the record is a lower bound:
something unknown may have begun the period anew. So within it the period runs; after it nobody knows, and the rule blocks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from msgspec.structs import replace

from shared.compliance.applying import selects
from shared.compliance.calendars import WorkCalendar
from shared.compliance.entries import Entry
from shared.compliance.instants import WORLD, local_date, zones_of
from shared.compliance.limitation import Interruption, guarantee_period, limitation
from shared.compliance.pack import Pack
from shared.compliance.periods import clock_ending
from shared.compliance.proposal import Proposal
from shared.compliance.rules import ClockRule, Party
from shared.events.core_banking import AccountUpdated, Guarantee

STATED = "limitation.stated"
GUARANTEE, LIMITATION = "guarantee_period", "limitation"
_CIVIL_CODE = "cn_civil_code"
"""The way of counting whose interruptions we know (CC 195): a part payment begins the period anew."""


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What is known of one debt's periods: what `account.updated` says of them, and `paid_on`, when money came in on it.

    `stated_on`: what legal stated of limitation, which counts before the record's `limitation_on`.
    """

    last_due_on: date | None = None
    limitation_on: date | None = None
    guarantee: Guarantee | None = None
    paid_on: tuple[date, ...] = ()
    stated_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Last:
    """The last day of a period, included; `sure`: afterwards it has run, else nobody knows."""

    day: date
    sure: bool


@dataclass(frozen=True, slots=True)
class _Reader:
    """A pack whose rules ask for periods: clocks by name, some for one party only ("" for all), and `limitation`."""

    pack: Pack
    clocks: frozenset[tuple[str, str]]
    limitation: bool


class Periods:
    """The legal periods that the rules of some packs ask for; immutable. Packs that ask for none cost nothing."""

    def __init__(self, packs: Iterable[Pack], calendars: Mapping[str, WorkCalendar]) -> None:
        self._calendars = calendars
        readers = (
            _Reader(
                pack,
                frozenset(_clocks(pack)),
                any(rule.when.limitation for rule in pack.rules),
            )
            for pack in packs
        )
        self._readers = tuple(each for each in readers if each.clocks or each.limitation)

    def told(self, proposal: Proposal, debts: Sequence[Terms]) -> Proposal:
        """Answer the proposal with what its rules ask of the periods of its *debts*; what is unknown stays away."""
        clocks: dict[str, bool | str] = {}
        state = ""
        for reader in self._readers:
            if not selects(reader.pack, proposal):
                continue
            for party, name in sorted(reader.clocks):
                if party in {"", proposal.party} and (
                    day := self._clock(reader, name, proposal, debts)
                ):
                    clocks[name] = min(day, str(clocks.get(name, day)))
            if reader.limitation and state != "expired":
                ends = [self._limitation(reader.pack, each) for each in debts]
                state = _state(ends, _today(proposal, reader.pack)) or state
        if not clocks and not state:
            return proposal
        return replace(proposal, clocks=clocks, limitation=state)

    def _clock(self, reader: _Reader, name: str, proposal: Proposal, debts: Sequence[Terms]) -> str:
        """Answer the last day on which the clock runs for all *debts*; "" where that is not known."""
        reckon = {GUARANTEE: self._guarantee, LIMITATION: self._limitation}.get(name)
        ends = [reckon(reader.pack, each) for each in debts] if reckon is not None else []
        known = [each for each in ends if each is not None]
        if not known or len(known) < len(ends):
            return ""
        first = min(known, key=lambda each: each.day)
        if not first.sure and first.day < _today(proposal, reader.pack):
            return ""
        return first.day.isoformat()

    def _guarantee(self, pack: Pack, terms: Terms) -> _Last | None:
        """
        Answer until when the guarantor of a debt may be asked (CC 692-694).

        What was agreed counts, unless it ends no later than the debt falls due: then the law's period does. Who was called
        on in time owes on, for as long as a claim against them can be sued for at least.
        """
        said = terms.guarantee
        clock, calendar = pack.clocks.get(GUARANTEE), self._calendars.get(pack.calendar)
        if said is None or clock is None or calendar is None:
            return None
        if said.called_on is not None:
            longer = pack.clocks.get(LIMITATION)
            if longer is None:
                return None
            return _Last(clock_ending(longer, said.called_on, calendar).act_by, sure=False)
        if said.until_on is not None and said.until_on > (terms.last_due_on or date.min):
            return _Last(said.until_on, sure=True)
        if terms.last_due_on is None:
            return None
        ending = guarantee_period(clock, terms.last_due_on, calendar)
        return _Last(ending.act_by, sure=ending.certain)

    def _limitation(self, pack: Pack, terms: Terms) -> _Last | None:
        said = terms.stated_on or terms.limitation_on
        if said is not None:
            return _Last(said, sure=True)
        clock, calendar = pack.clocks.get(LIMITATION), self._calendars.get(pack.calendar)
        if (
            clock is None
            or clock.period != _CIVIL_CODE
            or calendar is None
            or terms.last_due_on is None
        ):
            return None
        paid = (Interruption(day) for day in terms.paid_on)
        ending = limitation(clock, [terms.last_due_on], calendar, interruptions=paid)
        return None if ending is None else _Last(ending.act_by, sure=False)


def terms_of(record: AccountUpdated) -> Terms:
    """Answer what the account's record says."""
    return Terms(
        last_due_on=record.last_due_on,
        limitation_on=record.limitation_on,
        guarantee=record.guarantee,
    )


def stated(log: Iterable[Entry]) -> dict[str, date]:
    """Answer by debt the last day of limitation that legal stated latest; of two at once the earlier day."""
    latest: dict[str, Entry] = {}
    for entry in log:
        if entry.type != STATED or entry.until_on is None:
            continue
        for debt in entry.debts:
            latest[debt] = max(latest.get(debt, entry), entry, key=_rank)
    return {debt: entry.until_on for debt, entry in latest.items() if entry.until_on is not None}


def _rank(entry: Entry) -> tuple[object, ...]:
    return entry.at, entry.rec or entry.at, -(entry.until_on or date.min).toordinal()


def _clocks(pack: Pack) -> Iterable[tuple[str, str]]:
    for rule in pack.rules:
        match rule:
            case ClockRule(clock=name):
                yield "", name
            case Party(allow=ways):
                yield from ((way.party, way.if_clock_live) for way in ways if way.if_clock_live)
            case _:
                pass


def _today(proposal: Proposal, pack: Pack) -> date:
    """The latest local date of the proposal: what ends with a day has ended where that day is over first."""
    default = (pack.zones.default,) if pack.zones.default else ()
    zones = zones_of(proposal.zones or default) or WORLD
    return max(local_date(proposal.at, where) for where in zones)


def _state(ends: Sequence[_Last | None], today: date) -> str:
    """Answer `expired` if the limitation of any debt has run, `running` if that of all runs, "" where nobody knows."""
    over = [each for each in ends if each is not None and each.day < today]
    if any(each.sure for each in over):
        return "expired"
    return "running" if ends and not over and None not in ends else ""
