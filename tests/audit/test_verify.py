"""What is as it was written verifies; whatever is changed, removed or inserted is found, and named by its place."""

import itertools
from datetime import timedelta

import pytest

from shared.audit.acts import SERVICE, record_act
from shared.audit.dropping import ACT, days_losing
from shared.messaging.inbox import month_of
from shared.testing import START
from tests.audit.support import DAY, LATER, act, found, live, sealed, verified
from tests.database.ledger import Policy, ledger
from tests.database.support import always, missed, records

IMMUTABLE = {
    "event_key": "gen_random_uuid()", "customer_id": "'C3'", "case_seq": "case_seq + 100", "source": "'/other'",
    "id": "'other'", "type": "'payment.received'", "dataschema": "'other'", "time": "time + interval '1 microsecond'",
    "received_at": "received_at - interval '1 second'", "now": "now + interval '1 hour'",
    "payload": "CAST(payload::text || ' ' AS json)", "payload_digest": "'\\x00'", "topic": "'other'",
    "partition": "partition + 1", "kafka_offset": "kafka_offset + 1", "policy_digest": "'other'",
    "code_version": "'other'", "causationid": "'other'", "correlationid": "'other'", "traceparent": "'other'",
    "link": "decode(repeat('00', 32), 'hex')", "month": "'2026-02-01'",
}  # fmt: skip


@pytest.fixture
async def lived(shell, make_shell, db, clock):
    """A database after the story, sealed; everything in it verifies."""
    await shell.prepare()
    mended = make_shell(ledger(policy=Policy(failing="nothing")))
    await mended.prepare()
    await live(shell, mended, db, clock)
    assert [root.leaves for root in await sealed(db)] == [5, 6, 0, 0]
    report = await verified(db)
    assert report.findings == []
    assert (report.cases, report.acts, report.roots) == (5, 5, 4)
    assert report.rows == await db.one("SELECT count(*) FROM inbox") > 12
    return db


async def test_every_column_of_the_inbox_is_in_the_hash(lived):
    columns = await lived.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'inbox' AND table_schema = 'scheduler'"
    )
    assert {name for (name,) in columns} == set(IMMUTABLE)


@pytest.mark.parametrize("column", IMMUTABLE)
async def test_a_changed_column_is_found(lived, column):
    await lived.run(
        f"UPDATE inbox SET {column} = {IMMUTABLE[column]} WHERE customer_id = 'C1' AND case_seq = 2"
    )
    places = await found(lived)
    assert ("roots", "2026-03-02") in places or any(table == "inbox" for table, _ in places)
    named = {where.split("/")[0] for table, where in places if table in {"inbox", "policies"}}
    assert named & {"C1", "C3", "other"}, places


async def test_a_removed_row_is_found_wherever_it_stood(lived):
    seqs = [row[0] for row in await lived.rows("SELECT case_seq FROM inbox WHERE customer_id = 'C1' ORDER BY 1")]  # fmt: skip
    assert len(seqs) >= 5
    after = dict(itertools.pairwise(seqs))
    for seq in seqs[:1], seqs[2:3], seqs[-1:]:
        await lived.run("CREATE TABLE kept AS SELECT * FROM inbox")
        await lived.run("DELETE FROM inbox WHERE customer_id = 'C1' AND case_seq = ANY(:s)", s=seq)
        places = await found(lived)
        assert ("inbox", f"C1/{after.get(seq[0], seqs[-2])}") in places
        await lived.run("DELETE FROM inbox")
        await lived.run("INSERT INTO inbox SELECT * FROM kept")
        await lived.run("DROP TABLE kept")
        assert await found(lived) == []


async def test_a_removed_case_or_all_its_rows_are_found(lived):
    await lived.run("DELETE FROM cases WHERE customer_id = 'C2'")
    await lived.run("DELETE FROM inbox WHERE customer_id = 'C3'")
    assert await found(lived) == [
        ("cases", "C2"), ("inbox", "C3"), ("roots", "2026-03-02"), ("roots", "2026-03-03"),
    ]  # fmt: skip


@pytest.mark.parametrize("seq", [0, 3, 50])
async def test_an_inserted_row_is_found(lived, seq):
    await lived.run(
        """INSERT INTO inbox SELECT month, gen_random_uuid(), customer_id, :seq, source, id || 'x', type, dataschema, time,
            received_at, now, payload, payload_digest, topic, partition, kafka_offset, policy_digest, code_version,
            causationid, correlationid, traceparent, link FROM inbox WHERE customer_id = 'C1' AND case_seq = 1""",
        seq=seq,
    )
    assert ("inbox", f"C1/{seq}") in await found(lived)


async def test_swapped_rows_are_found(lived):
    await lived.run("UPDATE inbox SET case_seq = 3 - case_seq WHERE customer_id = 'C1' AND case_seq IN (1, 2)")  # fmt: skip
    assert {("inbox", "C1/1"), ("inbox", "C1/2")} <= set(await found(lived))


