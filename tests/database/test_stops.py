"""The stop switch on a real database: whoever claims meanwhile, nothing that matches is claimed after it returned."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.db import engine_for
from shared.messaging import controls, effect_rows
from shared.messaging.controls import CHANNELS, Filter, SwitchMissing
from shared.testing import START, days
from tests.database.effects_made import claim, clear_controls, due, start
from tests.database.support import Database

EVERYTHING = Filter()
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
async def _clean(db: Database) -> AsyncIterator[None]:
    await clear_controls(db)
    yield
    await clear_controls(db)


async def stop(db, what=EVERYTHING, at=START):
    async with db.engine.begin() as tx:
        return await controls.stop(tx, what, reason="wrong text", by="op-1", at=at)


async def resume(db, stop_id):
    async with db.engine.begin() as tx:
        return await controls.resume(tx, stop_id, reason="mended", by="op-2", at=START + SECOND)


async def test_a_stop_holds_what_is_pending_and_names_what_was_claimed_before(db):
    first, second = await start(db, 2)
    (row,) = await due(db, START, limit=1)
    async with db.engine.begin() as tx:
        await controls.hold(tx)
        await effect_rows.claim(tx, [row.effect_id], START, provider="sandbox")
    stopped = await stop(db)
    assert [(s.effect_id, s.kind, s.claimed_at) for s in stopped.sending] == [
        (row.effect_id, "contact.sms", START)
    ]
    assert stopped.held == 1
    assert await claim(db) == []
    assert (await resume(db, stopped.stop_id)).filter == EVERYTHING
    assert await claim(db) == [({first, second} - {row.effect_id}).pop()]


async def test_resuming_twice_or_what_was_never_stopped_says_so(db):
    stopped = await stop(db)
    assert await resume(db, stopped.stop_id) is not None
    assert await resume(db, stopped.stop_id) is None
    assert await resume(db, "nothing") is None
    assert await db.rows("SELECT by, resumed_by, reason, resume_reason FROM stops") == [
        ("op-1", "op-2", "wrong text", "mended")
    ]


KINDS = {
    "sms": "contact.sms", "call": "contact.call", "email": "contact.email", "wechat": "contact.wechat",
    "letter": "contact.letter", "visit": "visit.order", "court": "court.filing",
}  # fmt: skip


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_stop_of_a_channel_lets_every_other_channel_out(db, channel):
    ids = {name: (await start(db, kind=kind))[0] for name, kind in KINDS.items()}
    also = (await start(db, kind="legal.letter"))[0]
    await stop(db, Filter(channel=channel))
    held = {ids[channel]} | ({also} if channel == "letter" else set())
    assert set(await claim(db)) == {*ids.values(), also} - held


@pytest.mark.parametrize(
    ("what", "held"),
    [
        (Filter(region="310000"), {"shanghai", "shanghai email"}),
        (Filter(template="sms.overdue"), {"shanghai", "beijing"}),
        (Filter(channel="sms", region="310000"), {"shanghai"}),
        (Filter(channel="email", template="sms.overdue"), set()),
        (Filter(template="court.filing"), {"court"}),
        (Filter(provider="sandbox"), {"shanghai", "beijing", "shanghai email", "court"}),
        (Filter(provider="another"), set()),
    ],
)
async def test_a_stop_holds_what_all_its_filters_match(db, what, held):
    made = {
        "shanghai": await start(db, region="310000", template="sms.overdue"),
        "beijing": await start(db, region="110000", template="sms.overdue"),
        "shanghai email": await start(
            db, kind="contact.email", region="310000", template="email.final"
        ),
        "court": await start(db, kind="court.filing"),
    }
    await stop(db, what)
    claimed = await claim(db)
    assert {name for name, (id_,) in made.items() if id_ not in claimed} == held


async def test_two_stops_hold_until_both_are_ended(db):
    await start(db)
    one, two = await stop(db, Filter(channel="sms")), await stop(db, at=START + SECOND)
    await resume(db, one.stop_id)
    assert await claim(db) == []
    await resume(db, two.stop_id)
    assert len(await claim(db)) == 1


async def test_many_held_effects_do_not_hide_those_behind_them(db):
    await start(db, 50)
    (letter,) = await start(db, kind="contact.letter", at=START + SECOND)
    await stop(db, Filter(channel="sms"))
    assert await claim(db, START + SECOND, limit=5) == [letter]


async def test_what_is_held_expires_with_its_window(db):
    (id_,) = await start(db)
    await stop(db)
    assert await due(db, START + days(2)) == []
    assert [row.effect_id for row in await due(db, START + days(3))] == [id_]


async def test_without_its_row_the_switch_lets_nothing_leave(db):
    await start(db)
    await db.run("DELETE FROM switch")
    try:
        with pytest.raises(SwitchMissing):
            await claim(db)
        with pytest.raises(SwitchMissing):
            await stop(db)
    finally:
        await db.run("INSERT INTO switch DEFAULT VALUES")
    assert len(await claim(db)) == 1


async def test_what_stands_is_told(db):
    stopped = await stop(db, Filter(channel="sms", region="310000"))
    async with db.engine.connect() as connection:
        found = await controls.standing(connection)
    (standing,) = found.stops
    assert standing.stop_id == stopped.stop_id
    assert str(standing.filter) == "channel sms, region 310000"
    assert (found.fuses, found.mass_failure) == ((), None)


@pytest.mark.parametrize("attempt", range(10))
async def test_nothing_is_claimed_after_a_stop_returned(db, shell_database, attempt):
    """Twenty tasks claim small lots without a pause, over connections of their own, while the stop comes."""
    await start(db, 600)
    engine = engine_for(shell_database, "scheduler", pool_size=20)
    many = Database(engine)
    claimed: list[str] = []
    stopping = asyncio.Event()

    rounds = 0

    async def keep_claiming() -> None:
        nonlocal rounds
        while not stopping.is_set():
            rounds += 1
            claimed.extend(await claim(many, limit=7))

    tasks = [asyncio.create_task(keep_claiming()) for _ in range(20)]
    async with asyncio.timeout(30):
        while len(claimed) < 30 * attempt + 10:  # noqa: ASYNC110  the tasks do not know how many there are
            await asyncio.sleep(0)
        stopped = await stop(db)
        at_return = {
            row[0]
            for row in await db.rows("SELECT effect_id FROM effects WHERE status = 'sending'")
        }
        assert {each.effect_id for each in stopped.sending} == at_return
        before = len(claimed)
        enough = rounds + 60
        while rounds < enough:  # noqa: ASYNC110  three more rounds of each
            await asyncio.sleep(0)
    stopping.set()
    await asyncio.gather(*tasks)
    await engine.dispose()
    after = {
        row[0] for row in await db.rows("SELECT effect_id FROM effects WHERE status = 'sending'")
    }
    assert after == at_return
    assert 0 < before <= len(at_return) < 600, "it came in the middle"
    assert len(claimed) == len(set(claimed)), "nothing is claimed twice"
