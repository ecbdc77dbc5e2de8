"""Sort a Kafka fetch out, before any database: what is to be decided, what is broken, what only moves progress. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.clock import AT_ONCE
from shared.decision import Reactor
from shared.events.common import CaseParked, CaseReleased
from shared.events.core_banking import CustomerMerged
from shared.events.registry import CORE_BANKING, EVENT_TYPES, TYPE_OF
from shared.messaging.arriving import arrivals_of
from shared.messaging.cloudevents import BrokenEvent
from shared.messaging.deciding import AHEAD
from shared.messaging.decode import Broken, Decoded, Decoder, ProgressMade
from shared.messaging.inbox import MONTHS_BACK, add_months, month_of
from shared.messaging.records import Arrival, Record
from shared.vault import Deposit, Keys

NOTES = frozenset({TYPE_OF[CaseParked], TYPE_OF[CaseReleased]})
"""What the shell itself applies, outside the customer's queue and without a decision."""
POINTS = "customer.updated"
MERGED = "customer.merged"
LEADER = "scheduler"
"""Whose progress counts: the service that folds core banking's facts."""

Item = Arrival | Broken


@dataclass(slots=True)
class Batch:
    """
    A fetch, sorted out: `sequence` in order of arrival; `deposits` for the vault that need no decision;
    `settled` what the scheduler says it settled; `ends` the offsets after the last core-banking records here.
    """

    sequence: list[Item] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    settled: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    ignored: int = 0
    misplaced: int = 0

    def customers(self) -> list[str]:
        """Name the customers whose cases are needed, sorted."""
        return sorted({item.customer_id for item in self.sequence if item.customer_id})


class Sorter:
    """Sorts out the fetches of one service."""

    def __init__(
        self, reactor: Reactor[Any], keys: Keys, *, keeps_vault: bool, partitions: int
    ) -> None:
        self._reacts_to = reactor.reacts_to | NOTES
        self._keys = keys
        extra = frozenset({POINTS, MERGED}) if keeps_vault else frozenset[str]()
        envelope = keys.envelope if keeps_vault else None
        self._decoder = Decoder(self._reacts_to | extra, partitions=partitions, envelope=envelope)
        self.leads = any(CORE_BANKING in EVENT_TYPES[name].topics for name in reactor.reacts_to)

    def sort_out(self, records: Sequence[Record], now: datetime) -> Batch:
        """Decode the records and put each where it belongs."""
        batch = Batch()
        oldest, latest = window(now)
        for record in records:
            if record.topic == CORE_BANKING:
                batch.ends[record.partition] = record.offset + 1
            outcome = self._decoder.decode(record, oldest=oldest, latest=latest)
            match outcome:
                case Decoded():
                    batch.misplaced += outcome.misplaced
                    self._place(batch, outcome)
                case ProgressMade(partition=partition, offset=offset):
                    if record.topic == LEADER:
                        batch.settled[partition] = max(offset, batch.settled.get(partition, 0))
                case Broken():
                    batch.sequence.append(outcome)
                case _:
                    batch.ignored += 1
        return batch

    def again(self, record: Record, now: datetime) -> Batch:
        """Sort out one quarantined record again; however old it has become, its age is no reason."""
        oldest, latest = window(now)
        outcome = self._decoder.decode(record, oldest=min(oldest, AT_ONCE), latest=latest)
        batch = Batch()
        if isinstance(outcome, Decoded):
            self._place(batch, outcome)
        elif isinstance(outcome, Broken):
            batch.sequence.append(outcome)
        return batch

    def _place(self, batch: Batch, decoded: Decoded) -> None:
        event = decoded.event
        if event.type not in self._reacts_to:
            whose = event.subject
            if isinstance(
                event.data, CustomerMerged
            ):  # nobody is reached through the record that ends
                whose = event.data.from_customer_id
            if whose != event.subject or event.type == POINTS:
                batch.deposits.append(Deposit(whose, event.time, event.id, decoded.values))
            return
        try:
            batch.sequence += arrivals_of(decoded, self._keys)
        except BrokenEvent as error:
            broken = Broken(decoded.record, error.reason, error.field, error.detail, event.subject)
            batch.sequence.append(broken)


def window(now: datetime) -> tuple[datetime, datetime]:
    """Answer the oldest and the latest time that an event may bear: the months kept, and 5 minutes ahead."""
    month = add_months(month_of(now), -MONTHS_BACK)
    return now.replace(
        year=month.year, month=month.month, day=1, hour=0, minute=0, second=0, microsecond=0
    ), now + AHEAD
