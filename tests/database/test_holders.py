"""Numbers in several files, counted in a real vault: whoever shares is told, whoever leaves is missed, and all agree with the replay."""

import asyncio
import random
from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.notifier.service import NOTIFIER
from shared.border import strip_event
from shared.clock import SteppedClock
from shared.db import engine_for
from shared.events.core_banking import CustomerMerged
from shared.events.registry import SERVICES
from shared.messaging.onward import Onward
from shared.messaging.shell import Shell
from shared.portfolio import generate
from shared.privacy.forgetting import forget, lift
from shared.privacy.owner import owner_engine
from shared.replay import sharing
from shared.testing import START, fact
from shared.vault import VaultWriter
from tests.database.support import KEYS, PARTITIONS, Database, always, cut, record
from tests.database.test_following import point, updated
from tests.database.test_services import equal_to_the_replay

ONE, TWO = "13800138000", "13900139000"


@pytest.fixture
async def notifier(follower_db, clock):
    await follower_db.run("DELETE FROM vault.files")
    await follower_db.run("DELETE FROM vault.holders")
    return Notifier(follower_db, clock)


class Notifier:
    """Two members with the vault, and the facts that they tell themselves."""

    def __init__(self, db: Database, clock: SteppedClock) -> None:
        self.db = db
        self.shells = [
            Shell(
                NOTIFIER,
                db.engine,
                clock,
                keys=KEYS,
                partitions=PARTITIONS,
                vault=VaultWriter(KEYS),
            )
            for _ in range(2)
        ]
        self.tellers = [
            Onward(shell, db.engine, fresh=always, told=lambda: None, too_new=lambda _: None)
            for shell in self.shells
        ]

    async def hear(self, *events, member: int = 0) -> None:
        """Take records of core banking in, and tell the cases what follows."""
        await self.shells[member].handle(
            [record(event, n) for n, event in enumerate(events)], fresh=always
        )
        await self.settle()

    async def settle(self) -> None:
        while any(await asyncio.gather(*(teller.once() for teller in self.tellers))):
            pass

    async def told(self) -> list[tuple]:
        """What was published of shared points, and nothing is left to be told."""
        assert await self.db.rows("SELECT * FROM onward") == []
        return await self.db.rows("""
            SELECT aggregateid, payload::json->>'point_id', (payload::json->>'k')::int, (payload::json->>'rank')::int
            FROM outbox WHERE type = 'contact_point.shared' ORDER BY id
        """)

    async def latest(self) -> dict[tuple, tuple]:
        return {(c, p): (k, rank) for c, p, k, rank in await self.told()}


def file(customer: str, hour: int, *values: str):
    points = [point(value, f"P{n}") for n, value in enumerate(values)]
    data = updated(*points, customer=customer)
    return fact(data, START - timedelta(hours=48 - hour), event_id=f"{customer} {hour}")


async def test_both_holders_are_told_the_older_first(notifier):
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, TWO, "138 0013 8000"))
    assert await notifier.told() == [("C1", "P0", 2, 0), ("C2", "P1", 2, 1)]
    assert (
        await notifier.db.rows("SELECT type, source FROM inbox WHERE type <> 'woken'")
        == [("contact_point.counted", "/vault")] * 2
    )
    for table in ("inbox", "outbox", "cases"):
        rows = await notifier.db.rows(f"SELECT * FROM {table}")
        assert "138001" not in str(rows)


async def test_said_again_nothing_is_told(notifier):
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, ONE))
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, ONE), file("C2", 2, ONE), member=1)
    assert len(await notifier.told()) == 2


async def test_a_number_that_leaves_a_file_raises_the_others_share(notifier):
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, ONE), file("C3", 2, ONE))
    await notifier.hear(file("C1", 3))
    assert await notifier.latest() == {
        ("C1", "P0"): (1, 0), ("C2", "P0"): (2, 0), ("C3", "P0"): (2, 1),
    }  # fmt: skip
    await notifier.hear(file("C2", 4, TWO))
    assert (await notifier.latest())["C2", "P0"] == (1, 0)
    assert (await notifier.latest())["C3", "P0"] == (1, 0)


async def test_an_older_record_changes_nothing(notifier):
    await notifier.hear(file("C1", 5, ONE), file("C2", 6, TWO))
    await notifier.hear(file("C2", 2, ONE))
    assert await notifier.told() == []


