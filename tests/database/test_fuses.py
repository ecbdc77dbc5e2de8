"""Fuses on a real database: the cap is never passed, the norm is that of comparable hours, and a person releases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import structlog

from shared.db import engine_for
from shared.messaging import controls, effect_rows, fuses
from shared.messaging.claims import Claims
from shared.messaging.fuses import CAPS, OFF, Limits
from shared.settings import Settings
from shared.testing import START, days
from tests.database.effects_made import claim, clear_controls, due, start
from tests.database.support import Database

HOUR = timedelta(hours=1)
THIS = fuses.hour_of(START)


@pytest.fixture(autouse=True)
async def _clean(db: Database) -> AsyncIterator[None]:
    await clear_controls(db)
    yield
    await clear_controls(db)


def cap(count: int) -> Limits:
    return Limits(caps={"sms": count, "letter": 1000}, factor=0)


async def tripped(db):
    async with db.engine.connect() as connection:
        return (await controls.standing(connection)).fuses


async def release(db, channel="sms", at=START, hours=1):
    async with db.engine.begin() as tx:
        return await fuses.release(tx, channel, reason="seen", by="op-1", at=at, hours=hours)


async def departed(db, channel="sms", hour=THIS, count=None):
    if count is None:
        rows = await db.rows(
            "SELECT count FROM departures WHERE channel = :c AND hour = :h", c=channel, h=hour
        )
        return rows[0][0] if rows else 0
    return await db.run(
        "INSERT INTO departures (channel, hour, count) VALUES (:c, :h, :n)",
        c=channel,
        h=hour,
        n=count,
    )


async def test_what_the_cap_allows_leaves_and_then_the_fuse_trips(db):
    await start(db, 5)
    with structlog.testing.capture_logs() as logs:
        assert len(await claim(db, limits=cap(3))) == 3
    (fuse,) = await tripped(db)
    assert (fuse.filter.channel, fuse.cause, fuse.departed, fuse.allowed) == ("sms", "cap", 3, 3)
    assert [line["event"] for line in logs] == ["fuse_tripped"]
    (letter,) = await start(db, kind="contact.letter")
    assert await claim(db, limits=cap(1000)) == [letter], (
        "it holds by itself, whatever the limit is now"
    )


async def test_exactly_the_cap_does_not_trip(db):
    await start(db, 3)
    assert len(await claim(db, limits=cap(3))) == 3
    assert await claim(db, limits=cap(3)) == []
    assert await tripped(db) == ()


async def test_a_released_cap_stays_used_up_for_its_hour_without_another_alarm(db):
    await start(db, 5)
    await claim(db, limits=cap(3))
    assert (await release(db)).cause == "cap"
    assert await claim(db, START + timedelta(minutes=1), limits=cap(3)) == []
    assert await tripped(db) == ()
    assert len(await claim(db, START + HOUR, limits=cap(3))) == 2


async def test_without_a_tripped_fuse_there_is_nothing_to_release(db):
    assert await release(db) is None


@pytest.mark.parametrize("workers", [2, 8])
async def test_several_workers_together_never_pass_the_cap(db, shell_database, workers):
    await start(db, 300)
    engine = engine_for(shell_database, "scheduler", pool_size=workers)
    many = Database(engine)

    together = asyncio.Barrier(workers)
    claims = Claims(engine, "scheduler", "sandbox", cap(101))

    async def in_small_lots(nth: int) -> int:
        count = 0
        for _ in range(30):
            rows = await due(many, START)
            await together.wait()
            count += len(await claims.take(rows[nth::workers][:9], START))
        return count

    counts = await asyncio.gather(*(in_small_lots(nth) for nth in range(workers)))
    await engine.dispose()
    assert sum(counts) == 101
    assert all(counts), "each took part"
    assert await departed(db) == 101
    assert len(await tripped(db)) == 1


async def test_what_never_left_gives_its_place_back(db):
    await start(db, 2)
    rows = await due(db, START)
    taken = await claim(db, limit=1, limits=cap(1))
    async with db.engine.begin() as tx:
        mine = [row for row in await effect_rows.sending(tx, range(4)) if row.effect_id in taken]
        await effect_rows.put_back(tx, mine, START + HOUR)
        await effect_rows.put_back(tx, mine, START + HOUR)
    assert await departed(db) == 0
    assert len(await claim(db, limit=1, limits=cap(1))) == 1
    assert len(rows) == 2


async def history(db, per_hour, *, day_count=3, at=THIS):
    for day in range(1, day_count + 1):
        await departed(db, hour=at - days(day), count=per_hour)


NORM = Limits(caps={}, factor=2, floor=3)


@pytest.mark.parametrize(
    ("shift", "leave"),
    [(timedelta(0), 8), (HOUR, 8), (-HOUR, 8), (3 * HOUR, 3)],
    ids=["same hour", "next hour", "hour before", "another time of day: the floor"],
)
async def test_the_norm_is_the_busiest_comparable_hour_of_14_days(db, shift, leave):
    await history(db, 4, at=THIS + shift)
    await departed(db, hour=THIS - days(15), count=1000)
    await start(db, 20)
    assert len(await claim(db, limits=NORM)) == leave
    (fuse,) = await tripped(db)
    assert (fuse.cause, fuse.allowed) == ("norm", leave)


async def test_with_less_than_three_days_of_history_there_is_no_norm(db):
    await history(db, 4, day_count=2)
    await start(db, 20)
    assert len(await claim(db, limits=NORM)) == 20


async def test_a_released_norm_does_not_hold_for_the_hours_that_the_person_gave(db):
    await history(db, 4)
    await start(db, 20)
    assert len(await claim(db, limits=NORM)) == 8
    await release(db, hours=2)
    assert len(await claim(db, limits=NORM)) == 12
    await start(db, 20)
    assert len(await claim(db, START + HOUR, limits=NORM)) == 20
    await start(db, 20)
    assert len(await claim(db, START + 2 * HOUR, limits=NORM)) < 20


async def test_a_released_norm_leaves_the_cap_in_force(db):
    await history(db, 4)
    await start(db, 20)
    both = Limits(caps={"sms": 10}, factor=2, floor=3)
    assert len(await claim(db, limits=both)) == 8
    await release(db)
    assert len(await claim(db, limits=both)) == 2
    assert [fuse.cause for fuse in await tripped(db)] == ["cap"]


async def test_observing_counts_nothing_and_trips_nothing(db):
    await start(db, 5)
    assert len(await claim(db, limits=cap(1), observe=True)) == 5
    assert await departed(db) == 0
    assert await tripped(db) == ()


async def test_the_overview_tells_each_channel(db):
    await history(db, 4)
    await start(db, 20)
    await claim(db, limits=NORM)
    async with db.engine.connect() as connection:
        lines = {each.channel: each for each in await fuses.overview(connection, NORM, START)}
    sms = lines["sms"]
    assert (sms.departed, sms.norm, sms.cap, sms.tripped.cause) == (8, 8, None, "norm")
    assert (lines["court"].departed, lines["court"].norm) == (0, None)


def test_settings_say_the_limits_and_stepped_time_has_only_caps_set_by_hand():
    assert Settings().limits() == Limits(CAPS, 3.0, 500)
    assert Settings(fuse_caps={"sms": 7}, fuse_factor=0).limits().cap("sms") == 7
    assert Settings(fuse_caps={"sms": 7}).limits().cap("court") == CAPS["court"]
    assert Settings(stepped=True).limits() == OFF
    assert Settings(stepped=True, fuse_caps={"sms": 7}).limits().cap("sms") == 7