async def test_a_head_that_was_rolled_back_with_its_last_row_is_found_by_the_signed_root(lived):
    (last, link), (before, head) = await lived.rows(
        "SELECT case_seq, link FROM inbox WHERE customer_id = 'C1' ORDER BY 1 DESC LIMIT 2"
    )
    await lived.run("UPDATE cases SET link = :l WHERE customer_id = 'C1'", l=head)
    assert ("inbox", f"C1/{last}") in await found(lived)
    await lived.run("DELETE FROM inbox WHERE customer_id = 'C1' AND case_seq = :s", s=last)
    await lived.run("UPDATE cases SET case_seq = :s WHERE customer_id = 'C1'", s=before)
    assert await found(lived) == [("roots", "2026-03-03")]
    await lived.run("UPDATE cases SET case_seq = 0 WHERE customer_id = 'C1'")
    assert ("cases", "C1") in await found(lived)
    assert link != head


@pytest.mark.parametrize(
    "change",
    [
        "seq = 9", "at = at + interval '1 second'", "actor = 'nobody'", "act = 'other'", "reason = ''", "detail = '{}'",
        "link = decode(repeat('00', 32), 'hex')", "subject = 'C9'",
    ],
)  # fmt: skip
async def test_a_changed_act_is_found(lived, change):
    await lived.run(f"UPDATE acts SET {change} WHERE subject = 'C1' AND seq = 2")
    assert any(table == "acts" for table, _ in await found(lived))


async def test_a_removed_act_is_found(lived):
    await lived.run("DELETE FROM acts WHERE subject = '' AND seq = 1")
    assert ("acts", "the service/2") in await found(lived)
    await lived.run("DELETE FROM acts WHERE subject = ''")
    assert await found(lived) == [("roots", "2026-03-03")]


@pytest.mark.parametrize(
    "change",
    ["leaves = 4", "root = link", "previous = link", "signature = link", "key_id = 'other'",
     "signed_at = signed_at - interval '1 day'"],
)  # fmt: skip
async def test_a_changed_root_is_found(lived, change):
    change = change.replace("= link", "= decode(repeat('00', 64), 'hex')")
    await lived.run(f"UPDATE roots SET {change} WHERE day = '2026-03-03'")
    assert ("roots", "2026-03-03") in await found(lived)


@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-03", "2026-03-05"])
async def test_a_removed_root_is_found(lived, day):
    await lived.run("DELETE FROM roots WHERE day = :day", day=START.date().fromisoformat(day))
    places = await found(lived)
    if day == "2026-03-05":  # nothing happened on it, so its root proves nothing
        assert places == []
        await lived.run("DELETE FROM roots WHERE day > '2026-03-02'")
        places = await found(lived)
    assert places
    assert {table for table, _ in places} == {"roots"}


async def test_all_roots_gone_is_found(lived):
    await lived.run("DELETE FROM roots")
    assert await found(lived) == [("roots", "2026-03-02 to 2026-03-03")]


async def test_a_policy_that_was_changed_or_removed_is_found(lived):
    await lived.run("UPDATE policies SET content = '{}'")
    assert {table for table, _ in await found(lived)} == {"policies"}
    await lived.run("DELETE FROM policies")
    assert {table for table, _ in await found(lived)} == {"policies"}


async def test_one_customer_is_verified_alone(lived):
    await lived.run("UPDATE inbox SET source = 'x' WHERE customer_id = 'C2' AND case_seq = 1")
    assert await found(lived, customer="C1") == []
    assert await found(lived, customer="C2") == [("inbox", "C2/1")]
    report = await verified(lived, customer="C1")
    assert (report.cases, report.acts, report.roots) == (1, 2, 0)


async def test_a_root_of_an_unknown_key_does_not_verify(lived):
    assert len(await found(lived, publics={})) == 4


async def test_chains_go_on_behind_months_that_were_dropped(lived, shell, clock):
    """As retention does: the start of each chain is written down, the act too, and the month goes."""
    clock.set(START + 31 * DAY)
    await shell.handle(records(missed("C1", "I7"), at=clock.now(), start=70), fresh=always)
    month = START.date().replace(day=1)
    async with lived.engine.begin() as tx:
        days = await days_losing(tx, month_of(clock.now()))
        await record_act(
            tx,
            subject=SERVICE,
            actor="officer-1",
            act=ACT,
            reason="",
            detail={"days": days},
            at=LATER,
        )
    await lived.run(
        """INSERT INTO case_starts SELECT DISTINCT ON (i.customer_id) i.customer_id, i.case_seq, i.link, c.state,
            c.state_version, :at FROM inbox i JOIN cases c USING (customer_id) WHERE i.month = :month
            ORDER BY i.customer_id, i.case_seq DESC""",
        at=LATER, month=month,
    )  # fmt: skip
    await lived.run("DELETE FROM inbox WHERE month = :month", month=month)
    report = await verified(lived)
    assert report.findings == []
    assert (report.signed_only, report.cases) == (2, 1)
    await lived.run("DELETE FROM inbox WHERE type = 'woken'")
    assert [where for table, where in await found(lived) if table == "inbox"]


async def test_rows_of_before_the_chains_are_counted_and_not_judged(lived):
    await lived.run("UPDATE inbox SET link = '' WHERE customer_id = 'C2'")
    await lived.run("UPDATE cases SET link = '' WHERE customer_id = 'C2'")
    await lived.run("DELETE FROM roots")
    await lived.run(
        "INSERT INTO case_starts SELECT customer_id, case_seq, '', state, 1, now() FROM cases WHERE customer_id = 'C2'"
    )
    report = await verified(lived, now=START + timedelta(hours=1))
    assert report.findings == []
    assert report.before_start == 2
    await act(lived, "C2")
    assert await found(lived, now=START + timedelta(hours=1)) == []
