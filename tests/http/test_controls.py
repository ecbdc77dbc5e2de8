"""Stops, fuses and mass failures over HTTP: the service's own schema, recorded under the caller's name."""

import pytest
from sqlalchemy import text

from shared.db import engine_for
from shared.events.envelope import utc
from shared.messaging import fuses, mass_failure
from shared.testing import START
from tests.http.conftest import bearer


@pytest.fixture
async def engine(database):
    engine = engine_for(database, "notifier")
    yield engine
    await engine.dispose()


async def rows(engine, query):
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_a_stop_is_made_seen_and_ended_and_both_acts_are_recorded(run, engine):
    async with run() as client:
        wanted = {"channel": "sms", "region": "310000", "reason": "wrong amount"}
        caller = bearer("operator", subject="op-7")
        made = await client.post("/controls/stops", json=wanted, headers=caller)
        assert made.status_code == 201
        assert (made.json()["sending"], made.json()["held"]) == ([], 0)
        now = (await client.get("/controls")).json()
        (line,) = now["stops"]
        assert {key: line[key] for key in ("channel", "region", "template", "by", "reason")} == {
            "channel": "sms", "region": "310000", "template": "", "by": "op-7", "reason": "wrong amount",
        }  # fmt: skip
        assert {fuse["channel"] for fuse in now["fuses"]} >= {"sms", "court"}
        assert now["mass_failure"] is None
        path = f"/controls/stops/{made.json()['stop_id']}/resume"
        ended = await client.post(path, json={"reason": "mended"}, headers=caller)
        assert ended.status_code == 200
        assert (await client.post(path, json={"reason": "mended"})).status_code == 404
        assert (await client.get("/controls")).json()["stops"] == []
    assert await rows(engine, "SELECT actor, act, reason FROM acts ORDER BY seq") == [
        ("op-7", "stop", "wrong amount"),
        ("op-7", "resume", "mended"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "sms"},
        {"channel": "SMS", "reason": "x"},
        {"kanal": "sms", "reason": "a field that there is not must not stop everything"},
        {"region": "", "reason": "x"},
        {"reason": ""},
        {"reason": "called 13800138000"},
        {"reason": "x" * 501},
    ],
)
async def test_what_is_no_stop_stops_nothing(run, engine, body):
    async with run() as client:
        answer = await client.post("/controls/stops", json=body)
        assert answer.status_code == 422
        assert "13800138000" not in answer.text
    assert await rows(engine, "SELECT stop_id FROM stops") == []


async def test_who_may_only_read_stops_nothing(run, engine):
    async with run() as client:
        auditor = bearer("auditor")
        assert (await client.get("/controls", headers=auditor)).status_code == 200
        stop = await client.post("/controls/stops", json={"reason": "x"}, headers=auditor)
        assert stop.status_code == 403
        agent = bearer("agent", regions=["310000"])
        assert (await client.get("/controls", headers=agent)).status_code == 403
    assert await rows(engine, "SELECT stop_id FROM stops") == []


async def test_a_fuse_is_released_and_a_mass_failure_ended(run, engine):
    async with engine.begin() as tx:
        limits = fuses.Limits(caps={"sms": 0}, factor=0)
        allowance = fuses.Allowance(limits, utc(START))
        await allowance.begin(tx, ["sms"])
        allowance.take("sms")
        await allowance.end(tx)
        await tx.execute(
            text("""
                INSERT INTO mass_failure (failure_id, fingerprint, code_version, customers, failed, tried, at)
                VALUES ('f', 'KeyError at x.py:1', :code, 20, 20, 40, now())
            """),
            {"code": mass_failure.code_version()},
        )
    async with run() as client:
        now = (await client.get("/controls")).json()
        assert [stop["kind"] for stop in now["stops"]] == ["fuse"]
        assert now["mass_failure"]["fingerprint"] == "KeyError at x.py:1"
        report = {
            "id": "r-1", "time": "2026-03-02T01:30:00Z", "type": "provider.receipt",
            "data": {"customer_id": "C1", "effect_id": "e", "outcome": "sent", "at": "2026-03-02T01:30:00Z"},
        }  # fmt: skip
        refused = await client.post("/webhooks/outcomes", json=report)
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:arrears:problem:stopped"
        for path in ("/controls/fuses/sms/release", "/controls/mass-failure/resume"):
            assert (await client.post(path, json={"reason": "seen"})).status_code == 200
            assert (await client.post(path, json={"reason": "seen"})).status_code == 404
        now = (await client.get("/controls")).json()
        assert (now["stops"], now["mass_failure"]) == ([], None)
