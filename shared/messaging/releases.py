"""What a person may do about the quarantine: rehearse a release, release, discard; each act recorded with who and why."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit.acts import record_act
from shared.messaging import inbox, parking, quarantine, quarantine_views
from shared.messaging.batch import Sorter
from shared.messaging.cases import Case
from shared.messaging.parking import Released
from shared.messaging.quarantine_views import WHERE, Chosen, Quarantined
from shared.messaging.records import Record
from shared.messaging.rehearsal import Rehearsal, rehearse_customer, rehearse_loose
from shared.messaging.release_terms import (
    BEFORE,
    DONE,
    NOT_PARKED,
    TICK,
    By,
    GroupReleased,
    NotNext,
    NotThere,
)
from shared.messaging.releasing import (
    customers_of,
    decide_again,
    discard_loose,
    release_customer,
    sorted_again,
)
from shared.messaging.transaction import Kit
from shared.vault import SealBroken

PAGE_SECONDS = 10.0
"""After so long a page of a group's release ends, and says where the next one begins."""

Lock = Callable[[AsyncConnection, list[str]], Awaitable[dict[str, Case]]]


_CUSTOMERS = text(f"""
    SELECT DISTINCT customer_id FROM quarantine
    WHERE customer_id > :after AND {WHERE} ORDER BY customer_id LIMIT :limit
""")  # noqa: S608  constants
_LOOSE = text(f"""
    SELECT id FROM quarantine WHERE customer_id = '' AND id > :after AND {WHERE} ORDER BY id LIMIT :limit
""")  # noqa: S608  constants


