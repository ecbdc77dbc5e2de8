import asyncio
from collections.abc import AsyncIterator, Sequence
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db import engine_for
from shared.events.common import PROGRESS
from shared.messaging import outbox
from shared.messaging.outbox import OutboxRow
from shared.messaging.partitions import partition_of
from shared.messaging.relay import Relay
from shared.messaging.topics import ensure_topics
from shared.privacy.owner import owner_engine
from shared.testing import START
from tests.kafka.support import PARTITIONS, everything, until

CUSTOMERS = [f"C{n}" for n in range(20)]


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    found = engine_for(database, "scheduler")
    yield found
    await found.dispose()


@pytest.fixture
async def topic(kafka, fresh_name) -> str:
    name = fresh_name("relayed")
    await ensure_topics(kafka, PARTITIONS, topics=[name])
    return name


@pytest.fixture
def make_relay(kafka, engine):
    relays = []

    def make(bootstrap: str = kafka) -> Relay:
        relay = Relay(bootstrap, engine, "scheduler", partitions=PARTITIONS)
        relays.append(relay)
        return relay

    return make


def row(number: int, customer: str = "C1", payload: str = "{}") -> OutboxRow:
    return OutboxRow(
        event_id=f"e{number}", aggregatetype="", aggregateid=customer, type="case.opened",
        payload=payload, time=START, causationid="cause",
    )  # fmt: skip


def control(partition: int) -> OutboxRow:
    return OutboxRow(
        event_id="", aggregatetype="", aggregateid="", type=PROGRESS, payload='{"offset":7}',
        time=START, partition=partition,
    )  # fmt: skip


async def write(engine: AsyncEngine, topic: str, rows: Sequence[OutboxRow]) -> None:
    async with engine.begin() as tx:
        await outbox.append(tx, topic, rows)


async def waiting(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await outbox.waiting(connection))[0]


async def emptied(engine: AsyncEngine, *, left: int = 0) -> None:
    deadline = monotonic() + 30
    while await waiting(engine) > left:
        assert monotonic() < deadline
        await asyncio.sleep(0.02)


def ids(records, customer: str) -> list[str]:
    own = [dict(record.headers) for record in records if record.key == customer.encode()]
    return [headers["ce_id"].decode() for headers in own]


async def test_rows_are_published_in_order_and_deleted(kafka, engine, topic, make_relay):
    rows = [row(n, CUSTOMERS[n % 20]) for n in range(500)]
    await write(engine, topic, [*rows, control(2)])
    relay = make_relay()
    relay.start()
    await emptied(engine)
    await relay.stop()
    records = await everything(kafka, topic)
    assert len(records) == 501
    for customer in CUSTOMERS:
        assert ids(records, customer) == [r.event_id for r in rows if r.aggregateid == customer]
    first = next(record for record in records if record.key == b"C1")
    assert first.partition == partition_of("C1", PARTITIONS)
    assert dict(first.headers) == {
        "ce_specversion": b"1.0", "ce_type": b"case.opened", "ce_id": b"e1",
        "ce_source": f"/services/{topic}".encode(), "ce_subject": b"C1",
        "ce_time": b"2026-03-02T01:30:00Z", "ce_causationid": b"cause",
        "ce_dataschema": b"urn:arrears:case.opened:1", "content-type": b"application/json",
    } | {k: v for k, v in dict(first.headers).items() if k == "content-type"}  # fmt: skip
    (progress,) = [record for record in records if record.key is None]
    assert (progress.partition, progress.value) == (2, b'{"offset":7}')
    ends = {tp.partition: end for tp, end in relay.produced.items()}
    assert ends == {p: sum(r.partition == p for r in records) for p in range(PARTITIONS)}


