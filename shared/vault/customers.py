"""The customers' data keys in table vault.keys: made at first need, wrapped by the master, emptied when one is forgotten.

A forgotten customer's row stays, without its key: the tombstone and the key are one row, so a deposit and a
forgetting that meet wait for each other on it, and nothing is stored after a forgetting. Nothing is kept in
memory: unwrapping costs some microseconds, and a forgetting takes effect in every process at once.
"""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.vault.keys import DataKey, Forgotten, Keys, under_customer_key

_LOCKED = text("""
    SELECT customer_id, wrapped, master FROM vault.keys WHERE customer_id = ANY(CAST(:ids AS text[]))
    ORDER BY customer_id FOR SHARE
""")
_READ = text("SELECT wrapped, master FROM vault.keys WHERE customer_id = :id")
_ADD = text("""
    INSERT INTO vault.keys (customer_id, wrapped, master)
    SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:wrapped AS bytea[]), CAST(:masters AS int[]))
    ON CONFLICT DO NOTHING RETURNING customer_id
""")


async def data_keys(
    tx: AsyncConnection, keys: Keys, customer_ids: Collection[str]
) -> dict[str, DataKey]:
    """
    Answer the customers' keys, made where they have none; who was forgotten is left out.

    The rows stay locked against forgetting until the transaction ends. Raises SealBroken.
    """
    found: dict[str, DataKey] = {}
    missing = sorted(set(customer_ids))
    while missing:
        there = set()
        for customer_id, wrapped, master in await tx.execute(_LOCKED, {"ids": missing}):
            there.add(customer_id)
            if wrapped is not None:
                found[customer_id] = keys.unwrap(customer_id, wrapped, master)
        missing = [customer_id for customer_id in missing if customer_id not in there]
        if not missing:
            break
        made = {customer_id: DataKey.new() for customer_id in missing}
        added = set(
            await tx.scalars(
                _ADD,
                {
                    "ids": missing,
                    "wrapped": [
                        keys.wrap(customer_id, made[customer_id]) for customer_id in missing
                    ],
                    "masters": [keys.master] * len(missing),
                },
            )
        )
        found |= {customer_id: made[customer_id] for customer_id in added}
        missing = [customer_id for customer_id in missing if customer_id not in added]
    return found


async def seal_for(
    tx: AsyncConnection,
    keys: Keys,
    customer_id: str,
    place: tuple[str, str, str],
    plain: bytes,
) -> bytes:
    """
    Encrypt for one (table, column, row) under the customer's key, or under the master where no customer is known ("").

    Of a forgotten customer nothing is kept: the answer is empty.
    """
    if not customer_id:
        return keys.seal(*place, plain)
    found = await data_keys(tx, keys, [customer_id])
    return found[customer_id].seal(*place, plain) if found else b""


async def key_of(connection: AsyncConnection, keys: Keys, customer_id: str) -> DataKey | None:
    """Answer the customer's key, or None for one who has none or was forgotten. Raises SealBroken."""
    row = (await connection.execute(_READ, {"id": customer_id})).one_or_none()
    if row is None or row.wrapped is None:
        return None
    return keys.unwrap(customer_id, row.wrapped, row.master)


async def open_for(
    connection: AsyncConnection,
    keys: Keys,
    customer_id: str,
    place: tuple[str, str, str],
    sealed: bytes,
) -> bytes:
    """Decrypt what seal_for() answered, or what was sealed before customers had keys; raises SealBroken, Forgotten."""
    if not sealed or under_customer_key(sealed):
        row = (await connection.execute(_READ, {"id": customer_id})).one_or_none()
        if not sealed or (row is not None and row.wrapped is None):
            raise Forgotten(f"{customer_id!r} was forgotten: the content cannot be read any more")
        if row is not None:
            key = keys.unwrap(customer_id, row.wrapped, row.master)
            if (plain := key.opened(*place, sealed)) is not None:
                return plain
    return keys.open(*place, sealed)
