"""`arrears tail` on a real broker: from the start, since an instant, one customer, in order, and live."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from shared.cli.tailing import Wanted, lines, structured, taken
from shared.clock import SystemClock
from shared.events.core_banking import ContactPoint, CustomerUpdated, Jurisdiction
from shared.events.jsonl import read_line
from shared.events.registry import CORE_BANKING
from shared.messaging.kafka import close_client, new_producer, open_client
from shared.messaging.topics import ensure_topics
from tests.database.support import PARTITIONS, missed, received, records
from tests.http.conftest import settings


@pytest.fixture
def told(kafka):
    """Settings for the broker, and a function that publishes core banking's facts."""

    async def send(*facts):
        await ensure_topics(kafka, PARTITIONS)
        producer = new_producer(kafka, client_id="bank")
        await open_client(producer)
        try:
            for sent in records(*facts, at=SystemClock().now()):
                await producer.send_and_wait(
                    CORE_BANKING, sent.value, key=sent.key, partition=sent.partition,
                    headers=list(sent.headers),
                )  # fmt: skip
        finally:
            await close_client(producer)

    return settings("postgresql+asyncpg://none", kafka=kafka), send


async def test_what_is_there_is_shown_in_order_and_then_it_ends(told):
    config, send = told
    customers = [f"T{n}" for n in range(20)]
    before = SystemClock().now()
    await send(*(missed(customer) for customer in customers))
    await send(received("T3", "P-tail"))

    async def all_of(wanted, **options):
        return [line async for line in lines(config, wanted, follow=False, **options)]

    whole = await all_of(Wanted(), from_start=True)
    mine = [line for line in whole if line.customer in customers]
    # within a millisecond of the broker's the partitions' order is nobody's: the last fact of one customer is the last
    assert sorted(line.customer for line in mine[-21:]) == sorted([*customers, "T3"])
    assert [line.type for line in mine[-21:]].index("payment.received") >= customers.index("T3") + 1
    one = await all_of(Wanted("T3"), from_start=True)
    assert [line.type for line in one][-2:] == ["payment.missed", "payment.received"]
    assert {line.customer for line in one} == {"T3"}
    paid = await all_of(Wanted(type="payment.rec*"), begin=before)
    assert [line.customer for line in paid] == ["T3"]
    later = await all_of(Wanted(), begin=SystemClock().now() + timedelta(hours=1))
    assert later == []


async def test_what_comes_is_shown_live_and_what_was_is_not(told):
    config, send = told
    await send(missed("L1"))
    found = asyncio.Queue()

    async def follow():
        async with contextlib.aclosing(lines(config, Wanted(type="payment.*"))) as flow:
            async for line in flow:
                found.put_nowait(line.customer)

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(30):
            while found.empty():  # until it stands at the end, and has seen one of ours
                await send(received("L2", "P-live"))
                await asyncio.sleep(0.2)
    finally:
        following.cancel()
        await asyncio.wait([following])
    assert found.get_nowait() == "L2"


async def test_what_flows_is_captured_as_events_that_read_back_without_contact_values(told):
    config, send = told
    person = CustomerUpdated(
        customer_id="T-cap", language="en", time_zones=("Asia/Shanghai",), region="CN-SH",
        jurisdiction=Jurisdiction(country="CN"),
        contact_points=(ContactPoint(point_id="m", kind="mobile", value="+8610112345678", party="debtor"),),
    )  # fmt: skip
    await send(person, missed("T-cap"))
    options = {"begin": None, "from_start": True, "follow": False}
    found = [record async for _, record in taken(config, Wanted("T-cap"), **options)]
    captured = [structured(record) for record in found]
    assert b"10112345678" not in b"".join(captured)
    events = [read_line(line) for line in captured]
    assert [event.type for event in events] == ["customer.updated", "payment.missed"]
    assert events[0].data.contact_points[0].point_id == "m"
