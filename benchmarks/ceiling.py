"""The ceiling: the same rows by the same SQL and the same bytes, hand-written without our runtime.

It decodes with msgspec, speaks asyncpg directly, and publishes on a second connection while the next batch is under way. It
knows no quarantine, parking, reuse of ids, upcasting, freshness, leader of the relay, refused row, or rebalance.
"""

import asyncio
import contextlib
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import TopicPartition
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from benchmarks.child import Assignment, Report, assignment, word
from benchmarks.parts import PARTITIONS
from benchmarks.rows import Fact, Known, case_columns, inbox_columns, outbox_columns
from benchmarks.tab import KEPT, REACTOR, Tab, answer, entry_of, told
from shared.clock import SystemClock
from shared.events.core_banking import PaymentReceived
from shared.ids import derive, event_key
from shared.messaging.cases import _INSERT, _LOCK, _SAVE
from shared.messaging.inbox import _INSERT as _INBOX
from shared.messaging.inbox import _KNOWN, month_of
from shared.messaging.kafka import group_consumer, new_producer, seed_offsets
from shared.messaging.outbox import _APPEND, _DELETE, _READ
from shared.messaging.partitions import partition_of
from shared.messaging.progress import _NOTE

TOPIC = "core-banking"
_FACT = msgspec.json.Decoder(PaymentReceived)
_STATE = msgspec.json.Decoder(Tab)
_ENCODE = msgspec.json.Encoder(order="sorted").encode
_KIND = (("ce_specversion", b"1.0"), ("ce_type", b"follow_up.due"))
_REST = (("ce_dataschema", b"urn:arrears:follow_up.due:1"), ("ce_source", b"/services/scheduler"))


class Sql:
    """The runtime's statements, as asyncpg takes them: the same objects, so they cannot drift apart."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def __call__(self, statement: TextClause, **values: Any) -> list[Any]:
        """Execute a statement with named values; answer its rows."""
        text, names = _compiled(statement)
        rows: list[Any] = await self._connection.fetch(text, *(values[name] for name in names))
        return rows


_TEXTS: dict[TextClause, tuple[str, list[str]]] = {}


def _compiled(statement: TextClause) -> tuple[str, list[str]]:
    if statement not in _TEXTS:
        found = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        _TEXTS[statement] = (found.string, list(found.positiontup or ()))
    return _TEXTS[statement]


def decode(record: Any, known: dict[UUID, Fact]) -> None:
    """Decode one record; a repeat within the batch changes nothing."""
    headers = dict(record.headers)
    event_id, source = headers["ce_id"].decode(), headers["ce_source"].decode()
    key = event_key(source, event_id)
    if key in known:
        return
    time = headers["ce_time"].decode()
    instant = datetime.fromisoformat(time)
    customer_id = record.key.decode()
    digest = blake2b(record.value, digest_size=16)
    digest.update(f"\x1fpayment.received\x1f{customer_id}".encode())
    digest.update(instant.isoformat().encode())
    known[key] = Fact(
        key=key,
        customer_id=customer_id,
        source=source,
        id=event_id,
        type="payment.received",
        dataschema=headers["ce_dataschema"].decode(),
        time=instant,
        payload=record.value,
        digest=digest.digest(),
        data=_FACT.decode(record.value),
        topic=TOPIC,
        partition=record.partition,
        offset=record.offset,
    )


class Ceiling:
    """One batch after the other, as one would write it by hand."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = Sql(connection)
        self._clock = SystemClock()
        self._seen: set[str] = set()

    async def handle(self, records: list[Any]) -> None:
        """Save a batch, in one transaction."""
        sql, now = self._sql, self._clock.now()
        facts: dict[UUID, Fact] = {}
        ends: dict[int, int] = {}
        for record in records:
            ends[record.partition] = record.offset + 1
            decode(record, facts)
        customers = sorted({fact.customer_id for fact in facts.values()})
        async with self._connection.transaction():
            if strange := [c for c in customers if c not in self._seen]:
                await sql(
                    _INSERT, ids=strange, partitions=[partition_of(c, PARTITIONS) for c in strange],
                    stage="idle", state="{}", version=1, wake_at=None,
                )  # fmt: skip
            cases = {row[0]: Known(row) for row in await sql(_LOCK, ids=customers)}
            for month in {month_of(fact.time) for fact in facts.values()}:
                for row in await sql(_KNOWN, month=month, keys=sorted(facts)):
                    facts.pop(row[0], None)
            for fact in facts.values():
                fact.case_seq, fact.now = cases[fact.customer_id].next_seq(fact.time, now)
            out = self._decide(list(facts.values()), cases)
            advanced = await sql(
                _NOTE, partitions=sorted(ends), offsets=[ends[p] for p in sorted(ends)], at=now
            )
            changed = [case for case in cases.values() if case.entries is not None]
            if changed:
                rows = [*facts.values(), *(self._tick(case) for case in changed)]
                for fact in rows:
                    fact.link = cases[fact.customer_id].next_link(fact, now)
                await sql(_SAVE, **case_columns(changed))
                await sql(_INBOX, **inbox_columns(rows, now))
            partitions = sorted(row[0] for row in advanced)
            await sql(_APPEND, **outbox_columns(out, [(p, ends[p]) for p in partitions], now))
        self._seen.update(customers)

    def _decide(self, facts: list[Fact], cases: dict[str, Known]) -> list[tuple[Any, ...]]:
        for fact in facts:
            case = cases[fact.customer_id]
            if case.entries is None:
                case.entries = _STATE.decode(case.stored).entries
            entry = entry_of(fact.data, fact.id, fact.time)
            case.entries = (*case.entries[1 - KEPT :], entry)
            case.cause = fact
        out = []
        for case in cases.values():
            if case.entries is None:
                continue
            case.case_seq += 1
            tick = f"{case.customer_id}/{case.case_seq}"
            for entry in case.entries:
                if not entry.told:
                    data = answer(case.customer_id, entry)
                    name = derive("scheduler", case.customer_id, "follow_up.due", entry.event_id)
                    out.append((name, case.customer_id, _ENCODE(data).decode(), tick, case.cause))
            case.entries = told(case.entries)
            case.state = msgspec.json.encode(Tab(entries=case.entries)).decode()
        return out

    @staticmethod
    def _tick(case: Known) -> Fact:
        payload = _ENCODE({"customer_id": case.customer_id})
        name = f"{case.customer_id}/{case.case_seq}"
        digest = blake2b(payload, digest_size=16)
        digest.update(f"\x1fwoken\x1f{case.customer_id}".encode())
        return Fact(
            key=event_key("/ticks/scheduler", name),
            customer_id=case.customer_id,
            source="/ticks/scheduler",
            id=name,
            type="woken",
            time=case.last_now,
            payload=payload,
            digest=digest.digest(),
            case_seq=case.case_seq,
            now=case.last_now,
        )