class Releases:
    """The acts on one service's quarantine; any process may do them while others run."""

    def __init__(
        self,
        kit: Kit,
        sorter: Sorter,
        engine: AsyncEngine,
        now: Callable[[], Awaitable[datetime]],
        lock: Lock,
    ) -> None:
        self._kit = kit
        self._sorter = sorter
        self._engine = engine
        self._now = now
        self._lock = lock

    async def customer(
        self, customer_id: str, by: By, *, discard: bool = False, head: int | None = None
    ) -> Released | None:
        """
        Decide in order what waits behind a parked customer, and tell the others when nothing is left.

        It stops at what still cannot be decided; `discard` drops that record instead if it is the first.
        `head` is the entry that must come first (raises NotNext). None for a customer who is not parked here.
        """
        now = await self._now()

        async def attempt() -> Released | None:
            async with self._engine.begin() as tx:
                locked = await self._locked(tx, customer_id, now)
                if head is not None:
                    await self._must_be_next(tx, head, discard=discard)
                released = await release_customer(
                    tx, self._kit, self._sorter, locked, customer_id, now, discard=discard
                )
                if released is not None:
                    detail = {"decided": released.decided, "left": released.left}
                    act = "discard_quarantined" if discard else "release_quarantined"
                    entry = {} if head is None else {"entry": head}
                    await self._record(tx, customer_id, by, act, {**detail, **entry}, now)
                return released

        return await inbox.again_if_taken(attempt)

    async def rehearse(self, customer_id: str) -> Rehearsal | None:
        """Say what a release would decide now, and what the tick behind it would do; nothing is saved."""
        now = await self._now()
        async with self._engine.connect() as tx:
            try:
                locked = await self._locked(tx, customer_id, now)
                return await rehearse_customer(
                    tx, self._kit, self._sorter, locked, customer_id, now
                )
            finally:
                await tx.rollback()

    async def rehearse_record(self, quarantine_id: int) -> Rehearsal | None:
        """Say what record() would decide now; nothing is saved. Raises NotThere, NotNext."""
        entry = await self.entry(quarantine_id)
        if entry.customer_id:
            if not entry.is_next:
                raise NotNext(BEFORE)
            return await self.rehearse(entry.customer_id)
        now = await self._now()
        async with self._engine.connect() as tx:
            try:
                batch = await sorted_again(tx, self._kit, self._sorter, quarantine_id, now)
                locked = await self._lock(tx, batch.customers())
                return await rehearse_loose(tx, self._kit, locked, batch, now)
            finally:
                await tx.rollback()

    async def view(self, quarantine_id: int, by: By) -> tuple[Quarantined, Record | None] | None:
        """
        Answer an entry and the record itself, and record who saw it; None where there is none.

        The record is None where nobody can read it any more: its customer was forgotten, or a key is missing.
        """
        now = await self._now()
        async with self._engine.begin() as tx:
            entry = await quarantine_views.one(tx, quarantine_id)
            if entry is None:
                return None
            try:
                record = await quarantine.content(tx, self._kit.keys, quarantine_id)
            except SealBroken:
                record = None
            detail = {"entry": quarantine_id}
            await self._record(tx, entry.customer_id, by, "view_quarantined", detail, now)
        return entry, record

    async def record(self, quarantine_id: int, by: By) -> Released:
        """
        Release one entry: one that parks nobody, or the next of its customer's queue, and then what waits behind it.

        Raises NotThere, NotNext.
        """
        entry = await self.entry(quarantine_id)
        if entry.customer_id:
            released = await self.customer(entry.customer_id, by, head=quarantine_id)
            if released is None:
                raise NotNext(NOT_PARKED)
            return released
        return await self._loose(quarantine_id, by)

    async def discard(self, quarantine_id: int, by: By) -> Released:
        """
        Drop one entry that parks nobody, or is the next of its customer's queue, and decide what waits behind it.

        Raises NotThere, NotNext.
        """
        entry = await self.entry(quarantine_id)
        if entry.customer_id:
            released = await self.customer(entry.customer_id, by, discard=True, head=quarantine_id)
            if released is None:
                raise NotNext(NOT_PARKED)
            return released
        now = await self._now()
        async with self._engine.begin() as tx:
            if not await discard_loose(tx, quarantine_id):
                raise NotNext(DONE)
            detail = {"entry": quarantine_id}
            await self._record(tx, "", by, "discard_quarantined", detail, now)
        return Released("", 0, 0)

    async def group(
        self, chosen: Chosen, by: By, *, after: str = "", limit: int = 50
    ) -> GroupReleased:
        """
        Release all customers with an entry of the group that waits, and the group's records that park nobody.

        Each customer is a transaction of its own, in order; what still fails is reported and does not stop the
        others. One page: up to *limit*, or as many as ten seconds allow.
        """
        began = monotonic()
        done: list[Released] = []
        for place in await self.members(chosen, after=after, limit=limit):
            with _kept_going(place, done):
                done += await self._member(place, by)
            after = place
            if monotonic() - began > PAGE_SECONDS:
                return GroupReleased(done, after)
        return GroupReleased(done, after if len(done) >= limit else "")

    async def members(self, chosen: Chosen, *, after: str = "", limit: int = 50) -> list[str]:
        """Name whom a group's release would reach: "#<entry>" for records that park nobody, then "=<customer>"."""
        async with self._engine.connect() as connection:
            found: list[str] = []
            if not after.startswith("="):
                values = {"after": int(after[1:] or 0), "limit": limit, **chosen.parameters()}
                found = [f"#{id_}" for id_ in await connection.scalars(_LOOSE, values)]
            values = {"after": after[1:] if after.startswith("=") else "", **chosen.parameters()}
            values["limit"] = limit - len(found)
            return found + [f"={name}" for name in await connection.scalars(_CUSTOMERS, values)]

    async def _member(self, place: str, by: By) -> list[Released]:
        if place.startswith("#"):
            return [await self._loose(int(place[1:]), by)]
        released = await self.customer(place[1:], by)
        return [] if released is None else [released]

    async def entry(self, quarantine_id: int) -> Quarantined:
        """Answer one entry; raises NotThere, and NotNext when it was dealt with already."""
        async with self._engine.connect() as connection:
            found = await quarantine_views.one(connection, quarantine_id)
        if found is None:
            raise NotThere(f"there is no entry {quarantine_id}")
        if found.status != "waiting":
            raise NotNext(f"it was {found.status} already")
        return found

    async def _loose(self, quarantine_id: int, by: By) -> Released:
        """Decide a record that parks nobody, as if it came now."""
        now = await self._now()

        async def attempt() -> Released:
            async with self._engine.begin() as tx:
                batch = await sorted_again(tx, self._kit, self._sorter, quarantine_id, now)
                locked = await self._lock(tx, batch.customers())
                error = await decide_again(tx, self._kit, locked, batch, now)
                if error:
                    await quarantine.set_error(tx, quarantine_id, error)
                else:
                    await quarantine.set_status(tx, [quarantine_id], "released")
                decided, left = int(not error), int(bool(error))
                detail = {"entry": quarantine_id, "decided": decided, "left": left}
                subject = "" if error or len(locked) != 1 else next(iter(locked))
                await self._record(tx, subject, by, "release_quarantined", detail, now)
            return Released(subject, decided, left, error)

        return await inbox.again_if_taken(attempt)

    async def _locked(
        self, tx: AsyncConnection, customer_id: str, now: datetime
    ) -> dict[str, Case]:
        """Lock the customer's case, and in one order with it those that a merger in the queue goes to as well."""
        undecoded = await parking.undecoded(tx, customer_id)
        others = await customers_of(tx, self._kit, self._sorter, undecoded, now)
        return await self._lock(tx, sorted({customer_id, *others}))

    async def _must_be_next(self, tx: AsyncConnection, entry: int, *, discard: bool) -> None:
        found = await quarantine_views.one(tx, entry)
        if found is None or found.status != "waiting":
            raise NotNext(DONE)
        if not found.is_next:
            raise NotNext(BEFORE)
        if discard and not await parking.holds(tx, found.customer_id, entry):
            raise NotNext(TICK)

    async def _record(
        self,
        tx: AsyncConnection,
        subject: str,
        by: By,
        act: str,
        detail: dict[str, Any],
        now: datetime,
    ) -> None:
        await record_act(
            tx, subject=subject, actor=by.actor, act=act, reason=by.reason, detail=detail, at=now
        )


@contextmanager
def _kept_going(place: str, done: list[Released]) -> Iterator[None]:
    """Report a customer whom the database refused (a lock held too long); one that is gone stops everything."""
    try:
        yield
    except NotThere:
        return
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        why = f"the database refused it: {type(error.orig).__name__}"
        done.append(Released(place[1:] if place.startswith("=") else "", 0, 1, why))
