"""The acts of people: numbered and chained per subject, in the transaction that does them."""

import asyncio
from datetime import timedelta, timezone

from shared.audit.acts import SERVICE, acts_of, record_act
from shared.audit.chain import NO_LINK, micros
from shared.testing import START


async def do(db, subject: str = "C1", act: str = "unmask", **detail: object) -> int:
    async with db.engine.begin() as tx:
        return await record_act(
            tx,
            subject=subject,
            actor="agent-7",
            act=act,
            reason="call back",
            detail=detail,
            at=START,
        )


async def test_acts_are_numbered_and_chained_per_subject(db):
    assert [await do(db), await do(db), await do(db, SERVICE, "stop", channel="sms")] == [1, 2, 1]
    async with db.engine.connect() as connection:
        first, second = await acts_of(connection, "C1")
        (stop,) = await acts_of(connection, SERVICE)
        assert await acts_of(connection, "C1", after=1) == [second]
        assert await acts_of(connection, "C1", limit=1) == [first]
    assert (stop.actor, stop.act, stop.reason, stop.detail) == (
        "agent-7", "stop", "call back", '{"channel":"sms"}',
    )  # fmt: skip
    assert stop.at == START
    assert first.link == first.link_after(NO_LINK)
    assert second.link == second.link_after(first.link)
    assert second.link_after(NO_LINK) != second.link


async def test_an_act_goes_with_its_transaction(db):
    async with db.engine.connect() as connection:
        await record_act(
            connection, subject="C1", actor="a", act="forget", reason="", detail={}, at=START
        )
        await connection.rollback()
    assert await db.one("SELECT count(*) FROM acts") == 0


async def test_many_at_once_make_one_chain(db):
    numbers = await asyncio.gather(*(do(db, n=n) for n in range(30)))
    assert sorted(numbers) == list(range(1, 31))
    previous = NO_LINK
    async with db.engine.connect() as connection:
        for act in await acts_of(connection, "C1"):
            assert act.link == act.link_after(previous)
            previous = act.link


def test_an_instant_is_hashed_as_the_database_keeps_it():
    assert micros(START.astimezone(timezone(timedelta(hours=8)))) == micros(START)
    assert micros(START + timedelta(microseconds=1)) == micros(START) + 1
