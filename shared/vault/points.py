"""Contact values at rest, table vault.points: the notifier's shell stores them, an effect that leaves reads one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.border import PointValue
from shared.vault.customers import data_keys, key_of, open_for
from shared.vault.keys import Keys
from shared.vault.normal import normal
from shared.vault.places import row_of
from shared.vault.sentences import open_sentence


@dataclass(frozen=True, slots=True)
class Deposit:
    """The values of one `customer.updated`, with the time and id that decide which is the later."""

    customer_id: str
    time: datetime
    event_id: str
    values: tuple[PointValue, ...]


_STORE = text("""
    INSERT INTO vault.points (customer_id, point_id, kind, value, lookup, time, event_id)
    SELECT * FROM unnest(
        CAST(:customers AS text[]), CAST(:points AS text[]), CAST(:kinds AS text[]), CAST(:values AS bytea[]),
        CAST(:lookups AS bytea[]), CAST(:times AS timestamptz[]), CAST(:events AS text[]))
    ON CONFLICT (customer_id, point_id) DO UPDATE
    SET kind = excluded.kind, value = excluded.value, lookup = excluded.lookup, time = excluded.time,
        event_id = excluded.event_id
    WHERE (points.time, points.event_id) < (excluded.time, excluded.event_id)
""")
_VALUE = text("SELECT value FROM vault.points WHERE customer_id = :customer AND point_id = :point")
_ALL = text("""
    SELECT point_id, kind, value, time FROM vault.points WHERE customer_id = :customer ORDER BY point_id
""")
_HOLDERS = text("""
    SELECT customer_id, point_id FROM vault.points WHERE lookup = :lookup ORDER BY customer_id, point_id
""")


class VaultWriter:
    """Stores values; only the notifier's shell has one."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def store(self, tx: AsyncConnection, deposits: Iterable[Deposit]) -> None:
        """
        Store in the caller's transaction; for one point the later (time, id) wins, whatever the order.

        Nothing is stored of customers who were forgotten. Raises SealBroken.
        """
        latest: dict[tuple[str, str], tuple[datetime, str, PointValue]] = {}
        for deposit in deposits:
            for point in deposit.values:
                place = (deposit.customer_id, point.point_id)
                before = latest.get(place)
                if before is None or before[:2] < (deposit.time, deposit.event_id):
                    latest[place] = (deposit.time, deposit.event_id, point)
        if not latest:
            return
        keys = await data_keys(tx, self._keys, {customer for customer, _ in latest})
        places = sorted(place for place in latest if place[0] in keys)
        if not places:
            return
        rows = [latest[place] for place in places]
        await tx.execute(
            _STORE,
            {
                "customers": [customer for customer, _ in places],
                "points": [point for _, point in places],
                "kinds": [value.kind for _, _, value in rows],
                "values": [
                    keys[customer].seal(*row_of(customer, point), value.value.encode())
                    for (customer, point), (_, _, value) in zip(places, rows, strict=True)
                ],
                "lookups": [
                    self._keys.lookup(normal(value.kind, value.value, value.country))
                    for _, _, value in rows
                ],
                "times": [time for time, _, _ in rows],
                "events": [event_id for _, event_id, _ in rows],
            },
        )


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A contact point with its value in clear: never logged. `time` is that of the event that told it (UTC)."""

    point_id: str
    kind: str
    value: str
    time: datetime


class VaultReader:
    """Reads values: one when an effect is about to leave, or a customer's for a person who may see them."""

    def __init__(self, keys: Keys, engine: AsyncEngine) -> None:
        self._keys = keys
        self._engine = engine

    async def value(self, customer_id: str, point_id: str) -> str | None:
        """Answer the value of a contact point; None while it is not there (yet), or not any more. Raises SealBroken."""
        async with self._engine.connect() as connection:
            sealed = await connection.scalar(_VALUE, {"customer": customer_id, "point": point_id})
            if sealed is None:
                return None
            place = row_of(customer_id, point_id)
            return (await open_for(connection, self._keys, customer_id, place, sealed)).decode()

    async def sentence(self, customer_id: str, message_id: str, sealed: str) -> str | None:
        """Answer what a person wrote to the customer; None for one who was forgotten. Raises SealBroken."""
        async with self._engine.connect() as connection:
            key = await key_of(connection, self._keys, customer_id)
            return None if key is None else open_sentence(key, customer_id, message_id, sealed)

    async def points(self, customer_id: str) -> list[StoredPoint]:
        """Answer all contact points of a customer, by point_id. Raises SealBroken."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_ALL, {"customer": customer_id})).all()
            return [
                StoredPoint(
                    row.point_id,
                    row.kind,
                    (
                        await open_for(
                            connection,
                            self._keys,
                            customer_id,
                            row_of(customer_id, row.point_id),
                            row.value,
                        )
                    ).decode(),
                    row.time,
                )
                for row in rows
            ]

    async def holders(self, kind: str, value: str, country: str) -> list[tuple[str, str]]:
        """Answer every (customer_id, point_id) that has this value, however it was typed; by the keyed hash alone."""
        lookup = self._keys.lookup(normal(kind, value, country))
        async with self._engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(_HOLDERS, {"lookup": lookup})]
