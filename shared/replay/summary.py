"""Sum up what a replay or a live run came to: cases, contacts, visits, legal steps, cures, the roll matrix."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec

from shared.events.envelope import Event
from shared.events.legal import PUBLISHED as LEGAL
from shared.events.notifier import ContactAnswered, ContactDelivered, ContactFailed, ContactSent
from shared.events.scheduler import BucketChanged, CaseClosed, CaseOpened, StageEntered
from shared.events.visits import VisitCompleted, VisitFailed, VisitScheduled


class CustomerSummary(msgspec.Struct, kw_only=True):
    """How one customer stands at the end: days past due, bucket, stage, what is overdue per currency."""

    id: str
    dpd: int
    bucket: str
    stage: str
    overdue_minor: dict[str, int]


class Cases(msgspec.Struct, kw_only=True):
    """Open cases by bucket and by stage."""

    by_bucket: dict[str, int]
    by_stage: dict[str, int]


class Summary(msgspec.Struct, kw_only=True, omit_defaults=True):
    """
    The summary of a run up to `until` (UTC).

    `contacts` counts by channel and outcome, `visits` by outcome, `legal` by step. `overdue_minor`
    sums what is overdue at the end per currency (minor units). `roll_matrix[from][to]` counts the
    customers that stood in one bucket at a month's end and in the other at the next.
    """

    until: datetime
    cases: Cases
    contacts: dict[str, dict[str, int]]
    visits: dict[str, int]
    legal: dict[str, int]
    cures: int
    reopened: int
    overdue_minor: dict[str, int]
    roll_matrix: dict[str, dict[str, int]]
    events_in: int
    events_out: int
    rejected: int
    per_customer: list[CustomerSummary] | None = None


@dataclass(slots=True)
class _Case:
    bucket: str = "M0"
    stage: str = "idle"
    open: bool = False
    month_ends: dict[date, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Counts published events as they come, in the order of time per customer."""

    cases: dict[str, _Case] = field(default_factory=lambda: defaultdict(_Case))
    contacts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    visits: Counter[str] = field(default_factory=Counter)
    legal: Counter[str] = field(default_factory=Counter)
    rolls: dict[str, list[tuple[date, str]]] = field(default_factory=lambda: defaultdict(list))
    cures: int = 0
    reopened: int = 0
    events_out: int = 0

    def add(self, event: Event) -> None:
        """Count one published event."""
        self.events_out += 1
        data = event.data
        if isinstance(data, ContactSent | ContactDelivered | ContactFailed):
            self.contacts[data.channel][event.type.partition(".")[2]] += 1
        elif isinstance(data, ContactAnswered):
            self.contacts[data.channel]["answered"] += 1
            self.contacts[data.channel][f"answered: {data.result}"] += 1
        elif isinstance(data, VisitScheduled):
            self.visits["scheduled"] += 1
        elif isinstance(data, VisitCompleted):
            self.visits[data.outcome] += 1
        elif isinstance(data, VisitFailed):
            self.visits[f"failed: {data.reason}"] += 1
        elif event.type in LEGAL:
            self.legal[event.type.partition(".")[2]] += 1
        else:
            self._scheduler(event)

    def _scheduler(self, event: Event) -> None:
        data, case = event.data, self.cases[event.subject]
        if isinstance(data, CaseOpened):
            case.open, case.stage = True, "open"
            self.reopened += data.episode > 1
        elif isinstance(data, StageEntered):
            case.stage = data.stage
        elif isinstance(data, BucketChanged):
            case.bucket = data.to_bucket
            self.rolls[event.subject].append((data.as_of_on, data.to_bucket))
        elif isinstance(data, CaseClosed):
            case.open, case.stage = False, "idle"
            self.cures += data.cause == "cured"

    def summary(
        self,
        *,
        until: datetime,
        events_in: int,
        rejected: int,
        standings: Iterable[CustomerSummary],
        per_customer: bool = False,
    ) -> Summary:
        """Sum up; *standings* tells how each customer stands at the end."""
        stand = sorted(standings, key=lambda entry: entry.id)
        overdue: Counter[str] = Counter()
        for entry in stand:
            overdue.update(entry.overdue_minor)
        in_case = [case for case in self.cases.values() if case.open]
        return Summary(
            until=until,
            cases=Cases(
                by_bucket=_sorted(Counter(case.bucket for case in in_case)),
                by_stage=_sorted(Counter(case.stage for case in in_case)),
            ),
            contacts={name: _sorted(self.contacts[name]) for name in sorted(self.contacts)},
            visits=_sorted(self.visits),
            legal=_sorted(self.legal),
            cures=self.cures,
            reopened=self.reopened,
            overdue_minor=_sorted(overdue),
            roll_matrix=roll_matrix(self.rolls, until.date()),
            events_in=events_in,
            events_out=self.events_out,
            rejected=rejected,
            per_customer=stand if per_customer else None,
        )


def roll_matrix(rolls: dict[str, list[tuple[date, str]]], until: date) -> dict[str, dict[str, int]]:
    """Count, over all customers that ever left M0, from which bucket at a month's end to which at the next."""
    starts = [changes[0][0] for changes in rolls.values()]
    matrix: dict[str, Counter[str]] = defaultdict(Counter)
    ends = month_ends(min(starts), until) if starts else []
    for changes in rolls.values():
        place, bucket, before = 0, "M0", ""
        for end in ends:
            while place < len(changes) and changes[place][0] <= end:
                bucket = changes[place][1]
                place += 1
            if before:
                matrix[before][bucket] += 1
            before = bucket
    return {name: _sorted(matrix[name]) for name in sorted(matrix)}


def month_ends(first: date, last: date) -> list[date]:
    """Answer the last days of the months from that of *first* on that are not after *last*."""
    ends: list[date] = []
    month = first.replace(day=1)
    while True:
        month = (month + timedelta(days=32)).replace(day=1)
        end = month - timedelta(days=1)
        if end > last:
            return ends
        ends.append(end)


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
