"""Records as core banking would send them, and a look into a service's schema."""

import itertools
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.core_banking import PaymentMissed, PaymentReceived
from shared.events.envelope import Event, Fact
from shared.events.registry import EVENT_TYPES
from shared.messaging.decode import encode
from shared.messaging.partitions import partition_of
from shared.messaging.records import Record
from shared.messaging.release_terms import By
from shared.testing import START, fact
from shared.vault import Keys

PARTITIONS = 4
KEYS = Keys(b"k" * 32)
BY = By("operator-1", "the defect was mended")
TABLES = {
    "cases": "customer_id", "inbox": "customer_id, case_seq", "outbox": "id", "effects": "seq",
    "quarantine": "id", "parked": "customer_id, seq", "progress": "partition", "policies": "digest",
    "onward": "seq", "positions": "topic, partition", "voids": "topic, partition, from_", "acts": "subject, seq", "roots": "day", "case_starts": "customer_id",
}  # fmt: skip


def always(_: int) -> bool:
    return True


def missed(customer: str = "C1", instalment: str = "I1", amount: int = 5000) -> PaymentMissed:
    return PaymentMissed(
        customer_id=customer, account_id="A1", instalment_id=instalment, due_on=date(2026, 3, 1),
        amount_minor=amount, currency="CNY",
    )  # fmt: skip


def received(customer: str = "C1", payment: str = "P1", amount: int = 5000) -> PaymentReceived:
    return PaymentReceived(
        customer_id=customer, payment_id=payment, account_id="A1", amount_minor=amount,
        currency="CNY", value_on=date(2026, 3, 2),
    )  # fmt: skip


def record(event: Event, offset: int, *, topic: str | None = None) -> Record:
    """The record of an event on the first topic where it may stand."""
    key, value, headers = encode(event)
    where = topic or min(EVENT_TYPES[event.type].topics)
    return Record(
        where, partition_of(event.subject, PARTITIONS), offset, key, value, tuple(headers)
    )


def records(*facts: Fact | Event, at: datetime = START, start: int = 0) -> list[Record]:
    """The records of facts, a second apart."""
    numbers = itertools.count(start)
    return [
        record(item if isinstance(item, Event) else fact(item, at + timedelta(seconds=n)), n)
        for n, item in zip(numbers, facts, strict=False)
    ]


class Database:
    """A service's schema, looked into."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query), values)]

    async def run(self, statement: str, **values: Any) -> None:
        """As the administrator, who may do what the service's role may not."""
        async with self.engine.begin() as tx:
            await tx.execute(text("SET LOCAL ROLE NONE"))
            await tx.execute(text(statement), values)

    async def one(self, query: str, **values: Any) -> Any:
        ((value,),) = await self.rows(query, **values)
        return value

    async def clear(self) -> None:
        async with self.engine.begin() as tx:
            await tx.execute(text("SET LOCAL ROLE NONE"))
            for table in TABLES:
                await tx.execute(text(f"DELETE FROM {table}"))
            await tx.execute(text("DELETE FROM vault.keys"))

    async def contents(self) -> dict[str, list[Any]]:
        """All that batches leave behind."""
        return {
            name: await self.rows(f"SELECT * FROM {name} ORDER BY {order}")
            for name, order in TABLES.items()
        }


def cut(items: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    """Cut *items* into batches of these sizes, over and over."""
    batches, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= len(items):
            return batches
        batches.append(list(items[start : start + size]))
        start += size
    return batches
