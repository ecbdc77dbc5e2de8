"""Count who shares a number, tables vault.files and vault.holders: when a record replaces another, all whom it concerns are told.

Records of one customer wait for each other on their row of files, those that have a number in common on an advisory lock, so
whoever comes second counts the first. The locks are taken in one order, and last of all in a transaction of the shell.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.envelope import Event
from shared.vault.keys import Keys
from shared.vault.normal import normal
from shared.vault.points import Deposit
from shared.vault.sharing import NOT_SHARED, Holding, Place, Share, changes, counted, shares

Cause = tuple[str, datetime, str]
"""(customer_id, time, event_id) of a record."""

_FILES = text("""
    INSERT INTO vault.files (customer_id, time, event_id)
    SELECT * FROM unnest(CAST(:customers AS text[]), CAST(:times AS timestamptz[]), CAST(:events AS text[]))
    ON CONFLICT (customer_id) DO UPDATE SET time = excluded.time, event_id = excluded.event_id
    WHERE (files.time, files.event_id) < (excluded.time, excluded.event_id)
    RETURNING customer_id
""")
_FORGOTTEN = text("""
    SELECT customer_id FROM vault.keys WHERE customer_id = ANY(CAST(:customers AS text[])) AND wrapped IS NULL
""")
_HELD = text("""
    SELECT customer_id, point_id, lookup FROM vault.holders WHERE customer_id = ANY(CAST(:customers AS text[]))
""")
_LOCK = text("""
    SELECT pg_advisory_xact_lock(hashtext('vault.holders'), bucket) FROM unnest(CAST(:buckets AS int[])) AS bucket
""")
_DROP = text("""
    DELETE FROM vault.holders USING unnest(CAST(:customers AS text[]), CAST(:points AS text[])) AS v (customer_id, point_id)
    WHERE holders.customer_id = v.customer_id AND holders.point_id = v.point_id
    RETURNING holders.customer_id, holders.point_id, k, rank
""")
_HOLD = text("""
    INSERT INTO vault.holders (customer_id, point_id, lookup, since)
    SELECT * FROM unnest(CAST(:customers AS text[]), CAST(:points AS text[]), CAST(:lookups AS bytea[]), CAST(:times AS timestamptz[]))
    ON CONFLICT (customer_id, point_id) DO UPDATE SET lookup = excluded.lookup, since = excluded.since
""")
_SHARING = text("""
    SELECT customer_id, point_id, lookup, since, k, rank FROM vault.holders WHERE lookup = ANY(CAST(:lookups AS bytea[]))
""")
_TOLD = text("""
    UPDATE vault.holders SET k = v.k, rank = v.rank
    FROM unnest(CAST(:customers AS text[]), CAST(:points AS text[]), CAST(:ks AS int[]), CAST(:ranks AS int[]))
        AS v (customer_id, point_id, k, rank)
    WHERE holders.customer_id = v.customer_id AND holders.point_id = v.point_id
""")


@dataclass(slots=True)
class _Numbers:
    """The numbers that are concerned, each with the latest record that concerns it."""

    causes: dict[bytes, Cause] = field(default_factory=dict)

    def concern(self, lookup: bytes, cause: Cause) -> None:
        known = self.causes.get(lookup)
        if known is None or _order(known) < _order(cause):
            self.causes[lookup] = cause

    @property
    def buckets(self) -> list[int]:
        """The locks: few, so that a large batch does not use up the server's."""
        return sorted({lookup[0] for lookup in self.causes})


def _order(cause: Cause) -> tuple[datetime, str, str]:
    return (cause[1], cause[2], cause[0])


async def count(tx: AsyncConnection, keys: Keys, deposits: Iterable[Deposit]) -> list[Event]:
    """
    Note what the records say, each a customer's whole file, and answer the facts for all whose share they change.

    A deposit without values says that the customer has no number any more. An older record changes nothing.
    """
    latest: dict[str, Deposit] = {}
    for deposit in deposits:
        known = latest.get(deposit.customer_id)
        if known is None or (known.time, known.event_id) < (deposit.time, deposit.event_id):
            latest[deposit.customer_id] = deposit
    names = sorted(latest)
    if not names:
        return []
    values = {
        "customers": names,
        "times": [latest[name].time for name in names],
        "events": [latest[name].event_id for name in names],
    }
    newer = sorted(await tx.scalars(_FILES, values))
    if not newer:
        return []
    forgotten = set(await tx.scalars(_FORGOTTEN, {"customers": newer}))
    files = {
        (name, value.point_id): keys.lookup(normal(value.kind, value.value, value.country))
        for name in newer
        if name not in forgotten
        for value in latest[name].values
        if value.kind not in NOT_SHARED
    }
    causes = {name: (name, latest[name].time, latest[name].event_id) for name in newer}
    return await _replace(tx, causes, files)


async def leave(tx: AsyncConnection, customer_id: str, at: datetime) -> list[Event]:
    """Take a customer who is forgotten out of the count; answers the facts for those with whom a number was shared."""
    return await _replace(tx, {customer_id: (customer_id, at, "forgotten")}, {})


async def _replace(
    tx: AsyncConnection, causes: Mapping[str, Cause], files: Mapping[Place, bytes]
) -> list[Event]:
    """Let the customers of *causes* hold the numbers of *files* and no others."""
    held = {
        (customer_id, point_id): bytes(lookup)
        for customer_id, point_id, lookup in await tx.execute(_HELD, {"customers": list(causes)})
    }
    numbers = _Numbers()
    for place, lookup in (*held.items(), *files.items()):
        numbers.concern(lookup, causes[place[0]])
    if not numbers.causes:
        return []
    await tx.execute(_LOCK, {"buckets": numbers.buckets})
    told: dict[Place, Share] = {}
    gone = sorted(held.keys() - files.keys())
    if gone:
        rows = await tx.execute(
            _DROP, {"customers": [c for c, _ in gone], "points": [p for _, p in gone]}
        )
        told |= {(row[0], row[1]): (row[2], row[3]) for row in rows}
    new = sorted(place for place, lookup in files.items() if held.get(place) != lookup)
    if new:
        await tx.execute(
            _HOLD,
            {
                "customers": [c for c, _ in new],
                "points": [p for _, p in new],
                "lookups": [files[place] for place in new],
                "times": [causes[c][1] for c, _ in new],
            },
        )
    return await _tell(tx, numbers, told, {place: held[place] for place in gone})


async def _tell(
    tx: AsyncConnection, numbers: _Numbers, told: dict[Place, Share], gone: Mapping[Place, bytes]
) -> list[Event]:
    """Count again, note what everybody is told, and answer it; *gone* are points that hold no number any more."""
    holdings: dict[bytes, list[Holding]] = {}
    lookups = dict(gone)
    for customer_id, point_id, lookup, since, k, rank in await tx.execute(
        _SHARING, {"lookups": list(numbers.causes)}
    ):
        holding = Holding(customer_id, point_id, since)
        holdings.setdefault(bytes(lookup), []).append(holding)
        lookups[holding.place] = bytes(lookup)
        told[holding.place] = (k, rank)
    now: dict[Place, Share] = {}
    for sharing in holdings.values():
        now |= shares(sharing)
    changed = changes(told, now)
    noted = [(place, share) for place, share in changed if place in now]
    if noted:
        await tx.execute(
            _TOLD,
            {
                "customers": [customer for (customer, _), _ in noted],
                "points": [point for (_, point), _ in noted],
                "ks": [k for _, (k, _) in noted],
                "ranks": [rank for _, (_, rank) in noted],
            },
        )
    return [counted(place, share, numbers.causes[lookups[place]]) for place, share in changed]
