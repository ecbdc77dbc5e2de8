"""`arrears reconcile` and `arrears contacts`, as typed, on a database."""

import asyncio
import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from services.scheduler.service import SCHEDULER
from shared.cli.main import app
from shared.clock import SteppedClock
from shared.db import engine_for
from shared.messaging.shell import Shell
from shared.testing import START, days, fact
from tests.database.support import KEYS, PARTITIONS, always, missed, record
from tests.database.test_reconciliation import stated

_EFFECT = """
    INSERT INTO effects (effect_id, customer_id, partition, kind, request, not_before, not_after, status,
        claimed_at, created_at, updated_at, made)
    VALUES ('E1', 'C1', 0, 'contact.sms', '{"point_id": "=HYPERLINK(1)", "template": "sms.first"}', :at, :at,
        'done', :at, :at, :at, '{"template": "sms.first", "version": "v1", "body_hash": "beef"}')
"""


@pytest.fixture
def arrears(database, monkeypatch):
    monkeypatch.setenv("ARREARS_DATABASE_URL", database)
    monkeypatch.setenv("ARREARS_KAFKA", "127.0.0.1:9")
    asyncio.run(_live(database))
    return lambda *words: CliRunner().invoke(app, list(words))


async def _live(database):
    """C2 differs by 1000 from its statement; an SMS left for C1."""
    engine = engine_for(database, "scheduler")
    shell = Shell(
        SCHEDULER, engine, SteppedClock(START + days(2)), keys=KEYS, partitions=PARTITIONS
    )
    facts = [fact(missed("C2"), START), fact(stated("C2", 4000), START + days(1.5))]
    await shell.handle([record(event, n) for n, event in enumerate(facts)], fresh=always)
    await engine.dispose()
    notifier = engine_for(database, "notifier")
    async with notifier.begin() as tx:
        await tx.execute(text(_EFFECT), {"at": START})
    await notifier.dispose()


def test_the_commands_print_for_people_for_programs_and_for_spreadsheets(arrears):
    told = arrears("reconcile")
    assert told.exit_code == 1
    assert told.stdout.splitlines() == [
        "C2 A1 as of 2026-03-03: stated 4000, derived 5000 CNY",
        "    instalment I1 due 2026-03-01: 5000, left 5000",
        "CNY: 1 accounts, stated 4000, derived 5000, 1 differ",
        "0 accounts with amounts have no statement",
    ]
    lines = [json.loads(line) for line in arrears("reconcile", "--json").stdout.splitlines()]
    assert (lines[0]["status"], lines[-1]["differing"]) == ("differs", 1)

    found = arrears("contacts", "--customer", "C1", "--date", "2026-03-02", "--csv")
    assert found.exit_code == 0
    head, line = found.stdout.splitlines()
    assert head.startswith("left_at,service,channel,point_id,template,template_version,body_hash")
    assert ",notifier,sms,'=HYPERLINK(1),sms.first,v1,beef,done," in line
    (whole,) = arrears("contacts", "--customer", "C1", "--json").stdout.splitlines()
    assert json.loads(whole)["body_hash"] == "beef"
    assert arrears("contacts", "--customer", "C1", "--from", "2026-03-03").stdout == "0 contacts\n"
    assert arrears("contacts", "--customer", "C1", "--date", "soon").exit_code == 2
