"""Who is forgotten cannot be read any more, whatever comes later; what was decided for them stays proven."""

import asyncio

import pytest

from shared.audit.acts import acts_of
from shared.border import PointValue
from shared.db import engine_for
from shared.events.registry import SERVICES
from shared.messaging import quarantine
from shared.messaging.decode import Broken
from shared.messaging.recorded import replay_recorded
from shared.messaging.records import Record
from shared.messaging.shell import Shell
from shared.privacy.forgetting import StillOpen, forget, lift
from shared.privacy.owner import owner_engine
from shared.testing import START, fact
from shared.vault import Deposit, Forgotten, VaultReader, VaultWriter
from tests.database.ledger import ledger
from tests.database.support import BY, KEYS, PARTITIONS, Database, always, missed, received, record
from tests.database.test_following import PHONE, point, updated

WHO = {"by": "u-1", "reason": "asked for by the customer", "at": START}


class Office:
    """Scheduler and notifier on one database, and the owner of both."""

    def __init__(self, url, clock):
        self.owner = owner_engine(url)
        self.lead = Database(engine_for(url, "scheduler"))
        self.vault = Database(engine_for(url, "notifier"))
        options = {"keys": KEYS, "partitions": PARTITIONS}
        self.scheduler = Shell(ledger(name="scheduler"), self.lead.engine, clock, **options)
        reactor = ledger(name="notifier", reacts_to=frozenset({"provider.receipt"}))
        writer = VaultWriter(KEYS)
        self.notifier = Shell(reactor, self.vault.engine, clock, vault=writer, **options)
        self.offset = 0

    async def hear(self, data):
        self.offset += 1
        found = record(fact(data, START, event_id=f"E{self.offset}"), self.offset)
        for shell in (self.scheduler, self.notifier):
            await shell.handle([found], fresh=always)

    async def value(self):
        return await VaultReader(KEYS, self.vault.engine).value("C1", "P1")

    async def forget(self, **options):
        return await forget(self.owner, SERVICES, "C1", **WHO, **options)

    async def close(self):
        for engine in (self.owner, self.lead.engine, self.vault.engine):
            await engine.dispose()


@pytest.fixture
async def office(database, clock):
    found = Office(database, clock)
    await found.hear(updated(point()))
    await found.hear(updated(point("13900139000"), customer="C2"))
    yield found
    await found.close()


async def test_a_forgotten_person_is_unreadable_and_the_decisions_stay_proven(office):
    broken = Broken(
        Record("core-banking", 0, 99, b"C1", PHONE.encode()), "bad_json", "", "no", "C1"
    )
    for db in (office.lead, office.vault):
        async with db.engine.begin() as tx:
            await quarantine.put_broken(tx, broken, KEYS, "1", START)
    inbox = await office.lead.rows("SELECT * FROM inbox ORDER BY customer_id, case_seq")
    done = await office.forget()
    assert (done.points, done.quarantined) == (1, 2)
    assert await office.value() is None
    assert await VaultReader(KEYS, office.vault.engine).holders("mobile", PHONE, "CN") == []
    assert await VaultReader(KEYS, office.vault.engine).value("C2", "P1") == "13900139000"
    for db in (office.lead, office.vault):
        ((entry,),) = await db.rows("SELECT id FROM quarantine")
        async with db.engine.connect() as connection:
            with pytest.raises(Forgotten):
                await quarantine.content(connection, KEYS, entry)
    assert await office.lead.rows("SELECT * FROM inbox ORDER BY customer_id, case_seq") == inbox
    assert await replay_recorded(office.lead.engine, ledger(name="scheduler")) == []
    async with office.vault.engine.connect() as connection:
        (act,) = await acts_of(connection, "C1")
    assert (act.act, act.actor, act.detail) == ("forget", "u-1", '{"points":1,"quarantined":2}')
    assert (await office.forget()).points == 0


async def test_the_ciphertext_that_a_backup_still_holds_does_not_open_without_its_key(office):
    row = (await office.vault.rows("SELECT * FROM vault.points WHERE customer_id = 'C1'"))[0]
    await office.forget()
    columns = "customer_id, point_id, kind, value, time, event_id, lookup"
    names = [f"v{n}" for n in range(len(row))]
    await office.vault.run(
        f"INSERT INTO vault.points ({columns}) VALUES ({', '.join(':' + name for name in names)})",
        **dict(zip(names, row, strict=True)),
    )
    with pytest.raises(Forgotten):
        await office.value()


async def test_what_core_banking_tells_later_is_not_stored_until_somebody_lifts_it(office):
    await office.forget()
    await office.hear(updated(point("13800138005")))
    assert await office.value() is None
    assert await office.vault.one("SELECT count(*) FROM vault.points WHERE customer_id = 'C1'") == 0
    async with office.vault.engine.begin() as tx:
        found = Broken(Record("core-banking", 0, 98, b"C1", b"x"), "bad_json", "", "no", "C1")
        await quarantine.put_broken(tx, found, KEYS, "1", START)
    assert await office.vault.one("SELECT sealed FROM quarantine") == b""
    assert await lift(office.owner, "C1", **WHO)
    assert await office.value() is None
    await office.hear(updated(point("13800138006")))
    assert await office.value() == "13800138006"
    assert not await lift(office.owner, "C1", **WHO)


async def test_nobody_is_forgotten_in_the_middle_of_a_collection(office):
    await office.hear(missed("C1"))
    with pytest.raises(StillOpen, match="owing"):
        await office.forget()
    assert await office.value() == PHONE
    assert (await office.forget(even_if_open=True)).points == 1
    with pytest.raises(LookupError):
        await forget(office.owner, SERVICES, "C9", **WHO)


async def test_a_parked_customer_who_was_forgotten_is_released_by_discarding(office):
    broken = Record("core-banking", 0, 77, b"C1", b"{", (("ce_type", b"payment.missed"),))
    await office.scheduler.handle([broken], fresh=always)
    await office.hear(received("C1"))
    await office.forget(even_if_open=True)
    stopped = await office.scheduler.releases.customer("C1", BY)
    assert "was forgotten" in stopped.error
    assert (await office.scheduler.releases.customer("C1", BY, discard=True)).left == 0


async def test_deposits_and_a_forgetting_that_meet_leave_nothing_behind(office):
    writer, engine = VaultWriter(KEYS), office.vault.engine

    async def store(customer, number):
        async with engine.begin() as tx:
            values = (PointValue(f"P{number}", "mobile", f"138{number:08}", "CN"),)
            await writer.store(tx, [Deposit(customer, START, "E", values)])

    for round_ in range(25):
        customer = f"N{round_}"
        if round_ % 2:
            await store(customer, 0)
        else:
            await office.hear(missed(customer))
        await asyncio.gather(
            *(store(customer, n) for n in range(1, 6)),
            forget(office.owner, SERVICES, customer, even_if_open=True, **WHO),
        )
        left = await office.vault.one(
            "SELECT count(*) FROM vault.points WHERE customer_id = :c", c=customer
        )
        assert left == 0
