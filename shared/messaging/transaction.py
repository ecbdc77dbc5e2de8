"""One transaction of the shell: look up, decide in memory, save. Tables are always written in the same order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.decision import Reactor
from shared.events.registry import SERVICES
from shared.messaging import effect_rows, inbox, onward_rows, outbox, parking, quarantine
from shared.messaging.batch import NOTES, Batch, Item
from shared.messaging.cases import Case, Cases
from shared.messaging.deciding import decision_instant
from shared.messaging.decode import Broken
from shared.messaging.folding import Failure, Folding
from shared.messaging.mass_failure import Watch
from shared.messaging.outbox import OutboxRow
from shared.messaging.records import Arrival, BatchResult
from shared.messaging.tally import Tally
from shared.vault import Deposit, Keys, VaultWriter, holders

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kit:
    """
    What every transaction of a service needs; `policy` is the digest of its policy, `code` the code's
    version, `watch` stops the service before a mass failure is saved.
    """

    reactor: Reactor[Any]
    cases: Cases
    keys: Keys
    vault: VaultWriter | None
    policy: str
    code: str
    watch: Watch


class Transaction:
    """Decides over locked cases and saves all that follows; the caller commits."""

    def __init__(
        self, tx: AsyncConnection, kit: Kit, locked: dict[str, Case], now: datetime
    ) -> None:
        self._tx = tx
        self._kit = kit
        self._now = now
        self.folding = Folding(kit.cases, locked, now, kit.keys)
        self._queue: list[tuple[str, Arrival | None, int | None]] = []
        self._decided: list[Arrival] = []
        self._deposits: list[Deposit] = []
        self._quarantined: dict[int, int | None] = {}
        self.repeated = 0
        self.quarantined = 0
        self._reasons: Counter[str] = Counter()

    async def claim(self, arrivals: Sequence[Arrival], *, months_around: int = 0) -> None:
        """
        Look the arrivals up in the inbox, and number what it does not hold; `fate` then says what it knew.

        Under the locks of their cases no other transaction writes rows of these customers. What comes for a
        customer parked here is left alone: it is looked up when it is decided.
        """
        first: dict[UUID, Arrival] = {}
        copies: list[Arrival] = []
        for arrival in arrivals:
            parked = self.folding.is_parked_here(arrival.customer_id)
            if parked and arrival.event.type not in NOTES:
                continue
            if first.setdefault(arrival.event_key, arrival) is not arrival:
                copies.append(arrival)
        known = await inbox.digests_of(self._tx, first.values(), months_around=months_around)
        for key, arrival in first.items():
            if key in known:
                arrival.fate = _same(arrival, known)
            else:
                arrival.fate = "new"
                known[key] = arrival.payload_digest
                self._number(arrival)
        for arrival in copies:
            arrival.fate = _same(arrival, known)

    def _number(self, arrival: Arrival) -> None:
        """Give the arrival its place in its case's order, and its `now`."""
        case = self.folding.locked[arrival.customer_id]
        case.case_seq += 1
        case.last_now = decision_instant(self._now, arrival.event.time, case.last_now)
        arrival.case_seq, arrival.now = case.case_seq, case.last_now

    async def quarantine(self, sequence: Sequence[Item]) -> None:
        """Put into quarantine what can never be decided, before anything is: only what is new there parks anybody."""
        for item in sequence:
            if isinstance(item, Broken):
                id_ = await quarantine.put_broken(
                    self._tx, item, self._kit.keys, self._kit.code, self._now
                )
            elif item.fate == "reused":
                failure = Failure(item, "id_reused", "id: was used before, with another content")
                id_ = await quarantine.put_failed(
                    self._tx, failure, self._kit.keys, self._kit.code, self._now, once=True
                )
            else:
                continue
            self._quarantined[id(item)] = id_
            if id_ is not None:
                self.quarantined += 1
                self._reasons[item.reason if isinstance(item, Broken) else "id_reused"] += 1

    def decide(self, sequence: Sequence[Item]) -> None:
        """Decide what is new, in the order of arrival; what comes for a parked customer joins its queue."""
        folding = self.folding
        for item in sequence:
            if id(item) in self._quarantined:
                self._set_aside(item, self._quarantined[id(item)])
                continue
            assert isinstance(item, Arrival)
            if item.event.type in NOTES:
                if item.fate == "new":
                    folding.hear(folding.locked[item.customer_id], item.event)
                    self._decided.append(item)
            elif item.fate == "repeated":
                self.repeated += 1
                continue
            elif folding.is_parked_here(item.customer_id):
                self._queue.append((item.customer_id, item, None))
            elif folding.fact(item):
                self._decided.append(item)
            else:
                self._queue.append((item.customer_id, item, None))
            if item.values:
                event = item.event
                self._deposits.append(Deposit(event.subject, event.time, event.id, item.values))

    def _set_aside(self, item: Item, quarantine_id: int | None) -> None:
        """Park the customer behind a record that went to quarantine just now."""
        if quarantine_id is None:
            self.repeated += 1
        elif item.customer_id:
            arrival = item if isinstance(item, Arrival) else None
            reason = item.reason if isinstance(item, Broken) else "id_reused"
            self.folding.park(self.folding.locked[item.customer_id], reason)
            self._queue.append((item.customer_id, arrival, quarantine_id))

    async def save(
        self, *, last: Sequence[OutboxRow] = (), deposits: Sequence[Deposit] = ()
    ) -> int:
        """
        Write everything; `last` goes into the outbox behind all else. Answers how many events were queued.

        Raises KeyTaken when another transaction decided another customer's event under the same key just now.
        Raises ServiceStopped where what failed is a mass failure: nobody is parked by it.
        """
        tx, folding, kit = self._tx, self.folding, self._kit
        await kit.watch.judge(folding)
        stamp = inbox.Stamp(self._now, kit.policy, kit.code)
        rows = [*self._decided, *folding.tick_rows]
        for row in rows:
            case = folding.locked[row.customer_id]
            case.link = row.link = stamp.link_after(case.link, row)
            case.dirty = True
        await kit.cases.save(tx, folding.locked.values())
        await inbox.insert(tx, rows, stamp)
        failed: dict[int, int | None] = {}
        for failure in folding.failures:
            failed[id(failure.arrival)] = await quarantine.put_failed(
                tx, failure, kit.keys, kit.code, self._now
            )
        self.quarantined += len(failed)
        for customer_id, arrival, quarantine_id in self._queue:
            if arrival is not None:
                quarantine_id = failed.get(id(arrival), quarantine_id)  # noqa: PLW2901
                await parking.add(tx, arrival, self._now, quarantine_id)
            elif quarantine_id is not None:
                await parking.add_broken(tx, customer_id, quarantine_id, self._now)
        await effect_rows.append(tx, folding.effects)
        await effect_rows.withdraw(tx, folding.withdrawn, self._now)
        await outbox.append(tx, kit.reactor.name, [*folding.outbox, *last])
        if kit.vault is not None:
            told = [*deposits, *self._deposits]
            await kit.vault.store(tx, told)
            folding.onward += await holders.count(tx, kit.keys, told)
        await onward_rows.append(tx, folding.onward)
        return sum(
            quarantine_id is None and id(a) not in failed for _, a, quarantine_id in self._queue
        )

    def result(
        self, batch: Batch, records: int, queued: int, ends: Mapping[int, int]
    ) -> BatchResult:
        """Say what the batch of so many *records* came to; *queued* is what save() answered."""
        folding = self.folding
        return BatchResult(
            records=records,
            decided=folding.decided,
            repeated=self.repeated,
            quarantined=self.quarantined,
            parked=queued,
            ignored=batch.ignored,
            ticks=folding.ticks,
            published=len(folding.outbox),
            effects=len(folding.effects),
            misplaced=batch.misplaced,
            progress=ends,
        )

    def tally(self, settled: Iterable[str] = ()) -> Tally:
        """Count what was done, for the metrics, once it is committed; `settled` are the statuses set on effects."""
        tally = self.folding.tally()
        return replace(
            tally,
            quarantined=tally.quarantined + self._reasons,
            settled=Counter(settled),
            onward=len(self.folding.onward),
        )


def _same(arrival: Arrival, known: Mapping[UUID, bytes]) -> Literal["repeated", "reused"]:
    """
    Tell a repeat from another content under the same id.

    What one of us says again on its topic is a repeat whatever it says: restored from a backup, a service decides anew, at
    other instants, what it had already published under the same business identity. The first copy stands.
    """
    if known.get(arrival.event_key) == arrival.payload_digest:
        return "repeated"
    if arrival.topic in SERVICES and arrival.event.source == f"/services/{arrival.topic}":
        log.warning("said_differently", type=arrival.event.type, id=arrival.event.id)
        return "repeated"
    return "reused"
