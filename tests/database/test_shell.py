"""One batch is one transaction: what the shell does with facts, ticks and repeats, on real PostgreSQL."""

from datetime import timedelta

from shared.messaging.partitions import partition_of
from shared.messaging.shell import never
from shared.testing import START, fact
from tests.database.ledger import ledger
from tests.database.support import PARTITIONS, always, missed, received, record, records


async def test_a_missed_payment_is_answered_in_the_same_transaction(shell, db):
    result = await shell.handle(records(missed()), fresh=always)
    assert (result.decided, result.ticks, result.published, result.effects) == (1, 1, 1, 1)
    assert await db.rows("SELECT stage, case_seq FROM cases") == [("owing", 2)]
    assert await db.rows("SELECT type, case_seq FROM inbox ORDER BY case_seq") == [
        ("payment.missed", 1),
        ("woken", 2),
    ]
    assert await db.rows("SELECT type, aggregateid FROM outbox ORDER BY id") == [
        ("follow_up.due", "C1"),
        ("arrears.progress", ""),
    ]
    assert await db.rows("SELECT status FROM effects") == [("pending",)]


async def test_a_repeated_batch_changes_nothing(shell, make_shell, db):
    batch = records(missed(), missed("C2"), received("C2"))
    await shell.handle(batch, fresh=always)
    before = await db.contents()
    for again in (shell, make_shell()):
        result = await again.handle(batch, fresh=always)
        assert (result.decided, result.repeated) == (0, 3)
    assert await db.contents() == before


async def test_a_copy_within_the_batch_is_decided_once(shell, db):
    event = fact(missed())
    result = await shell.handle([record(event, 0), record(event, 1)], fresh=always)
    assert (result.decided, result.repeated) == (1, 1)
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'payment.missed'") == 1


async def test_several_events_of_a_case_are_folded_and_saved_once(shell, db):
    await shell.handle(records(missed(), missed(instalment="I2"), received()), fresh=always)
    assert await db.rows("SELECT state->'owed', stage FROM cases") == [(None, "idle")]
    assert await db.rows("SELECT count(*) FROM effects") == [(0,)]
    seqs = await db.rows("SELECT case_seq, type FROM inbox ORDER BY case_seq")
    assert [seq for seq, _ in seqs] == sorted({seq for seq, _ in seqs})


async def test_a_payment_withdraws_the_effect_before_progress_is_told(shell, db):
    await shell.handle(records(missed()), fresh=always)
    await db.run("DELETE FROM outbox")
    await shell.handle(records(received(), start=1), fresh=always)
    assert await db.rows("SELECT status FROM effects") == [("withdrawn",)]
    assert await db.rows("SELECT type, partition, payload FROM outbox ORDER BY id") == [
        (
            "follow_up.cancelled",
            None,
            await db.one("SELECT payload FROM outbox ORDER BY id LIMIT 1"),
        ),
        ("arrears.progress", partition_of("C1", PARTITIONS), '{"offset":2}'),
    ]
    assert await db.rows("SELECT partition, offset_ FROM progress") == [
        (partition_of("C1", PARTITIONS), 2)
    ]


async def test_a_stale_partition_is_not_acted_on_and_stays_due(shell, db):
    result = await shell.handle(records(missed()), fresh=never)
    assert (result.decided, result.published, result.effects) == (1, 0, 0)
    assert await db.one("SELECT wake_at < '1970-01-02' FROM cases")
    assert await db.one("SELECT count(*) FROM inbox WHERE type = 'woken'") == 0
    ticked = await shell.tick_due(START, None, fresh=always)
    assert (ticked.decided, ticked.published, ticked.effects) == (1, 1, 1)


async def test_a_stale_tick_may_cancel_and_keeps_the_wake_up(shell, db):
    await shell.handle(records(missed()), fresh=always)
    result = await shell.handle(records(received(), start=1), fresh=never)
    assert result.published == 1
    assert await db.rows("SELECT type FROM outbox WHERE type LIKE 'follow%' ORDER BY id") == [
        ("follow_up.due",),
        ("follow_up.cancelled",),
    ]
    assert await db.one("SELECT wake_at < '1970-01-02' FROM cases")


async def test_without_fused_ticks_only_the_step_decides(make_shell, db):
    shell = make_shell(fused_ticks=False)
    await shell.handle(records(missed(), missed("C2")), fresh=always)
    assert await db.one("SELECT count(*) FROM effects") == 0
    first = await shell.tick_step(START)
    assert (first.decided, first.published, first.effects) == (2, 2, 2)
    second = await shell.tick_step(START)
    assert (second.decided, second.published) == (0, 0)


async def test_a_tick_that_changes_nothing_leaves_no_row(make_shell, db):
    lazy = ledger(
        decide=lambda state, event, now, policy: ledger().decide(state, event, now, policy)
    )
    shell = make_shell(lazy)
    await shell.handle(records(missed()), fresh=never)
    await shell.handle(records(missed(), start=5, at=START + timedelta(seconds=1)), fresh=never)
    assert await db.rows("SELECT type FROM inbox ORDER BY case_seq") == [("payment.missed",)] * 2


async def test_now_never_falls_behind_the_event_or_the_case(shell, db, clock):
    ahead = START + timedelta(minutes=4)
    await shell.handle([record(fact(missed(), ahead), 0)], fresh=always)
    clock.set(START + timedelta(minutes=1))
    await shell.handle(records(missed(instalment="I2"), start=1), fresh=always)
    assert {row[0] for row in await db.rows("SELECT now FROM inbox")} == {ahead}
    assert await db.one("SELECT last_now FROM cases") == ahead


async def test_types_that_nobody_reacts_to_are_ignored_but_count_as_progress(shell, db):
    event = fact(missed())
    strange = record(event, 7)
    headers = tuple((n, b"payment.dreamt" if n == "ce_type" else v) for n, v in strange.headers)
    result = await shell.handle(
        [type(strange)(strange.topic, strange.partition, 7, strange.key, strange.value, headers)],
        fresh=always,
    )
    assert (result.ignored, result.decided, result.quarantined) == (1, 0, 0)
    assert await db.rows("SELECT offset_ FROM progress") == [(8,)]


async def test_positions_without_records_are_progress_too(shell, db):
    await shell.settle({2: 40})
    await shell.settle({2: 30, 1: 5})
    assert await db.rows("SELECT partition, offset_ FROM progress ORDER BY 1") == [(1, 5), (2, 40)]
    assert await db.rows("SELECT partition, payload FROM outbox ORDER BY id") == [
        (2, '{"offset":40}'),
        (1, '{"offset":5}'),
    ]


async def test_a_new_episode_is_reminded_anew_and_an_old_one_never(shell, db):
    """The episode is a part of the step's identity: without it the second reminder would be the first's repeat."""
    await shell.handle(records(missed()), fresh=always)
    await shell.handle(records(received(), start=1), fresh=always)
    await shell.handle(records(missed(instalment="I2"), start=2), fresh=always)
    assert await db.rows("SELECT status FROM effects ORDER BY seq") == [
        ("withdrawn",),
        ("pending",),
    ]
