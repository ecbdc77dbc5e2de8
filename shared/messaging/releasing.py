"""Decide once more what stands in quarantine or waits behind it, in order: over locked cases, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.envelope import Event
from shared.messaging import inbox, parking, quarantine
from shared.messaging.batch import Batch, Sorter
from shared.messaging.cases import Case, Cases
from shared.messaging.decode import Broken
from shared.messaging.folding import Failure, Folding
from shared.messaging.parking import Released, Waiting
from shared.messaging.records import Arrival, FactResult, Record
from shared.messaging.transaction import Kit, Transaction
from shared.vault import SealBroken

CHUNK = 100


@dataclass(frozen=True, slots=True)
class Step:
    """
    What deciding one place of a queue comes to, for a person to read: `outcome` is decided, repeated,
    nothing (nobody reacts to it any more) or fails; stages and `wake_at` (UTC) of the case; `changed` names
    the state's fields that differ, without their values.
    """

    type: str
    id: str
    time: datetime | None
    outcome: str
    error: str
    stage_before: str
    stage: str
    wake_at: datetime | None
    changed: tuple[str, ...]


async def answer_facts(
    tx: AsyncConnection, folding: Folding, taken: Sequence[Arrival | FactResult]
) -> list[FactResult]:
    """Answer what became of each fact; those for a parked customer are compared with its queue and the inbox."""
    answers = []
    seen: dict[object, bytes] = {}
    for item in taken:
        if isinstance(item, FactResult):
            answers.append(item)
            continue
        if item.fate == "" and folding.is_parked_here(item.customer_id):
            known = await parking.digest_of(tx, item.customer_id, item.event_key)
            if known is None:
                stored = await inbox.digests_of(tx, [item], months_around=1)
                known = stored.get(item.event_key, seen.get(item.event_key))
            seen.setdefault(item.event_key, item.payload_digest)
            if known is not None:
                item.fate = "repeated" if known == item.payload_digest else "reused"
        match item.fate:
            case "repeated":
                answers.append(FactResult("repeated"))
            case "reused":
                answers.append(FactResult("conflict", "id: was used before, with another body"))
            case _:
                answers.append(FactResult("new"))
    return answers


async def sorted_again(
    tx: AsyncConnection, kit: Kit, sorter: Sorter, quarantine_id: int, now: datetime
) -> Batch:
    """Answer what a quarantined record is now: events, or still broken; empty where nobody reacts to it any more."""
    try:
        record = await quarantine.content(tx, kit.keys, quarantine_id)
    except SealBroken as error:  # its customer was forgotten, or a key is missing
        return Batch([Broken(Record("", -1, -1, None, None), "sealed", "", str(error))])
    return Batch() if record is None else sorter.again(record, now)


async def customers_of(
    tx: AsyncConnection, kit: Kit, sorter: Sorter, ids: Sequence[int], now: datetime
) -> list[str]:
    """Name the customers to whose cases these quarantined records go, as far as they can be decoded now; sorted."""
    found = set()
    for id_ in ids:
        batch = await sorted_again(tx, kit, sorter, id_, now)
        found |= {item.customer_id for item in batch.sequence if isinstance(item, Arrival)}
    return sorted(found)


async def release_customer(
    tx: AsyncConnection,
    kit: Kit,
    sorter: Sorter,
    locked: dict[str, Case],
    customer_id: str,
    now: datetime,
    *,
    discard: bool,
    steps: list[Step] | None = None,
) -> Released | None:
    """Decide the queue in order, as Releases.customer() says; `steps` is told each place. None if not parked here."""
    service, case = kit.reactor.name, locked[customer_id]
    if service not in case.parked_by:
        return None
    case.parked_by.discard(service)
    quarantined = await quarantine.waiting_of(tx, customer_id)
    decided = 0
    while waiting := await parking.waiting(tx, customer_id, CHUNK):
        for place in waiting:
            dropped, discard = discard and place.quarantine_id is not None, False
            if dropped and place.quarantine_id is not None:
                await _settle(tx, place, "discarded", quarantined)
            elif error := await _decide_place(tx, kit, sorter, locked, case, place, now, steps):
                case.parked_by.add(service)
                await _note_error(tx, kit, place, error, now)
                return Released(customer_id, decided, await parking.count(tx, customer_id), error)
            else:
                await _settle(tx, place, "released", quarantined)
                decided += 1
            await parking.remove(tx, customer_id, [place.seq])
    work = Transaction(tx, kit, {customer_id: case}, now)
    work.folding.tick_due(lambda _: False)  # what the queue withdraws is told before the release
    error = "".join(failure.error for failure in work.folding.failures)
    if not error:
        work.folding.release(case)
    await work.save()
    await quarantine.set_status(tx, quarantined, "released")
    return Released(customer_id, decided, 0, error)


async def _settle(tx: AsyncConnection, place: Waiting, status: str, waiting: list[int]) -> None:
    if place.quarantine_id is not None:
        await quarantine.set_status(tx, [place.quarantine_id], status)
        if place.quarantine_id in waiting:
            waiting.remove(place.quarantine_id)


async def _decide_place(
    tx: AsyncConnection,
    kit: Kit,
    sorter: Sorter,
    locked: dict[str, Case],
    case: Case,
    place: Waiting,
    now: datetime,
    steps: list[Step] | None,
) -> str:
    """Decide one place of the queue; answers why it still cannot be decided, or ""."""
    if place.arrival is not None:
        batch = Batch([place.arrival])
    else:
        assert place.quarantine_id is not None
        batch = await sorted_again(tx, kit, sorter, place.quarantine_id, now)
    before = state_of(kit.cases, case)
    error = await decide_again(tx, kit, locked, batch, now)
    if steps is not None:
        steps.append(step_of(batch, case, before, kit.cases, error))
    return error


async def decide_again(
    tx: AsyncConnection, kit: Kit, locked: dict[str, Case], batch: Batch, now: datetime
) -> str:
    """Decide what one record holds, for all of its cases or for none; answers why it cannot be decided, or ""."""
    for item in batch.sequence:
        if isinstance(item, Broken):
            return item.error
    items = [item for item in batch.sequence if isinstance(item, Arrival)]
    if any(item.customer_id not in locked for item in items):
        return "the queue grew in the meantime: release it again"
    cases = {item.customer_id: locked[item.customer_id] for item in items}
    async with tx.begin_nested() as savepoint:
        kept = [(case, _copy(case)) for case in cases.values()]
        work = Transaction(tx, kit, cases, now)
        await work.claim(items, months_around=1)
        if any(item.fate == "reused" for item in items):
            error = "id: was used before, with another content"
        else:
            work.decide(items)
            error = work.folding.failures[0].error if work.folding.failures else ""
        if error:
            await savepoint.rollback()
            for case, before in kept:
                for field in fields(Case):
                    setattr(case, field.name, getattr(before, field.name))
            return error
        await work.save(deposits=batch.deposits)
        for case in cases.values():
            case.dirty = case.changed = case.parking_changed = False
    return ""


def _copy(case: Case) -> Case:
    kept = copy(case)
    kept.parked_by = set(case.parked_by)
    return kept


def state_of(cases: Cases, case: Case) -> Any:
    """Answer the state, or None where it cannot be decoded: that is for the decision to say."""
    try:
        return cases.state_of(case)
    except Exception:  # noqa: BLE001  whatever an upcaster raises
        return None


def step_of(batch: Batch, case: Case | None, before: Any, cases: Cases, error: str) -> Step:
    """Say for a person what a decision came to; *before* is the state before it, *case* has the one after it."""
    after = None if case is None else state_of(cases, case)
    arrival = next((item for item in batch.sequence if isinstance(item, Arrival)), None)
    event: Event | None = arrival.event if arrival else None
    outcome = "decided"
    if error:
        outcome = "fails"
    elif arrival is None:
        outcome = "nothing"
    elif arrival.fate == "repeated":
        outcome = "repeated"
    return Step(
        type=event.type if event else "",
        id=event.id if event else "",
        time=event.time if event else None,
        outcome=outcome,
        error=error,
        stage_before=getattr(before, "stage", ""),
        stage=getattr(after, "stage", ""),
        wake_at=None if case is None else case.wake_at,
        changed=_differences(before, after),
    )


def _differences(before: Any, after: Any) -> tuple[str, ...]:
    if before is None or after is None or before is after:
        return ()
    names: Mapping[str, Any] = msgspec.structs.asdict(after)
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


async def _note_error(
    tx: AsyncConnection, kit: Kit, place: Waiting, error: str, now: datetime
) -> None:
    """Say in quarantine why the head of the queue cannot be decided; so it may be discarded too."""
    if place.quarantine_id is not None:
        await quarantine.set_error(tx, place.quarantine_id, error)
    elif place.arrival is not None:
        failure = Failure(place.arrival, "decide_raised", error)
        id_ = await quarantine.put_failed(tx, failure, kit.keys, kit.code, now)
        if id_ is not None:
            await parking.mark(tx, place.arrival.customer_id, place.seq, id_)


async def discard_loose(tx: AsyncConnection, quarantine_id: int) -> bool:
    """Note that nobody needs a record that parks no customer; False where it is not such a one, or dealt with."""
    found = await tx.execute(
        text("""
            UPDATE quarantine SET status = 'discarded'
            WHERE id = :id AND status = 'waiting' AND customer_id = '' RETURNING id
        """),
        {"id": quarantine_id},
    )
    return found.scalar_one_or_none() is not None