async def test_a_record_that_ends_in_another_holds_nothing_any_more(notifier):
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, ONE))
    merged = CustomerMerged(customer_id="C2", from_customer_id="C1")
    await notifier.hear(fact(merged, START - timedelta(hours=40)))
    assert await notifier.latest() == {("C1", "P0"): (1, 0), ("C2", "P0"): (1, 0)}


async def test_who_is_forgotten_is_not_counted_any_more(notifier, shell_database):
    await notifier.hear(file("C1", 0, ONE), file("C2", 1, ONE))
    owner = owner_engine(shell_database)
    try:
        words = {"by": "u-1", "reason": "asked for it", "at": START}
        await forget(owner, SERVICES, "C1", **words)
        await notifier.settle()
        assert await notifier.latest() == {("C1", "P0"): (1, 0), ("C2", "P0"): (1, 0)}
        assert await notifier.db.rows("SELECT customer_id FROM vault.holders") == [("C2",)]
        await notifier.hear(file("C1", 3, ONE))
        assert (await notifier.latest())["C2", "P0"] == (1, 0)
        await lift(owner, "C1", **words)
    finally:
        await owner.dispose()
    await notifier.hear(file("C1", 4, ONE))
    assert await notifier.latest() == {("C1", "P0"): (2, 1), ("C2", "P0"): (2, 0)}


@pytest.mark.parametrize("seed", range(4))
async def test_members_that_meet_over_one_number_miss_nobody_and_agree_with_the_replay(
    notifier, seed
):
    dice = random.Random(seed)
    names = [f"C{n}" for n in range(8)]
    numbers = [f"1380013800{n}" for n in range(5)]
    events = [
        file(dice.choice(names), hour, *dice.sample(numbers, dice.randrange(3)))
        for hour in range(40)
    ]
    rounds = []
    for shell in notifier.shells:
        mixed = [record(event, n) for n, event in enumerate(events)]
        dice.shuffle(mixed)
        rounds.append([shell.handle(batch, fresh=always) for batch in cut(mixed, [4, 1, 6])])
    async with asyncio.timeout(60):
        for batches in zip(*rounds, strict=True):
            await asyncio.gather(*batches)
        await notifier.settle()
    records = [sharing.record_of(*strip_event(event)) for event in events]
    last = {
        (customer, event.data.point_id): event.data.k
        for customer, facts in sharing.facts(records).items()
        for event in facts
    }
    shared = {place for place, k in last.items() if k > 1}
    held = await notifier.db.rows("SELECT customer_id, point_id, k FROM vault.holders")
    assert {(c, p): k for c, p, k in held if k > 1} == {place: last[place] for place in shared}
    told = await notifier.latest()
    assert {place for place, (k, _) in told.items() if k > 1} == shared
    oldest: dict[tuple, int] = {}
    for lookup, rank in await notifier.db.rows("SELECT lookup, rank FROM vault.holders"):
        oldest[lookup] = oldest.get(lookup, 0) + (rank == 0)
    assert set(oldest.values()) <= {1}


async def test_a_life_in_which_numbers_are_shared_equals_its_replay(shell_database):
    engine = engine_for(shell_database, "notifier")
    db = Database(engine)
    await db.run("DELETE FROM vault.files")
    await db.run("DELETE FROM vault.holders")
    await engine.dispose()
    events = []
    for event in generate(5, 90, 3):
        data = event.data
        if event.type == "customer.updated":
            points = tuple(
                replace(each, value=ONE) if each.kind == "mobile" else each
                for each in data.contact_points
            )
            event = replace(event, data=replace(data, contact_points=points))  # noqa: PLW2901
        events.append(event)
    begin = min(event.time for event in events)
    names = sorted(
        {
            event.subject
            for event in events
            if event.type == "customer.updated"
            and any(each.kind == "mobile" for each in event.data.contact_points)
        }
    )
    merged = CustomerMerged(customer_id=names[0], from_customer_id=names[1])
    events.append(fact(merged, begin + timedelta(days=45)))
    events.sort(key=lambda event: event.time)
    published, _ = await equal_to_the_replay(shell_database, events, 3, with_vault=True)
    shared = [entry for entry in published if entry[3] == "contact_point.shared"]
    concerned = {entry[1] for entry in shared}
    assert len(concerned) > 3
    assert any(f'"k":{len(concerned)},' in entry[5] for entry in shared)
