"""Read what the scheduler knew, and in which order, from the services' inboxes: row by row as it was decided.

The scheduler's inbox has what it took in, numbered (case_seq), with the instant of each decision (now). What it published
stands in the inboxes of those who took it; it goes right behind the tick that made it.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db import engine_for
from shared.events.contacts import PermitAsked
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.permits import PermitGranted, PermitRequested
from shared.events.registry import SERVICES, WOKEN
from shared.lawful.capture import joined
from shared.lawful.report import Report
from shared.lawful.words import Proof
from shared.messaging.batch import NOTES
from shared.messaging.decode import from_stored

GRANTS = ("follow_up.due", "permit.granted")
SCHEDULER = SERVICES[0]
_TAKEN = text("""
    SELECT customer_id, source, id, type, time, now, payload::text FROM inbox
    WHERE customer_id = ANY(CAST(:only AS text[])) ORDER BY customer_id, case_seq
""")
_PUBLISHED = text("""
    SELECT customer_id, source, id, type, time, payload::text FROM inbox
    WHERE customer_id = ANY(CAST(:only AS text[])) AND type = ANY(CAST(:types AS text[])) ORDER BY time, case_seq
""")
_CUSTOMERS = text("SELECT DISTINCT customer_id FROM inbox ORDER BY customer_id")
_MERGED = text(
    "SELECT DISTINCT customer_id, payload->>'customer_id', payload->>'from_customer_id' FROM inbox WHERE type = :type"
)
PAGE = 200
"""So many persons are read at a time."""


async def audit(url: str, report: Report, only: str = "") -> AsyncIterator[Proof]:
    """Audit the services' inboxes in the database at *url*; answers the proofs to show."""
    engines = {name: engine_for(url, name, pool_size=1, name="audit") for name in SERVICES}
    try:
        async for events in people(engines, only):
            for proof in report.add(report.auditor.person(events)):
                yield proof
    finally:
        for engine in engines.values():
            await engine.dispose()


async def people(engines: dict[str, AsyncEngine], only: str = "") -> AsyncIterator[list[Event]]:
    """Answer the events of each person, records that were merged together; *only* the one who has this record."""
    async with engines[SCHEDULER].connect() as connection:
        await _whole(connection)
        names = list(await connection.scalars(_CUSTOMERS))
        merged = await connection.execute(_MERGED, {"type": "customer.merged"})
        groups = joined(names, [(row[1], row[2]) for row in merged])
    if only:
        groups = [group for group in groups if only in group]
    for start in range(0, len(groups), PAGE):
        page = groups[start : start + PAGE]
        wanted = [name for group in page for name in group]
        taken, grants = await _rows(engines, wanted)
        for group in page:
            yield list(together([placed(taken[name], grants[name]) for name in group]))


async def _rows(
    engines: dict[str, AsyncEngine], wanted: list[str]
) -> tuple[dict[str, list[tuple[Event, datetime]]], dict[str, list[Event]]]:
    taken: dict[str, list[tuple[Event, datetime]]] = defaultdict(list)
    grants: dict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
    for service, engine in engines.items():
        async with engine.connect() as connection:
            await _whole(connection)
            if service == SCHEDULER:
                for row in await connection.execute(_TAKEN, {"only": wanted}):
                    if row.type not in NOTES:
                        taken[row.customer_id].append((_event(row), row.now))
                continue
            for row in await connection.execute(
                _PUBLISHED, {"only": wanted, "types": list(GRANTS)}
            ):
                grants[row.customer_id].setdefault((row.source, row.id), _event(row))
    return taken, {name: list(grants[name].values()) for name in wanted}


async def _whole(connection: AsyncConnection) -> None:
    await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    await connection.execute(text("SET LOCAL statement_timeout = 0"))


def placed(
    taken: Iterable[tuple[Event, datetime]], grants: Iterable[Event]
) -> Iterator[tuple[datetime, Event]]:
    """
    Put each thing that the scheduler published behind the tick that made it; what has no tick comes last.

    That is the first tick of its instant; leave that was asked for came of one after it was.
    """
    rows = list(taken)
    unasked = {
        event.data.permit_id
        for event, _ in rows
        if isinstance(event.data, PermitAsked | PermitRequested)
    }
    waiting = sorted(grants, key=lambda event: event.time)
    for event, now in rows:
        if isinstance(event.data, PermitAsked | PermitRequested):
            unasked.discard(event.data.permit_id)
        if event.type != WOKEN:
            yield now, event
            continue
        made = [each for each in waiting if each.time <= now and _leave(each) not in unasked]
        waiting = [each for each in waiting if each not in made]
        for granted in made:
            yield now, granted
    for granted in waiting:
        yield granted.time, granted


def _leave(granted: Event) -> str:
    return granted.data.permit.permit_id if isinstance(granted.data, PermitGranted) else ""


def together(records: Iterable[Iterable[tuple[datetime, Event]]]) -> Iterator[Event]:
    """Put the records of one person together by the instants of decision; a merger stands in both, once counts."""
    everything = [
        (now, place, event) for rows in records for place, (now, event) in enumerate(rows)
    ]
    said: set[tuple[str, str]] = set()
    for _, _, event in sorted(everything, key=lambda row: row[:2]):
        if isinstance(event.data, CustomerMerged) and event.subject != event.data.customer_id:
            continue
        if (event.source, event.id) not in said:
            said.add((event.source, event.id))
            yield event


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        source=row.source,
        type=row.type,
        subject=row.customer_id,
        time=row.time,
        data=from_stored(row.type, row.payload),
    )
