"""The database knows up to where it has read Kafka; what a service says a second time is a repeat."""

import pytest
from aiokafka import TopicPartition

from shared.events.scheduler import FollowUpCancelled
from shared.messaging import positions
from shared.messaging.cases import StateTooNew
from shared.messaging.positions import rewound
from shared.messaging.shell import Shell
from shared.testing import fact
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, always, missed, record

P0, P1, P2 = (TopicPartition("core-banking", n) for n in range(3))


def test_only_what_is_ahead_of_the_database_is_read_again():
    committed = {P0: 50, P1: 50, P2: 50}
    assert rewound(committed, {P0: 50, P1: 30, P2: 70}, {P0: 0, P1: 0, P2: 0}) == {P1: 30}


def test_where_nothing_was_ever_saved_it_begins_at_the_beginning_of_the_log():
    assert rewound({P0: 50, P1: 7}, {}, {P0: 4, P1: 7}) == {P0: 4}


async def test_a_batch_notes_its_place_with_what_it_saves(shell, db):
    first, second = (record(fact(missed(f"C{n}")), 0) for n in (1, 2))
    place = TopicPartition(first.topic, first.partition)
    await shell.handle([first], fresh=always)
    later = record(fact(missed("C1", "I2")), 41)
    await shell.handle([later, second], fresh=always)
    async with db.engine.connect() as connection:
        assert (await positions.saved(connection))[place] == 42


async def test_a_batch_that_is_not_saved_notes_no_place(shell, db):
    await shell.handle([record(fact(missed()), 0)], fresh=always)
    before = await db.rows("SELECT * FROM positions")
    await db.run("UPDATE cases SET state_version = 99")
    with pytest.raises(StateTooNew):
        await shell.handle([record(fact(missed("C1", "I2")), 1)], fresh=always)
    assert await db.rows("SELECT * FROM positions") == before


@pytest.mark.parametrize(("source", "quarantined"), [("/services/scheduler", 0), ("/somebody", 1)])
async def test_a_service_that_says_it_again_differently_parks_nobody(
    follower_db, clock, source, quarantined
):
    """Restored, it decides anew what it had published; from anybody else another content is a contradiction."""
    reactor = ledger(name="notifier", reacts_to=frozenset({"follow_up.cancelled"}))
    shell = Shell(reactor, follower_db.engine, clock, keys=KEYS, partitions=PARTITIONS)
    said = [
        record(
            fact(
                FollowUpCancelled(
                    customer_id="C1", follow_up_id="F1", kind="contact", reason=reason
                ),
                event_id="E1",
                source=source,
            ),
            number,
        )
        for number, reason in enumerate(("paid", "held"))
    ]
    first = await shell.handle(said[:1], fresh=always)
    again = await shell.handle(said[1:], fresh=always)
    assert first.quarantined == 0
    assert (again.repeated, again.quarantined) == (1 - quarantined, quarantined)


async def test_what_is_void_counts_for_nothing_and_is_not_read_again(follower_db, clock):
    reactor = ledger(name="notifier", reacts_to=frozenset({"follow_up.cancelled"}))
    shell = Shell(reactor, follower_db.engine, clock, keys=KEYS, partitions=PARTITIONS)
    told = [
        record(fact(FollowUpCancelled(customer_id="C1", follow_up_id=name, kind="contact", reason="")), n)
        for n, name in enumerate(("before", "void", "after"))
    ]  # fmt: skip
    await follower_db.run(
        "INSERT INTO voids VALUES ('scheduler', :partition, 1, 2)", partition=told[0].partition
    )
    await shell.prepare()
    result = await shell.handle(told, fresh=always)
    assert (result.records, result.decided) == (3, 2)
    assert await follower_db.rows("SELECT kafka_offset FROM inbox ORDER BY case_seq") == [
        (0,),
        (2,),
    ]
    assert await follower_db.rows("SELECT offset_ FROM positions") == [(3,)]
