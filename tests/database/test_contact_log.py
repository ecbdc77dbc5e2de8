"""The contact log: what left is written down before it leaves, and told with what became of it."""

from dataclasses import dataclass
from datetime import date

import pytest

from shared.cli.reconciling import COLUMNS, as_csv
from shared.contact_log import between, contacts_of
from shared.events.notifier import ProviderReceipt
from shared.messaging.effects import ClaimedEffect
from shared.messaging.made import recording
from shared.providers import ProviderRequest
from shared.testing import START, days, fact
from tests.database.support import KEYS, always, missed, records

DAY = date(2026, 3, 2)


@dataclass
class Texts:
    """What a service's prepare would answer."""

    text: str = "please pay"

    async def prepare(self, effect, _):
        if not self.text:
            return None
        content = {"text": self.text}
        return ProviderRequest(effect.kind, "+86", content, template="sms.first", version="v1")


async def left(shell, db, texts):
    """An effect that was rendered, and left at START."""
    await shell.handle(records(missed()), fresh=always)
    ((effect_id, kind),) = await db.rows("SELECT effect_id, kind FROM effects")
    effect = ClaimedEffect(effect_id, "C1", kind, {}, START, START + days(1))
    prepared = await recording(texts.prepare, db.engine, KEYS)(effect, None)
    await db.run("UPDATE effects SET status = 'done', claimed_at = :at", at=START)
    return effect_id, prepared


async def log(db, customer="C1", first=DAY, last=DAY, **page):
    async with db.engine.connect() as connection:
        window = between(first, last, "Asia/Shanghai")
        return await contacts_of(connection, "notifier", customer, window, **page)


async def test_a_contact_is_told_with_its_text_hash_and_outcomes(shell, db):
    effect_id, prepared = await left(shell, db, Texts())
    assert prepared.content == {"text": "please pay"}
    for hour, outcome in ((1, "sent"), (2, "delivered")):
        data = ProviderReceipt(customer_id="C1", effect_id=effect_id, outcome=outcome)
        await shell.handle_facts([fact(data, START - days(hour / 24))], fresh=always)
    (contact,) = (await log(db)).contacts
    assert (contact.template, contact.template_version) == ("sms.first", "v1")
    assert contact.body_hash == KEYS.hash(b'{"text":"please pay"}').hex()
    assert (contact.left_at, contact.outcome) == (START, "delivered")
    assert [told.outcome for told in contact.told] == ["sent", "delivered"]


async def test_another_text_has_another_hash(shell, db):
    await left(shell, db, Texts("pay now"))
    (contact,) = (await log(db)).contacts
    assert contact.body_hash != KEYS.hash(b'{"text":"please pay"}').hex()
    assert contact.outcome == "done"


async def test_what_is_not_rendered_yet_is_not_written_down(shell, db):
    _, prepared = await left(shell, db, Texts(""))
    assert prepared is None
    assert await db.one("SELECT made FROM effects") is None


async def test_other_days_and_customers_and_what_never_left_are_not_told(shell, db):
    await left(shell, db, Texts())
    assert (await log(db, "C2")).contacts == []
    assert (await log(db, first=date(2026, 3, 3), last=date(2026, 3, 3))).contacts == []
    await db.run("UPDATE effects SET status = 'refused'")
    assert (await log(db)).contacts == []


async def test_pages_follow_each_other(shell, db):
    await left(shell, db, Texts())
    first = await log(db, limit=1)
    assert len(first.contacts) == 1
    rest = await log(db, after=first.next)
    assert (rest.contacts, rest.next) == ([], None)


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@x", "\tx", " =1", "\u3000=1"])
def test_no_cell_of_the_table_is_a_formula(cell):
    table = as_csv(COLUMNS, [[cell, "plain", 'a "quote", and\nmore']])
    assert table.splitlines()[0] == ",".join(COLUMNS)
    assert table.split("\n", 1)[1].startswith(f"'{cell}")
    assert ',plain,"a ""quote"", and' in table
