"""What the vault would tell the notifier's cases of shared numbers: counted from the file, instant by instant."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from shared.border import PointValue
from shared.events.core_banking import CustomerMerged, CustomerUpdated
from shared.events.envelope import Event
from shared.vault.normal import normal
from shared.vault.sharing import NOT_SHARED, Holding, Place, Share, changes, counted, shares


@dataclass(frozen=True, slots=True)
class Record:
    """A customer's whole file at an instant: the numbers by point_id, in one form each."""

    time: datetime
    id: str
    customer_id: str
    numbers: tuple[tuple[str, str], ...] = ()

    @property
    def order(self) -> tuple[datetime, str]:
        """Which of two records of a customer counts: the later (time, id)."""
        return (self.time, self.id)


def record_of(event: Event, values: tuple[PointValue, ...]) -> Record | None:
    """Answer the record that the event brings, if any: a record that ends in another holds nothing any more."""
    match event.data:
        case CustomerUpdated(customer_id=customer_id):
            numbers = tuple(
                (value.point_id, normal(value.kind, value.value, value.country))
                for value in values
                if value.kind not in NOT_SHARED
            )
            return Record(event.time, event.id, customer_id, numbers)
        case CustomerMerged(customer_id=survivor, from_customer_id=ended) if ended != survivor:
            return Record(event.time, event.id, ended)
        case _:
            return None


def facts(records: Iterable[Record]) -> dict[str, list[Event]]:
    """Answer what the cases are told, by customer: at each instant what its records changed, all taken together."""
    counting = _Counting(defaultdict(dict), {}, {})
    found: dict[str, list[Event]] = defaultdict(list)
    ordered = sorted(records, key=lambda record: (*record.order, record.customer_id))
    for _, at_once in groupby(ordered, key=lambda record: record.time):
        for event in counting.take(list(at_once)):
            found[event.subject].append(event)
    return dict(found)


@dataclass(slots=True)
class _Counting:
    """The tables of the vault in memory: holdings by number, each customer's numbers, and what everybody was told."""

    holdings: dict[str, dict[Place, Holding]]
    files: dict[str, dict[str, str]]
    told: dict[Place, Share]

    def take(self, records: list[Record]) -> list[Event]:
        """Take in the records of one instant, sorted, and answer what follows."""
        causes: dict[str, Record] = {}
        concerned: set[Place] = set()
        for record in records:
            before = self.files.get(record.customer_id, {})
            after = dict(record.numbers)
            for point_id, number in (*before.items(), *after.items()):
                causes[number] = record
                concerned.add((record.customer_id, point_id))
                if before.get(point_id) == after.get(point_id):
                    continue
                place = (record.customer_id, point_id)
                if after.get(point_id) == number:
                    self.holdings[number][place] = Holding(*place, record.time)
                else:
                    self.holdings[number].pop(place, None)
            self.files[record.customer_id] = after
        now: dict[Place, Share] = {}
        by: dict[Place, Record] = {}
        for number, record in causes.items():
            found = shares(self.holdings[number].values())
            now |= found
            by |= dict.fromkeys(found, record)
        gone = dict.fromkeys(concerned - now.keys(), records[-1])
        by = {**gone, **by}
        told = {place: self.told[place] for place in {*now, *gone} if place in self.told}
        changed = changes(told, now)
        self.told.update(changed)
        return [
            counted(place, share, (by[place].customer_id, by[place].time, by[place].id))
            for place, share in changed
        ]
