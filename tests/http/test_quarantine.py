"""The quarantine over HTTP: the same as the command line, with scopes, and every look at a record's content recorded."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.scheduler.main import PARTS as SCHEDULER
from shared.clock import SystemClock
from shared.local.kafka import EmbeddedKafka
from shared.testing import fact
from tests.database.support import always, missed, received, record
from tests.http.conftest import bearer, client_of

SECRET = "13800001111"


@pytest.fixture(scope="module")
def kafka(servers_folder):
    """A broker of our own: on a new database a service reads all that there is, and others leave their records."""
    with EmbeddedKafka(servers_folder / "kafka-quarantine") as broker:
        yield broker.bootstrap


def spoilt(customer, offset, broken=b'"many"'):
    found = record(fact(missed(customer), SystemClock().now()), offset)
    return replace(found, value=found.value.replace(b"5000", broken))


def later(customer, offset, seconds=302):
    """Its clock ran ahead: too early now, and in order some seconds later."""
    return record(fact(missed(customer), SystemClock().now() + timedelta(seconds=seconds)), offset)


async def problem(client, path, status, body=None):
    answer = await (client.get(path) if body is None else client.post(path, json=body))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    return answer.json()


async def test_the_quarantine_over_http(run):
    async with run(SCHEDULER) as client:
        shell = client.app.state.runtime.shell
        await shell.handle(
            [
                spoilt("C1", 1),
                record(fact(received("C1"), SystemClock().now()), 2),
                spoilt("C2", 3, SECRET.encode() + b'"'),
                spoilt("C3", 4, b"\xff"),
            ],
            fresh=always,
        )
        await it_is_looked_through(client)
        await a_record_is_seen_and_that_is_recorded(client)
        await what_cannot_be_done_is_a_problem(client)
        await only_whom_it_concerns(client)
        await it_is_released_and_discarded(client)


async def it_is_looked_through(client):
    groups = (await client.get("/quarantine/groups")).json()["groups"]
    assert sorted((g["reason"], g["count"], g["customers"]) for g in groups) == [
        ("bad_json", 2, 2),
        ("schema", 1, 1),
    ]
    first = (await client.get("/quarantine", params={"limit": 2})).json()
    assert [e["customer_id"] for e in first["entries"]] == ["C1", "C2"]
    rest = (await client.get("/quarantine", params={"limit": 2, "after": first["next"]})).json()
    assert [e["customer_id"] for e in rest["entries"]] == ["C3"]
    assert "next" not in rest or rest["next"] is None
    one = (await client.get("/quarantine", params={"customer_id": "C1"})).json()["entries"][0]
    assert (one["topic"], one["offset"], one["waiting_behind"]) == ("core-banking", 1, 2)
    assert one["error"] == "data.amount_minor: Expected `int`, got `str`"
    none = await client.get("/quarantine", params={"status": "released", "reason": "schema"})
    assert none.json()["entries"] == []


async def entry_of(client, customer):
    found = await client.get("/quarantine", params={"customer_id": customer})
    return found.json()["entries"][0]["id"]


async def a_record_is_seen_and_that_is_recorded(client):
    entry = await entry_of(client, "C2")
    seen = (await client.get(f"/quarantine/{entry}")).json()
    assert SECRET in seen["record"]["value"]["text"]
    assert seen["record"]["key"]["text"] == "C2"
    assert {"name": "ce_type", "text": "payment.missed", "base64": None} in seen["record"][
        "headers"
    ]
    other = (await client.get(f"/quarantine/{await entry_of(client, 'C3')}")).json()
    assert other["record"]["value"]["base64"]
    async with client.app.state.runtime.engine.connect() as connection:
        acts = await connection.execute(
            text("SELECT subject, act, detail->>'entry' FROM acts ORDER BY at")
        )
        assert next(tuple(act) for act in acts) == ("C2", "view_quarantined", str(entry))


async def what_cannot_be_done_is_a_problem(client):
    await problem(client, "/quarantine/4711", 404)
    await problem(client, f"/quarantine/{2**64}", 422)
    await problem(client, "/quarantine?limit=0", 422)
    await problem(client, "/quarantine/releases", 404, {"customer_id": "C1000", "dry_run": True})
    bodies = (
        {},
        {"customer_id": "C1"},
        {"customer_id": "C1", "id": 1, "reason": "x"},
        {"group": {}, "reason": "x"},
        {"customer_id": "C1", "reason": f"rang {SECRET}"},
        {"group": {"reason": "schema"}, "reason": "x", "after": "C1"},
    )
    for body in bodies:
        await problem(client, "/quarantine/releases", 422, body)
    await problem(client, "/quarantine/1/discard", 422, {"reason": " "})


async def only_whom_it_concerns(client):
    app = client.app
    entry = await entry_of(client, "C1")
    release = {"customer_id": "C1", "reason": "x"}
    async with client_of(app, **bearer("auditor")) as auditor:
        await problem(auditor, "/quarantine/releases", 403, release)
        await problem(auditor, f"/quarantine/{entry}/discard", 403, {"reason": "x"})
        rehearsed = await auditor.post("/quarantine/releases", json={"id": entry, "dry_run": True})
        assert rehearsed.status_code == 200
    async with client_of(app, **bearer("agent", regions=["*"])) as agent:
        await problem(agent, "/quarantine/groups", 403)
    async with client_of(app, **bearer("operator", regions=["CN-44"])) as elsewhere:
        assert (await elsewhere.get("/quarantine")).json()["entries"] == []
        assert (await elsewhere.get("/quarantine/groups")).json()["groups"] == []
        await problem(elsewhere, f"/quarantine/{entry}", 404)
        await problem(elsewhere, "/quarantine/releases", 404, release)


async def it_is_released_and_discarded(client):
    entry = await entry_of(client, "C1")
    told = (await client.post("/quarantine/releases", json={"id": entry, "dry_run": True})).json()
    (outcome,) = told["outcomes"]
    assert (outcome["decided"], outcome["left"], outcome["steps"][0]["outcome"]) == (0, 2, "fails")
    failed = await client.post(
        "/quarantine/releases", json={"group": {"reason": "bad_json"}, "reason": "x", "limit": 1}
    )
    assert [o["customer_id"] for o in failed.json()["outcomes"]] == ["C2"]
    rest = {"group": {"reason": "bad_json"}, "reason": "x", "after": failed.json()["next"]}
    after = (await client.post("/quarantine/releases", json=rest)).json()
    assert [(o["customer_id"], o["left"]) for o in after["outcomes"]] == [("C3", 1)]
    dropped = await client.post(f"/quarantine/{entry}/discard", json={"reason": "a test"})
    assert dropped.json()["decided"] == 1
    await problem(client, f"/quarantine/{entry}/discard", 409, {"reason": "a test"})
    async with client.app.state.runtime.engine.connect() as connection:
        parked = await connection.scalar(
            text("SELECT parked_by FROM cases WHERE customer_id = 'C1'")
        )
    assert parked == []
    assert json.dumps((await client.get("/quarantine?status=discarded")).json()).count('"C1"') == 1


@pytest.mark.parametrize("wanted", ["customer_id", "id"])
async def test_a_dry_run_tells_what_the_release_then_does(run, wanted):
    async with run(SCHEDULER) as client:
        shell = client.app.state.runtime.shell
        await shell.handle([later("C1", 1)], fresh=always)
        target = {"customer_id": "C1"}
        if wanted == "id":
            target = {"id": await entry_of(client, "C1")}
        outcome = {}
        while not outcome.get("decided"):  # until its time has come
            told = await client.post("/quarantine/releases", json={**target, "dry_run": True})
            outcome = told.json()["outcomes"][0]
        assert [step["outcome"] for step in outcome["steps"]] == ["decided"]
        done = await client.post("/quarantine/releases", json={**target, "reason": "the clock"})
        assert done.json()["outcomes"][0]["decided"] == 1
        case = (await client.get("/cases/C1")).json()
        assert case["parked_by"] == []
