"""Make a person unreadable: the data key goes, with it every value sealed under it; what proves the decisions stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit.acts import record_act
from shared.messaging import onward_rows
from shared.privacy.owner import in_schema
from shared.vault.holders import leave

KEEPER = "notifier"
"""The service that owns the vault: the act stands in its trail."""
OPEN = "scheduler"
IDLE = "idle"

_FORGET_KEY = text("""
    INSERT INTO vault.keys (customer_id, forgotten_at) VALUES (:customer, :at)
    ON CONFLICT (customer_id) DO UPDATE
    SET wrapped = NULL, master = NULL, forgotten_at = coalesce(keys.forgotten_at, excluded.forgotten_at)
""")
_FORGET_POINTS = text("DELETE FROM vault.points WHERE customer_id = :customer")
_FORGET_SEALED = """
    UPDATE "{schema}".quarantine SET sealed = '' WHERE customer_id = :customer AND sealed <> ''
"""
_STAGE = f'SELECT stage FROM "{OPEN}".cases WHERE customer_id = :customer'  # noqa: S608  a constant
_LEAVING = """
    SELECT count(*) FROM "{schema}".effects WHERE customer_id = :customer AND status IN ('pending', 'sending')
"""
_KNOWN = """
    SELECT EXISTS (SELECT FROM "{schema}".cases WHERE customer_id = :customer)
        OR EXISTS (SELECT FROM "{schema}".quarantine WHERE customer_id = :customer)
"""
_KNOWN_HERE = text("SELECT EXISTS (SELECT FROM vault.keys WHERE customer_id = :customer)")
_LIFT = text("DELETE FROM vault.keys WHERE customer_id = :customer AND forgotten_at IS NOT NULL")


class StillOpen(RuntimeError):
    """The customer owes, or something is about to leave: forgetting now would break the collection in the middle."""


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """What a forgetting took away: contact points, and quarantined records emptied."""

    points: int
    quarantined: int


async def forget(
    engine: AsyncEngine,
    schemas: Sequence[str],
    customer_id: str,
    *,
    by: str,
    reason: str,
    at: datetime,
    even_if_open: bool = False,
) -> ForgottenPerson:
    """
    Destroy the customer's key and contact points, and empty their quarantined records in all *schemas*; again is harmless.

    The key's row stays empty, so that nothing is sealed for them any more: what core banking tells later is
    not stored, until lift(). Raises LookupError for an id that nobody knows, and StillOpen.
    """
    async with in_schema(engine, KEEPER) as tx:
        person = {"customer": customer_id}
        if not await _is_known(tx, schemas, customer_id):
            raise LookupError(f"no service and no vault knows {customer_id!r}")
        if not even_if_open:
            await _refuse_open(tx, schemas, customer_id)
        await tx.execute(_FORGET_KEY, {**person, "at": at})
        points = (await tx.execute(_FORGET_POINTS, person)).rowcount
        emptied = 0
        for schema in schemas:
            emptied += (
                await tx.execute(text(_FORGET_SEALED.format(schema=schema)), person)
            ).rowcount
        await onward_rows.append(tx, await leave(tx, customer_id, at))
        await record_act(
            tx,
            subject=customer_id,
            actor=by,
            act="forget",
            reason=reason,
            detail={"points": points, "quarantined": emptied},
            at=at,
        )
    return ForgottenPerson(points, emptied)


async def lift(
    engine: AsyncEngine, customer_id: str, *, by: str, reason: str, at: datetime
) -> bool:
    """
    Let the vault store values of a forgotten customer again, as they are told from now on; False for one who is not forgotten.

    What was forgotten stays so: there is no key for it any more.
    """
    async with in_schema(engine, KEEPER) as tx:
        found = await tx.execute(_LIFT, {"customer": customer_id})
        if not found.rowcount:
            return False
        await record_act(
            tx, subject=customer_id, actor=by, act="forget.lift", reason=reason, detail={}, at=at
        )
        return True


async def _is_known(tx: AsyncConnection, schemas: Sequence[str], customer_id: str) -> bool:
    if await tx.scalar(_KNOWN_HERE, {"customer": customer_id}):
        return True
    for schema in schemas:
        if await tx.scalar(text(_KNOWN.format(schema=schema)), {"customer": customer_id}):
            return True
    return False


async def _refuse_open(tx: AsyncConnection, schemas: Sequence[str], customer_id: str) -> None:
    stage = await tx.scalar(text(_STAGE), {"customer": customer_id})
    if stage is not None and stage != IDLE:
        raise StillOpen(f"the case of {customer_id!r} is open (stage {stage})")
    for schema in schemas:
        query = text(_LEAVING.format(schema=schema))
        if count := await tx.scalar(query, {"customer": customer_id}):
            raise StillOpen(f"{count} effects of {customer_id!r} are about to leave {schema}")
