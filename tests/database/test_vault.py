"""The vault with a key per customer: found by hash, sealed to its row, rotated under load."""

import asyncio
import os
from datetime import timedelta

import pytest
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from shared.border import PointValue
from shared.db import engine_for
from shared.events.registry import SERVICES
from shared.messaging import quarantine
from shared.messaging.decode import Broken
from shared.messaging.records import Record
from shared.privacy.owner import owner_engine
from shared.testing import START, fact
from shared.vault import Deposit, Keys, SealBroken, VaultReader, VaultWriter
from shared.vault.keys import place
from shared.vault.rotation import rotate
from tests.database.support import Database, always, record
from tests.database.test_following import point, updated

OLD, NEW, HASH = b"o" * 32, b"n" * 32, Keys(b"o" * 32).hash_key
BEFORE = Keys(OLD)
BETWEEN = Keys(OLD, [NEW], HASH)
DURING = Keys(NEW, [OLD], HASH)
AFTER = Keys(NEW, hash_key=HASH)


@pytest.fixture
async def vault(database):
    found = Database(engine_for(database, "notifier"))
    found.owner = owner_engine(database)
    yield found
    await found.engine.dispose()
    await found.owner.dispose()


def sealed_before_keys(first, where, plain):
    """Seal under the master as it was done at first, without a version, with a nonce that begins so."""
    (cipher,) = BEFORE._ciphers.values()  # noqa: SLF001
    nonce = first + os.urandom(11)
    return nonce + cipher.encrypt(nonce, plain, where)


async def store(db, keys, customer, value, *, kind="mobile", point_id="P1", at=START, country="CN"):
    async with db.engine.begin() as tx:
        values = (PointValue(point_id, kind, value, country),)
        await VaultWriter(keys).store(tx, [Deposit(customer, at, f"E{at}", values)])


@pytest.mark.parametrize(
    ("kind", "stored", "asked"),
    [
        ("mobile", "138 0013 8000", "+8613800138000"),
        ("landline", "+86 (21) 5555-0100", "021 55550100"),
        ("mobile", "１３８００１３８０００", "0086-13800138000"),
        ("email", " Li.Wei@Example.COM ", "li.wei@example.com"),
        ("wechat", "LiWei_88", "liwei_88"),
        ("postal", "上海市  静安区 1号", "上海市 静安区 1号"),
    ],
)
async def test_a_value_is_found_however_it_was_typed(vault, kind, stored, asked):
    await store(vault, BEFORE, "C1", stored, kind=kind)
    await store(vault, BEFORE, "C2", stored, kind=kind, point_id="P7")
    await store(vault, BEFORE, "C3", "nothing like it", kind=kind)
    reader = VaultReader(BEFORE, vault.engine)
    assert await reader.holders(kind, asked, "CN") == [("C1", "P1"), ("C2", "P7")]
    assert await VaultReader(AFTER, vault.engine).holders(kind, asked, "CN") != []
    assert await VaultReader(Keys(NEW), vault.engine).holders(kind, asked, "CN") == []


async def test_each_customer_has_one_key_and_the_values_differ(vault):
    await store(vault, BEFORE, "C1", "13800138000")
    await store(vault, BEFORE, "C1", "13800138000", point_id="P2")
    await store(vault, BEFORE, "C2", "13800138000")
    assert await vault.one("SELECT count(*) FROM vault.keys") == 2
    assert await vault.one("SELECT count(DISTINCT value) FROM vault.points") == 3
    assert await vault.one("SELECT count(DISTINCT wrapped) FROM vault.keys") == 2


async def test_one_batch_takes_one_look_at_the_keys_and_one_insert_of_the_missing(vault):
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement.split()[0])

    sqlalchemy.event.listen(vault.engine.sync_engine, "before_cursor_execute", note)
    deposits = [
        Deposit(f"C{n}", START, "E1", (PointValue("P1", "mobile", f"138{n:08}", "CN"),))
        for n in range(500)
    ]
    for expected in (["SELECT", "INSERT", "INSERT"], ["SELECT", "INSERT"]):
        statements.clear()
        async with vault.engine.begin() as tx:
            await VaultWriter(BEFORE).store(tx, deposits)
        assert statements == expected


async def test_b2_26_a_ciphertext_that_was_moved_is_detected(vault):
    """B.2 26: swap ciphertext between rows and between customers, values and wrapped keys: each is detected."""
    await store(vault, BEFORE, "C1", "13800138001")
    await store(vault, BEFORE, "C1", "13800138002", point_id="P2")
    await store(vault, BEFORE, "C2", "13800138003")
    reader = VaultReader(BEFORE, vault.engine)
    swap = """
        UPDATE vault.points AS one SET value = other.value FROM vault.points AS other
        WHERE (one.customer_id, one.point_id, other.customer_id, other.point_id)
            IN (('C1', 'P1', :customer, :point), (:customer, :point, 'C1', 'P1'))
    """
    for customer, point_id in (("C1", "P2"), ("C2", "P1")):
        await vault.run(swap, customer=customer, point=point_id)
        for at in (("C1", "P1"), (customer, point_id)):
            with pytest.raises(SealBroken):
                await reader.value(*at)
        await vault.run(swap, customer=customer, point=point_id)
        assert await reader.value("C1", "P1") == "13800138001"
    await vault.run("""
        UPDATE vault.keys AS one SET wrapped = other.wrapped FROM vault.keys AS other
        WHERE one.customer_id <> other.customer_id
    """)
    for customer in ("C1", "C2"):
        with pytest.raises(SealBroken):
            await reader.value(customer, "P1")


