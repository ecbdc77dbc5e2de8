"""Bring everything sealed under the current master while services run; again is harmless, and ends where nothing is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.vault.customers import data_keys
from shared.vault.keys import DataKey, Keys
from shared.vault.places import quarantine_place, row_of

BATCH = 500

_OLD_KEYS = text("""
    SELECT customer_id, wrapped, master FROM vault.keys WHERE master <> :master AND wrapped IS NOT NULL
    ORDER BY customer_id LIMIT :limit FOR UPDATE SKIP LOCKED
""")
_REWRAP = text("""
    UPDATE vault.keys SET wrapped = v.wrapped, master = :master
    FROM unnest(CAST(:ids AS text[]), CAST(:wrapped AS bytea[])) AS v (customer_id, wrapped)
    WHERE keys.customer_id = v.customer_id
""")
_LEFT = text("SELECT count(*) FROM vault.keys WHERE master <> :master AND wrapped IS NOT NULL")
_POINTS = text("""
    SELECT customer_id, point_id, value FROM vault.points WHERE (customer_id, point_id) > (:customer, :point)
    ORDER BY customer_id, point_id LIMIT :limit
""")
_RESEAL_POINT = text("""
    UPDATE vault.points SET value = :new WHERE customer_id = :customer AND point_id = :point AND value = :old
""")
_QUARANTINED = """
    SELECT id, topic, partition, kafka_offset, customer_id, event_key, sealed FROM "{schema}".quarantine
    WHERE id > :after AND sealed <> '' ORDER BY id LIMIT :limit
"""
_RESEAL = 'UPDATE "{schema}".quarantine SET sealed = :new WHERE id = :id AND sealed = :old'


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: customers' keys re-wrapped, values and quarantined records sealed anew."""

    keys: int
    points: int
    quarantined: int


async def rotate(engine: AsyncEngine, keys: Keys, schemas: Sequence[str]) -> Rotated:
    """
    Re-wrap every customer's key, and seal anew what stood directly under a master, in batches of 500.

    Each batch is its own transaction: who stops it loses nothing, and the next run goes on. Rows that a
    service holds are passed over and taken in the next round. Raises SealBroken for a master that is not known.
    """
    rewrapped = 0
    while True:
        async with engine.begin() as tx:
            batch = await _rewrap(tx, keys)
        rewrapped += batch
        if not batch:
            async with engine.connect() as connection:
                if not await connection.scalar(_LEFT, {"master": keys.master}):
                    break
    points = await _reseal_points(engine, keys)
    quarantined = sum([await _reseal_quarantine(engine, keys, schema) for schema in schemas])
    return Rotated(rewrapped, points, quarantined)


async def _rewrap(tx: AsyncConnection, keys: Keys) -> int:
    rows = (await tx.execute(_OLD_KEYS, {"master": keys.master, "limit": BATCH})).all()
    if rows:
        wrapped = [keys.wrap(row[0], keys.unwrap(*row)) for row in rows]
        ids = [row[0] for row in rows]
        await tx.execute(_REWRAP, {"ids": ids, "wrapped": wrapped, "master": keys.master})
    return len(rows)


async def _reseal_points(engine: AsyncEngine, keys: Keys) -> int:
    """
    Put values of the time before customers had keys under their customer's.

    Every value is tried with its customer's key: by its first byte alone, one in 256 of the old ones looks new.
    """
    done, customer, point = 0, "", ""
    while True:
        async with engine.begin() as tx:
            after = {"customer": customer, "point": point, "limit": BATCH}
            rows = (await tx.execute(_POINTS, after)).all()
            if not rows:
                return done
            found = await data_keys(tx, keys, {row[0] for row in rows})
            for customer, point, old in rows:
                place = row_of(customer, point)
                if (key := found.get(customer)) and key.opened(*place, old) is None:
                    new = key.seal(*place, keys.open(*place, old))
                    values = {"customer": customer, "point": point, "old": old, "new": new}
                    done += (await tx.execute(_RESEAL_POINT, values)).rowcount
        customer, point = rows[-1][:2]


async def _reseal_quarantine(engine: AsyncEngine, keys: Keys, schema: str) -> int:
    """Put what stands under an older master under the current one, or under its customer's key."""
    done = after = 0
    while True:
        async with engine.begin() as tx:
            query = text(_QUARANTINED.format(schema=schema))
            rows = (await tx.execute(query, {"after": after, "limit": BATCH})).all()
            if not rows:
                return done
            found = await data_keys(tx, keys, {row.customer_id for row in rows if row.customer_id})
            for row in rows:
                sealed = _again(row, keys, found)
                if sealed != row.sealed:
                    values = {"id": row.id, "old": row.sealed, "new": sealed}
                    done += (await tx.execute(text(_RESEAL.format(schema=schema)), values)).rowcount
        after = rows[-1].id


def _again(row: Any, keys: Keys, found: Mapping[str, DataKey]) -> bytes:
    """Seal the record as it is sealed today; of a forgotten customer nothing is kept."""
    where, sealed = quarantine_place(row[1:6]), bytes(row.sealed)
    if not row.customer_id:
        return sealed if keys.is_current(sealed) else keys.seal(*where, keys.open(*where, sealed))
    key = found.get(row.customer_id)
    if key is None:
        return b""
    return (
        sealed
        if key.opened(*where, sealed) is not None
        else key.seal(*where, keys.open(*where, sealed))
    )
