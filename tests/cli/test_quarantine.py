"""`arrears quarantine` on a real database: what an operator types after an alert, from the groups to the release."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from services.scheduler.service import SCHEDULER
from shared.cli.main import app
from shared.clock import SystemClock
from shared.db import engine_for
from shared.messaging.shell import Shell
from shared.testing import fact
from shared.vault import Keys
from tests.conftest import apart
from tests.database.support import Database, always, missed, record

KEY = b"q" * 32


@pytest.fixture
def arrears(database, monkeypatch):
    for name, value in {
        "ARREARS_DATABASE_URL": database,
        "ARREARS_KAFKA": "127.0.0.1:9",
        "ARREARS_VAULT_KEY": base64.b64encode(KEY).decode(),
    }.items():
        monkeypatch.setenv(name, value)

    def run(*arguments, status=0):
        ran = CliRunner().invoke(app, ["quarantine", *map(str, arguments)])
        assert ran.exit_code == status, ran.output
        return ran.output

    return run


def decide(database, *records):
    """Hand records to the scheduler, as its consumer would."""

    async def run():
        engine = engine_for(database, "scheduler", pool_size=1)
        await Shell(SCHEDULER, engine, SystemClock(), keys=Keys(KEY)).handle(records, fresh=always)
        await engine.dispose()

    apart(asyncio.run, run())


def rows(database, query):
    async def run():
        engine = engine_for(database, "scheduler", pool_size=1)
        found.extend(await Database(engine).rows(query))
        await engine.dispose()

    found = []
    apart(asyncio.run, run())
    return found


def good(customer, offset):
    return record(fact(missed(customer), SystemClock().now()), offset)


def ahead_of_its_time(customer, offset):
    """What can be decoded later, but not now: its clock ran ahead."""
    at = SystemClock().now()
    return record(fact(missed(customer), at.replace(year=at.year + 1, day=1)), offset)


def spoilt(customer, offset):
    found = good(customer, offset)
    return replace(found, value=found.value.replace(b"5000", b'"many"'))


def test_from_the_groups_to_one_entry_and_its_bytes(arrears, database):
    assert arrears("list") == arrears("groups") == "nothing in quarantine\n"
    decide(database, spoilt("C1", 1), spoilt("C2", 2), ahead_of_its_time("C3", 3))
    first, second = arrears("groups", "--service", "scheduler").splitlines()
    assert first.startswith("scheduler schema payment.missed [")
    assert "2 of 2 customers" in first
    assert "data.amount_minor: Expected `int`, got `str`" in first
    assert "scheduler time payment.missed" in second
    (group, _) = json.loads(arrears("groups", "--json"))
    listed = arrears("list", "--fingerprint", group["fingerprint"]).splitlines()
    assert [line.split()[2] for line in listed] == ["C1", "C2"]
    assert arrears("list", "--customer", "C3", "--reason", "schema") == "nothing in quarantine\n"
    (entry,) = json.loads(arrears("list", "--customer", "C2", "--json"))
    assert (entry["topic"], entry["offset"], entry["is_next"]) == ("core-banking", 2, True)

    shown = json.loads(arrears("show", "scheduler", entry["id"], "--by", "auditor-7"))
    assert '"amount_minor":"many"' in shown["record"]["value"]["text"]
    assert rows(database, "SELECT actor, act, subject FROM acts") == [
        ("auditor-7", "view_quarantined", "C2")
    ]
    arrears("show", "scheduler", 4711, status=1)


def test_a_release_is_rehearsed_done_and_recorded(arrears, database):
    decide(database, spoilt("C1", 1), good("C1", 2), spoilt("C2", 3), good("C3", 4))
    told = arrears("release", "scheduler", "C1", "--dry-run", status=1)
    assert "C1: 0 would be decided, 2 would stay" in told
    assert "still fails: data.amount_minor" in told
    failed = arrears("release", "scheduler", "--group", "schema", "--reason", "x", status=1)
    assert "0 released, 2 still fail" in failed
    arrears("release", "scheduler", "C1", "--discard", status=2)
    (entry,) = json.loads(arrears("list", "--customer", "C1", "--json"))
    dropped = arrears("discard", "scheduler", entry["id"], "--reason", "a test of the bank")
    assert dropped == "C1 released: 1 events decided\n"
    assert arrears("list", "--customer", "C1", "--status", "discarded").startswith("scheduler ")
    again = arrears("release", "scheduler", "C1", status=1)
    assert "nothing parked for C1" in again
    assert rows(database, "SELECT parked_by FROM cases WHERE customer_id = 'C1'") == [([],)]
    assert rows(
        database,
        "SELECT subject, act, reason FROM acts WHERE actor LIKE 'os:%' ORDER BY at, subject",
    ) == [
        ("C1", "release_quarantined", "x"),
        ("C2", "release_quarantined", "x"),
        ("C1", "discard_quarantined", "a test of the bank"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("release", "scheduler"), "name one of"),
        (("release", "scheduler", "C1", "--id", "1"), "name one of"),
        (("release", "nobody", "C1", "--dry-run"), "is no service"),
        (("release", "scheduler", "--type", "payment.missed"), "--reason"),
        (("release", "scheduler", "C1", "--reason", "rang 13800138000"), "telephone number"),
        (("discard", "scheduler", "1"), "--reason"),
    ],
)
def test_what_is_wrong_is_said(arrears, arguments, said):
    assert said in arrears(*arguments, status=2)
