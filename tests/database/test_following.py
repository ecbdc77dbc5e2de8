"""What a service that follows the scheduler does with progress, with parked customers of others, and with the vault."""

from datetime import timedelta

import pytest

from shared.events.common import PROGRESS, CaseParked, CaseReleased
from shared.events.core_banking import ContactPoint, CustomerUpdated, Jurisdiction
from shared.messaging import effect_rows, progress
from shared.messaging.cloudevents import headers_of
from shared.messaging.records import Record
from shared.messaging.shell import Shell
from shared.testing import START, fact
from shared.vault import SealBroken, VaultReader, VaultWriter
from tests.database.ledger import ledger
from tests.database.support import KEYS, PARTITIONS, always, missed, record, records

PHONE = "13800138000"


def settled(partition: int, offset: int, *, topic: str = "scheduler") -> Record:
    value = b'{"offset":%d}' % offset
    return Record(topic, partition, 1, None, value, tuple(headers_of(PROGRESS, {})))


def updated(*points: ContactPoint, customer: str = "C1") -> CustomerUpdated:
    return CustomerUpdated(
        customer_id=customer, language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-SH",
        jurisdiction=Jurisdiction(country="CN"), contact_points=points,
    )  # fmt: skip


def point(value: str = PHONE, point_id: str = "P1") -> ContactPoint:
    return ContactPoint(point_id=point_id, kind="mobile", value=value, party="debtor")


@pytest.fixture
def follower(follower_db, clock):
    reactor = ledger(name="notifier", reacts_to=frozenset({"provider.receipt"}))
    shell = Shell(
        reactor,
        follower_db.engine,
        clock,
        keys=KEYS,
        partitions=PARTITIONS,
        vault=VaultWriter(KEYS),
    )
    return shell, follower_db


async def test_progress_of_the_scheduler_is_kept_and_never_falls_back(follower):
    shell, db = follower
    await shell.handle([settled(1, 10), settled(2, 5), settled(1, 7)], fresh=always)
    await shell.handle([settled(1, 9), settled(3, 99, topic="legal")], fresh=always)
    async with db.engine.connect() as connection:
        assert await progress.settled(connection) == {1: 10, 2: 5}
    assert await db.rows("SELECT * FROM outbox") == []


async def test_a_customer_parked_elsewhere_is_neither_ticked_nor_acted_for(shell, db):
    await shell.handle(records(missed()), fresh=always)
    parked = CaseParked(customer_id="C1", service="legal", reason="decide_raised")
    note = record(fact(parked), 0, topic="legal")
    await shell.handle([note, note], fresh=always)
    await shell.handle(records(missed(instalment="I2"), start=3), fresh=always)
    later = START + timedelta(days=9)
    assert (await shell.tick_due(later, None, fresh=always)).decided == 0
    assert (await shell.tick_step(later)).decided == 0
    async with db.engine.begin() as tx:
        every = range(PARTITIONS)
        assert await effect_rows.due(tx, START, every, 10) == []
        ids = [row[0] for row in await db.rows("SELECT effect_id FROM effects")]
        assert await effect_rows.claim(tx, ids, START) == ([], [])
    released = fact(CaseReleased(customer_id="C1", service="legal"), START + timedelta(seconds=1))
    await shell.handle([record(released, 1, topic="legal")], fresh=always)
    await shell.handle([note], fresh=always)
    assert await db.one("SELECT parked_by FROM cases") == []
    async with db.engine.connect() as connection:
        assert [row.effect_id for row in await effect_rows.due(connection, START, every, 10)] == ids


async def test_values_go_to_the_vault_and_nowhere_else(follower):
    shell, db = follower
    await shell.handle(records(updated(point())), fresh=always)
    reader = VaultReader(KEYS, db.engine)
    assert await reader.value("C1", "P1") == PHONE
    assert await reader.value("C1", "P2") is None
    assert await db.rows("SELECT * FROM inbox") == []
    sealed = await db.one("SELECT value FROM vault.points")
    assert PHONE.encode() not in sealed


@pytest.mark.parametrize("first", ["old", "new"])
async def test_the_later_value_wins_whatever_the_order(follower, first):
    shell, db = follower
    old = record(fact(updated(point("13800138001")), START), 0)
    new = record(fact(updated(point("13800138002")), START + timedelta(days=1)), 1)
    shell._clock.set(START + timedelta(days=2))  # noqa: SLF001
    for item in (old, new) if first == "old" else (new, old):
        await shell.handle([item], fresh=always)
    assert await VaultReader(KEYS, db.engine).value("C1", "P1") == "13800138002"


async def test_a_sealed_value_opens_in_its_own_row_only(follower):
    shell, db = follower
    await shell.handle(records(updated(point(), point("13800138002", "P2"))), fresh=always)
    await db.run(
        "UPDATE vault.points SET value = (SELECT value FROM vault.points WHERE point_id = 'P1')"
    )
    reader = VaultReader(KEYS, db.engine)
    assert await reader.value("C1", "P1") == PHONE
    with pytest.raises(SealBroken):
        await reader.value("C1", "P2")


async def test_behind_the_border_there_are_points_without_values(shell, db):
    await shell.handle(records(updated(point())), fresh=always)
    assert await db.rows("SELECT payload::jsonb->'contact_points'->0->>'zones' FROM inbox") == [
        ('["Asia/Shanghai"]',)
    ]
    everything = str(await db.contents())
    assert PHONE not in everything


async def test_another_value_under_the_same_id_is_a_reuse(shell, db):
    event = fact(updated(point()), event_id="E1")
    other = fact(updated(point("13900139000")), event_id="E1")
    await shell.handle([record(event, 0)], fresh=always)
    result = await shell.handle([record(event, 1), record(other, 2)], fresh=always)
    assert (result.repeated, result.quarantined) == (1, 1)
    assert await db.rows("SELECT reason FROM quarantine") == [("id_reused",)]