@pytest.mark.parametrize("first", [b"\x00", b"\x02", b"\x03"])
async def test_what_was_sealed_before_customers_had_keys_still_opens_and_is_brought_over(
    vault, first
):
    await store(vault, BEFORE, "C1", "13800138000")
    old = sealed_before_keys(first, place("points", "value", "C1\x1fP1"), b"13800138009")
    await vault.run("UPDATE vault.points SET value = :old, lookup = NULL", old=old)
    assert await VaultReader(BEFORE, vault.engine).value("C1", "P1") == "13800138009"
    done = await rotate(vault.owner, DURING, SERVICES)
    assert (done.keys, done.points) == (1, 1)
    assert await VaultReader(AFTER, vault.engine).value("C1", "P1") == "13800138009"
    assert await rotate(vault.owner, DURING, SERVICES) == type(done)(0, 0, 0)


async def test_quarantined_records_are_rotated_too(vault):
    async with vault.engine.begin() as tx:
        for offset, customer in enumerate(["", "C1"]):
            found = Record("core-banking", 0, offset, b"k", b"broken")
            broken = Broken(found, "bad_json", "", "no JSON", customer)
            await quarantine.put_broken(tx, broken, BEFORE, "1", START)
    done = await rotate(vault.owner, DURING, SERVICES)
    assert (done.keys, done.quarantined) == (1, 1)
    for id_ in await vault.rows("SELECT id FROM quarantine"):
        async with vault.engine.connect() as connection:
            found = await quarantine.content(connection, AFTER, *id_)
            assert found.value == b"broken"
            with pytest.raises(SealBroken):
                await quarantine.content(connection, BEFORE, *id_)
    assert await rotate(vault.owner, DURING, SERVICES) == type(done)(0, 0, 0)


async def test_rotation_names_a_master_that_nobody_gave_it(vault):
    await store(vault, BEFORE, "C1", "13800138000")
    with pytest.raises(SealBroken, match="ARREARS_VAULT_OLD_KEYS"):
        await rotate(vault.owner, AFTER, SERVICES)
    assert await VaultReader(BEFORE, vault.engine).value("C1", "P1") == "13800138000"


CUSTOMERS = 3000


class Load:
    """Writes and reads without end, until told to stop; keeps what went wrong."""

    def __init__(self, engine):
        self.engine = engine
        self.over = asyncio.Event()
        self.errors = []
        self.reads = self.rounds = 0

    async def write(self, keys):
        while not self.over.is_set():
            self.rounds += 1
            chosen = [(self.rounds * 37 + n * 11) % (CUSTOMERS + 500) for n in range(200)]
            try:
                async with self.engine.begin() as tx:
                    await VaultWriter(keys).store(tx, deposits(chosen, self.rounds))
            except (SealBroken, SQLAlchemyError) as error:
                self.errors.append(error)

    async def read(self, keys):
        reader = VaultReader(keys, self.engine)
        while not self.over.is_set():
            self.reads += 1
            try:
                value = await reader.value(f"C{self.reads % CUSTOMERS}", "P1")
                assert value[:3] == "138"
            except (SealBroken, SQLAlchemyError) as error:
                self.errors.append(error)

    async def turn(self, url):
        """Rotate forwards and back until there was enough of both."""
        owner = owner_engine(url)
        turned = 0
        try:
            while self.reads < 300 or self.rounds < 20 or turned < 5 * CUSTOMERS:
                turned += (await rotate(owner, DURING, SERVICES)).keys
                turned += (await rotate(owner, BETWEEN, SERVICES)).keys
            await rotate(owner, DURING, SERVICES)
        finally:
            self.over.set()
            await owner.dispose()


async def test_b2_26_a_rotation_under_load_meets_no_error(vault, database):
    """B.2 26: re-wrap 3,000 customers' keys again and again while others write and read: 0 errors."""
    for start in range(0, CUSTOMERS, 500):
        async with vault.engine.begin() as tx:
            await VaultWriter(BEFORE).store(tx, deposits(range(start, start + 500), 0))
    load = Load(vault.engine)
    # A roll-out: all processes know both keys, and some have the new one as their own already.
    await asyncio.gather(
        load.turn(database),
        load.write(DURING), load.write(BETWEEN), load.read(BETWEEN), load.read(DURING),
    )  # fmt: skip
    assert load.errors == []
    done = await rotate(vault.owner, DURING, SERVICES)
    assert done.points == 0
    assert await vault.one("SELECT count(DISTINCT master) FROM vault.keys") == 1
    reader = VaultReader(AFTER, vault.engine)
    for n in range(0, CUSTOMERS, 50):
        assert (await reader.value(f"C{n}", "P1"))[:3] == "138"


def deposits(numbers, serial):
    at = START + timedelta(seconds=serial)
    return [
        Deposit(f"C{n}", at, "E1", (PointValue("P1", "mobile", f"138{n:04}{serial:04}", "CN"),))
        for n in numbers
    ]


async def test_b2_26_a_repeat_after_a_rotation_is_no_reuse(make_shell, db):
    """B.2 26: the digest of a payload is the same under the new master, so that what is sent again is a repeat."""
    event = fact(updated(point()), event_id="E1")
    assert (await make_shell(keys=BEFORE).handle([record(event, 0)], fresh=always)).decided == 1
    again = await make_shell(keys=DURING).handle([record(event, 1)], fresh=always)
    assert (again.repeated, again.quarantined) == (1, 0)
    forgot_the_hash_key = await make_shell(keys=Keys(NEW)).handle([record(event, 2)], fresh=always)
    assert forgot_the_hash_key.quarantined == 1
    assert await db.one("SELECT reason FROM quarantine") == "id_reused"