async def test_a_crash_between_send_and_delete_repeats_the_same_ids_in_order(
    kafka, database, engine, topic, make_relay
):
    await refuse_deletes(database)
    rows = [row(n, CUSTOMERS[n % 5]) for n in range(50)]
    await write(engine, topic, rows)
    relay = make_relay()
    relay.start()
    await until(lambda: relay.produced and relay.last_error)
    await relay.stop(within=1)
    async with owner_engine(database).begin() as tx:
        await tx.execute(text("DROP TRIGGER refuse ON scheduler.outbox"))
    assert await waiting(engine) == 50
    next_relay = make_relay()
    next_relay.start()
    await emptied(engine)
    await next_relay.stop()
    records = await everything(kafka, topic)
    assert len(records) >= 100
    for customer in CUSTOMERS[:5]:
        own = [r.event_id for r in rows if r.aggregateid == customer]
        assert list(dict.fromkeys(ids(records, customer))) == own


async def test_one_relay_publishes_and_another_takes_over(kafka, engine, topic, make_relay):
    first, second = make_relay(), make_relay()
    first.start()
    await until(lambda: first.is_leader)
    second.start()
    await write(engine, topic, [row(1)])
    await emptied(engine)
    assert not second.is_leader
    await first.stop()
    await write(engine, topic, [row(2)])
    await emptied(engine)
    assert second.is_leader
    await second.stop()
    assert ids(await everything(kafka, topic), "C1") == ["e1", "e2"]


async def test_a_row_that_the_broker_refuses_holds_back_its_key_and_no_other(
    kafka, engine, topic, make_relay
):
    other = next(c for c in CUSTOMERS if same_partition(c, "C1"))
    rows = [row(1), row(2, payload='"' + "x" * 5_000_000 + '"'), row(3), row(4, other)]
    await write(engine, topic, [*rows, control(partition_of("C1", PARTITIONS))])
    relay = make_relay()
    relay.start()
    await emptied(engine, left=3)
    await until(lambda: relay.blocked)
    await write(engine, topic, [row(5, other)])
    await emptied(engine, left=3)
    assert relay.blocked == {"C1": "MessageSizeTooLargeError"}
    await relay.stop()
    records = await everything(kafka, topic)
    assert ids(records, "C1") == ["e1"]
    assert ids(records, other) == ["e4", "e5"]
    assert all(record.key for record in records), "progress would promise what e3 may hold"


async def test_lost_answers_double_nothing(kafka_server, engine, topic, make_relay, proxy):
    rows = [row(n, CUSTOMERS[n % 20]) for n in range(3000)]
    proxy.share = 0.05
    relay = make_relay(kafka_server.extra_bootstrap)
    relay.start()
    for start in range(0, 3000, 100):
        await write(engine, topic, rows[start : start + 100])
        relay.wake()
        await asyncio.sleep(0.01)
    await emptied(engine)
    proxy.share = 0.0
    await relay.stop()
    records = await everything(kafka_server.bootstrap, topic)
    assert proxy.cut > 0
    assert len(records) == 3000
    for customer in CUSTOMERS:
        assert ids(records, customer) == [r.event_id for r in rows if r.aggregateid == customer]


async def test_a_paused_relay_publishes_nothing(engine, topic, make_relay):
    relay = make_relay()
    relay.start()
    await until(lambda: relay.is_leader)
    await relay.pause()
    await write(engine, topic, [row(1)])
    relay.wake()
    await asyncio.sleep(0.3)
    assert await waiting(engine) == 1
    relay.resume()
    await emptied(engine)
    await relay.stop()


def same_partition(one: str, other: str) -> bool:
    return one != other and partition_of(one, PARTITIONS) == partition_of(other, PARTITIONS)


async def refuse_deletes(database: str) -> None:
    async with owner_engine(database).begin() as tx:
        await tx.execute(text("SET LOCAL search_path TO scheduler"))
        await tx.execute(
            text("""
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'crashed before the delete'; END $$
            """)
        )
        await tx.execute(
            text("CREATE TRIGGER refuse BEFORE DELETE ON outbox EXECUTE FUNCTION refuse()")
        )
