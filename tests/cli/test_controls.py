"""`arrears stop` and its relatives, on a database whose services are not running."""

import base64

import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.events.registry import SERVICES

runner = CliRunner()


@pytest.fixture
def arrears(database, monkeypatch):
    """Run a command as op-1 would; answers its exit status and what it said."""
    monkeypatch.setenv("ARREARS_DATABASE_URL", database)
    monkeypatch.setenv("ARREARS_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("ARREARS_VAULT_KEY", base64.b64encode(b"k" * 32).decode())

    def run(*words: str) -> tuple[int, str]:
        result = runner.invoke(app, words)
        return result.exit_code, result.output

    return run


def test_a_stop_is_made_in_every_service_listed_and_ended(arrears):
    code, said = arrears("stop", "--channel", "sms", "--reason", "wrong amount", "--by", "op-1")
    assert code == 0
    for service in SERVICES:
        assert f"{service}: stopped channel sms; holds 0 pending; id " in said
    code, said = arrears("stops")
    assert code == 0
    assert said.count("by op-1: wrong amount") == len(SERVICES)
    code, said = arrears("resume", "--reason", "mended")
    assert code == 1, "the stop of everything is another one"
    assert "no stop in force matches" in said
    code, said = arrears("resume", "--channel", "sms", "--reason", "mended")
    assert code == 0
    assert said.count("resumed channel sms") == len(SERVICES)
    assert arrears("stops") == (0, "nothing is held back\n")


def test_one_service_alone_and_one_stop_by_its_id(arrears):
    arrears("stop", "--reason", "first", "--service", "legal")
    arrears("stop", "--region", "310000", "--reason", "second", "--service", "legal")
    _, said = arrears("stops")
    ids = [line.rpartition("id ")[2] for line in said.splitlines()]
    assert [line.partition(":")[0] for line in said.splitlines()] == ["legal", "legal"]
    code, said = arrears("resume", "--id", ids[0], "--reason", "mended")
    assert code == 0
    assert "resumed everything" in said
    assert "still stopped: region 310000" in said
    assert arrears("resume", "--all", "--reason", "mended")[0] == 0
    assert arrears("stops")[1] == "nothing is held back\n"


@pytest.mark.parametrize(
    "words",
    [
        ("stop",),
        ("stop", "--channel", "SMS", "--reason", "x"),
        ("stop", "--service", "nobody", "--reason", "x"),
        ("stop", "--reason", " "),
        ("stop", "--reason", "the card 4111111111111111"),
        ("resume", "--channel", "sms", "--all", "--reason", "x"),
        ("resume", "--park", "--reason", "x"),
        ("fuses", "release", "pigeon", "--reason", "x"),
    ],
)
def test_what_is_not_understood_changes_nothing(arrears, words):
    code, said = arrears(*words)
    assert code == 2
    assert "4111111111111111" not in said
    assert arrears("stops")[1] == "nothing is held back\n"


def test_fuses_are_listed_and_released(arrears, database):
    assert arrears("fuses", "list") == (0, "nothing left in this hour, and no fuse has tripped\n")
    assert arrears("fuses", "release", "sms", "--reason", "x")[0] == 1
    execute(
        database,
        "INSERT INTO notifier.stops (stop_id, kind, channel, region, template, provider, reason, by, at)"
        " VALUES ('s', 'fuse', 'sms', '', '', '', '500 of 500', 'fuse', now())",
    )
    assert (
        "notifier: sms: 0 this hour, norm none, cap 50000; TRIPPED: 500 of 500"
        in (arrears("fuses", "list")[1])
    )
    code, said = arrears("fuses", "release", "sms", "--reason", "month end", "--hours", "3")
    assert (code, said) == (0, "notifier: released sms: 500 of 500\n")
    assert "TRIPPED" not in arrears("fuses", "list")[1]


def test_a_mass_failure_is_ended_by_name_only(arrears, database):
    assert arrears("resume", "--mass-failure", "--reason", "x")[0] == 1
    execute(
        database,
        "INSERT INTO legal.mass_failure (failure_id, fingerprint, code_version, customers, failed, tried, at)"
        " VALUES ('f', 'KeyError at x.py:1', 'old', 20, 20, 40, now())",
    )
    arrears("stop", "--reason", "x")
    arrears("resume", "--all", "--reason", "x")
    code, said = arrears(
        "resume", "--service", "legal", "--mass-failure", "--park", "--reason", "x"
    )
    assert code == 0
    assert "legal: resumed after KeyError at x.py:1 (old): its customers are parked" in said


def execute(database: str, statement: str) -> None:
    import asyncio  # noqa: PLC0415

    import asyncpg  # noqa: PLC0415

    async def run() -> None:
        connection = await asyncpg.connect(database.replace("+asyncpg", ""), timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
