import asyncio
import random
from collections import Counter

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.messaging.consumer import Consumer, GiveBack
from tests.kafka.support import (
    PARTITIONS,
    Log,
    committed,
    consuming,
    produce,
    topic_with,
    until,
)


async def test_a_new_group_begins_at_the_beginning_and_goes_on_where_it_stopped(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log = Log()
    async with consuming(kafka, group, [topic], log.handle):
        await until(lambda: log.has_all(40))
    await produce(kafka, topic, 20)
    async with consuming(kafka, group, [topic], log.handle):
        await until(lambda: log.has_all(60))
    assert len(log.saved) == 60
    assert sum((await committed(kafka, group, topic)).values()) == 60


async def test_a_member_that_joins_in_mid_batch_loses_and_doubles_nothing(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 1200), fresh_name("g")
    log = Log()
    in_hand = asyncio.Event()

    async def slowly(records):
        in_hand.set()
        await asyncio.sleep(0.1)
        log.save(records)

    async with consuming(kafka, group, [topic], slowly, max_records=50) as first:
        await in_hand.wait()
        async with consuming(kafka, group, [topic], slowly, max_records=50) as second:
            await until(lambda: len(first.owned()) == len(second.owned()) == PARTITIONS // 2)
            assert first.owned() | second.owned() == set(range(PARTITIONS))
            await until(lambda: log.has_all(1200))
    assert len(log.saved) == 1200
    assert log.is_in_order()


async def test_what_lies_there_before_the_assignment_is_told_is_not_passed_over(kafka, fresh_name):
    """While we ask the database where it stands, aiokafka must fetch nothing: it would be dropped, and be behind us."""
    topic, group = await topic_with(kafka, fresh_name("t"), 400), fresh_name("g")
    log = Log()
    turns = 0

    async def places():
        nonlocal turns
        turns += 1
        await asyncio.sleep(1.5)  # long enough for several fetches
        return {}

    async with consuming(kafka, group, [topic], log.handle, places=places):
        await until(lambda: log.has_all(400))
    assert turns >= 1
    assert len(log.saved) == 400
    assert log.is_in_order()


async def test_a_batch_that_fails_is_handed_in_again_unchanged(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 1000), fresh_name("g")
    log, draw, attempts = Log(), random.Random(7), Counter()

    async def sometimes(records):
        attempts[tuple((r.partition, r.offset) for r in records)] += 1
        if draw.random() < 0.05:
            raise OSError("the database is away")
        log.save(records)

    async with consuming(kafka, group, [topic], sometimes, max_records=10):
        await until(lambda: log.has_all(1000))
    assert len(log.saved) == 1000
    assert log.is_in_order()
    assert max(attempts.values()) > 1
    assert sum((await committed(kafka, group, topic)).values()) == 1000


async def test_a_batch_that_keeps_failing_does_not_hold_a_rebalance_back(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log = Log()

    async def never(_):
        raise OSError("the database is away")

    async with consuming(kafka, group, [topic], never) as broken:
        await until(lambda: broken.vitals.last_error == "OSError")
        async with consuming(kafka, group, [topic], log.handle) as second:
            await until(second.owned, seconds=5)
            await broken.stop()
            await until(lambda: log.has_all(40), seconds=15)
    assert log.is_in_order()


async def test_stopping_finishes_the_batch_in_hand_and_leaves_the_group_at_once(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log, in_hand = Log(), asyncio.Event()

    async def slowly(records):
        in_hand.set()
        await asyncio.sleep(0.3)
        log.save(records)

    async with consuming(kafka, group, [topic], slowly, max_records=10):
        await in_hand.wait()
    assert log.saved
    assert sum((await committed(kafka, group, topic)).values()) == len(log.saved)
    async with consuming(kafka, group, [topic], log.handle):
        await until(lambda: log.has_all(40), seconds=10)
    assert len(log.saved) == 40


async def test_a_member_that_was_cancelled_while_it_joined_leaves_no_ghost(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log = Log()
    for delay in (0.01, 0.05, 0.15):
        cancelled = Consumer(kafka, group, [topic], log.handle, partitions=PARTITIONS)
        cancelled.start()
        await asyncio.sleep(delay)
        await cancelled.stop(within=0)
    async with consuming(kafka, group, [topic], log.handle) as member:
        await until(lambda: len(member.owned()) == PARTITIONS, seconds=10)
        await until(lambda: log.has_all(40))


async def test_offsets_out_of_range_stand_still_and_are_named(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 80), fresh_name("g")
    other = await topic_with(kafka, fresh_name("other"), 80)
    log = Log()
    member = Consumer(kafka, group, [topic, other], log.handle, partitions=PARTITIONS)
    member.start()
    await until(lambda: log.has_all(160))
    await member.stop()
    await produce(kafka, topic, 40)
    await cut_off(kafka, TopicPartition(topic, 1), 25)
    async with consuming(kafka, group, [topic, other], log.handle) as again:
        await until(again.vitals.standing)
        await until(lambda: log.has_all(190))
        await produce(kafka, other, 40)
        await until(lambda: log.has_all(220))
        assert again.vitals.unready() == [f"{topic}[1] offsets 20 to 24 are missing"]
        assert again.owned() == {0, 2, 3}
    assert all(offset < 20 for _, partition, offset in log.saved if partition == 1)
    assert (await committed(kafka, group, topic))[1] == 20


async def test_a_member_that_cannot_read_the_states_gives_its_partitions_back(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log = Log()

    async def older_code(_):
        raise GiveBack("a state has version 2, this code knows 1")

    async with consuming(kafka, group, [topic], older_code) as old:
        await until(lambda: old.vitals.gave_back)
        assert old.vitals.unready() == [
            "gave its partitions back: a state has version 2, this code knows 1"
        ]
        async with consuming(kafka, group, [topic], log.handle) as new:
            await until(lambda: log.has_all(40), seconds=15)
            assert len(new.owned()) == PARTITIONS
        assert old.vitals.turned_for() == 0
    assert len(log.saved) == 40


async def test_partitions_are_given_back_when_somebody_else_finds_the_state_too_new(
    kafka, fresh_name
):
    topic, group = await topic_with(kafka, fresh_name("t"), 40), fresh_name("g")
    log = Log()
    async with consuming(kafka, group, [topic], log.handle) as member:
        await until(lambda: log.has_all(40))
        member.give_back("the alarm met a newer state")
        await until(lambda: member.vitals.gave_back)
        await until(lambda: not member.owned())


async def test_a_paused_consumer_has_nothing_in_hand_and_stays_a_member(kafka, fresh_name):
    topic, group = await topic_with(kafka, fresh_name("t"), 8), fresh_name("g")
    log = Log()
    async with consuming(kafka, group, [topic], log.handle) as member:
        await until(lambda: log.has_all(8))
        await member.pause()
        await produce(kafka, topic, 8)
        await asyncio.sleep(0.7)
        assert len(log.saved) == 8
        assert len(member.owned()) == PARTITIONS
        assert sum(member.saved.values()) == 8
        member.resume()
        await until(lambda: log.has_all(16))
        await until(lambda: sum(member.saved.values()) == 16)


async def cut_off(bootstrap: str, tp: TopicPartition, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()