async def publish(connection: asyncpg.Connection, bootstrap: str, rows: asyncio.Event) -> None:
    """Send what is in the outbox, and delete it after the broker's answer; never ends by itself."""
    sql = Sql(connection)
    producer = new_producer(bootstrap, client_id="ceiling")
    await producer.start()
    try:
        while True:
            rows.clear()
            found = await sql(_READ, skip=[], limit=1000)
            if not found:
                await rows.wait()
                continue
            shares = defaultdict(list)
            for row in found:
                partition = row[6] if row[6] is not None else partition_of(row[2], PARTITIONS)
                shares[partition].append(row)
            answers = []
            for partition, share in shares.items():
                batch = producer.create_batch()
                for row in share:
                    batch.append(timestamp=None, **_record(row))
                batch.close()
                answers.append(await producer.send_batch(batch, "scheduler", partition=partition))
            await asyncio.gather(*answers)
            await sql(_DELETE, ids=[row[10] for row in found])
    finally:
        await producer.stop()


def _record(row: Any) -> dict[str, Any]:
    if row[6] is not None:
        kind = ("ce_type", row[3].encode())
        headers = [_KIND[0], kind, ("content-type", b"application/json")]
        return {"key": None, "value": row[4].encode(), "headers": headers}
    headers = [
        *_KIND,
        *_REST,
        ("ce_id", row[0].encode()),
        ("ce_subject", row[2].encode()),
        ("ce_time", row[5].astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_causationid", row[7].encode()),
        ("ce_correlationid", row[8].encode()),
        ("content-type", b"application/json"),
    ]
    return {"key": row[2].encode(), "value": row[4].encode(), "headers": headers}


async def main(given: Assignment) -> None:
    """Run until told to stop."""
    report = Report()
    url = given.url.replace("+asyncpg", "")
    settings = {"search_path": REACTOR.name, "timezone": "UTC", "jit": "off"}
    writing = await asyncpg.connect(url, server_settings=settings)
    reading = await asyncpg.connect(url, server_settings=settings)
    ceiling, rows = Ceiling(writing), asyncio.Event()
    await word("join")
    relay = asyncio.create_task(publish(reading, given.bootstrap, rows))
    tps = [TopicPartition(TOPIC, p) for p in range(PARTITIONS)]
    await seed_offsets(given.bootstrap, given.group, tps)
    consumer = group_consumer(given.bootstrap, given.group, client_id="ceiling")
    await consumer.start()
    consumer.subscribe([TOPIC])
    stop = asyncio.create_task(word("go"))
    await stop
    report.joined(PARTITIONS)
    stop = asyncio.create_task(word("stop"))
    while not stop.done():
        if relay.done():
            relay.result()
        fetched = await consumer.getmany(timeout_ms=200, max_records=given.batch)
        batch = [record for share in fetched.values() for record in share]
        if batch:
            report.begin()
            await ceiling.handle(batch)
            report.saved(len(batch))
            rows.set()
            await consumer.commit({tp: share[-1].offset + 1 for tp, share in fetched.items()})
    report.end()
    await consumer.stop()
    relay.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await relay
    await writing.close()
    await reading.close()


if __name__ == "__main__":
    asyncio.run(main(assignment()))
