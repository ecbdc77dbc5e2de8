"""Release parked customers, and answer facts that came by HTTP: the two entries that look into the queue itself."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import inbox, parking, quarantine
from shared.messaging.batch import Sorter
from shared.messaging.cases import Case
from shared.messaging.decode import Broken
from shared.messaging.folding import Failure, Folding
from shared.messaging.parking import Released, Waiting
from shared.messaging.records import Arrival, FactResult
from shared.messaging.transaction import Kit, Transaction
from shared.vault import SealBroken

CHUNK = 100


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


async def release_customer(
    tx: AsyncConnection, kit: Kit, sorter: Sorter, case: Case, now: datetime, *, discard: bool
) -> Released | None:
    """Decide the queue in order; see Shell.release()."""
    service, customer_id = kit.reactor.name, case.customer_id
    if service not in case.parked_by:
        return None
    case.parked_by.discard(service)
    quarantined = await quarantine.waiting_of(tx, customer_id)
    decided = 0
    while waiting := await parking.waiting(tx, customer_id, CHUNK):
        for place in waiting:
            dropped, discard = discard and place.quarantine_id is not None, False
            if dropped and place.quarantine_id is not None:
                await quarantine.set_status(tx, [place.quarantine_id], "discarded")
                quarantined.remove(place.quarantine_id)
            elif error := await _decide_again(tx, kit, sorter, case, place, now):
                case.parked_by.add(service)
                await _note_error(tx, kit, place, error, now)
                return Released(customer_id, decided, await parking.count(tx, customer_id), error)
            else:
                decided += 1
            await parking.remove(tx, customer_id, [place.seq])
    work = Transaction(tx, kit, {customer_id: case}, now)
    work.folding.release(case)
    await work.save()
    await quarantine.set_status(tx, quarantined, "released")
    return Released(customer_id, decided, 0)


async def _decide_again(
    tx: AsyncConnection, kit: Kit, sorter: Sorter, case: Case, place: Waiting, now: datetime
) -> str:
    """Decide one place of the queue; answers why it still cannot be decided, or ""."""
    if place.arrival is not None:
        items = [place.arrival]
    else:
        assert place.quarantine_id is not None
        try:
            record = await quarantine.content(tx, kit.keys, place.quarantine_id)
        except SealBroken as error:  # its customer was forgotten, or a key is missing
            return str(error)
        found = sorter.again(record, now) if record is not None else []
        for item in found:
            if isinstance(item, Broken):
                return item.error
        items = [
            item
            for item in found
            if isinstance(item, Arrival) and item.customer_id == case.customer_id
        ]
    async with tx.begin_nested() as savepoint:
        before = (case.case_seq, case.last_now)
        work = Transaction(tx, kit, {case.customer_id: case}, now)
        await work.claim(items, months_around=1)
        if any(item.fate == "reused" for item in items):
            await savepoint.rollback()
            case.case_seq, case.last_now = before
            return "id: was used before, with another content"
        work.decide(items)
        if work.folding.failures:
            await savepoint.rollback()
            case.parked_by.discard(kit.reactor.name)
            case.parking_changed = case.dirty = False
            case.case_seq, case.last_now = before
            return work.folding.failures[0].error
        await work.save()
        case.dirty = case.changed = False
    return ""


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


async def discard_record(tx: AsyncConnection, quarantine_id: int) -> None:
    """See Shell.discard()."""
    found = await tx.execute(
        text("""
            UPDATE quarantine SET status = 'discarded'
            WHERE id = :id AND status = 'waiting'
                AND NOT EXISTS (SELECT FROM parked WHERE parked.quarantine_id = quarantine.id)
            RETURNING id
        """),
        {"id": quarantine_id},
    )
    if found.scalar_one_or_none() is None:
        raise LookupError(
            f"{quarantine_id} is no quarantined record that parks nobody: release its customer"
        )
