"""One running notifier: its webhooks, cases, work list, problems. One start for all, because a start costs a second."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.legal.main import PARTS as LEGAL
from services.notifier.main import PARTS as NOTIFIER
from services.scheduler.main import PARTS as SCHEDULER
from services.visits.main import PARTS as VISITS
from shared.clock import SystemClock
from shared.db import SchemaTooOld, engine_for
from shared.http import create_app
from shared.ids import derive
from shared.local.kafka import EmbeddedKafka
from tests.database.support import Database
from tests.http.conftest import settings

EFFECT = derive("effect", 1)
SECRET = "13800001111"


def report(outcome="delivered", **changes):
    body = {
        "type": "provider.receipt",
        "id": derive(EFFECT, outcome),
        "time": SystemClock().now().isoformat(),
        "data": {"customer_id": "C1", "effect_id": EFFECT, "outcome": outcome},
    }
    return body | changes


async def problem(client, path, status, *, body=None, **options):
    answer = await (client.get(path, **options) if body is None else client.post(path, json=body))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    content = answer.json()
    assert content["status"] == status
    assert content["type"].startswith("urn:arrears:problem:")
    return content


@pytest.fixture
def kafka(servers_folder: Path) -> Iterator[str]:
    """A broker of our own: what other tests published on theirs would come into our list of cases."""
    with EmbeddedKafka(servers_folder / "kafka-of-the-service") as broker:
        yield broker.bootstrap


async def test_a_provider_tells_an_outcome_once_or_twice(run):
    async with run() as client:
        told = report()
        first = await client.post("/webhooks/outcomes", json=told)
        again = await client.post("/webhooks/outcomes", json=told)
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json() == {"id": told["id"], "status": "new"}
        assert again.json() == {"id": told["id"], "status": "repeated"}

        other = report() | {"id": told["id"], "data": told["data"] | {"reason": SECRET}}
        conflict = await problem(client, "/webhooks/outcomes", 422, body=other)
        assert conflict["type"] == "urn:arrears:problem:conflict"

        await fields_that_are_wrong(client)
        await cases_can_be_read(client)
        await requests_that_are_wrong(client)
        await the_documentation_has_examples(client)


async def fields_that_are_wrong(client):
    wrong = {
        "body.type": report(type="court.notice"),
        "body.data.outcome": report() | {"data": report()["data"] | {"outcome": SECRET}},
        "body.data.customer_id": report() | {"data": {"effect_id": EFFECT, "outcome": "sent"}},
        "body.time": report(time=SECRET),
        "body.id": report(id=""),
    }
    for field, body in wrong.items():
        answer = await problem(client, "/webhooks/outcomes", 422, body=body)
        assert answer["type"] == "urn:arrears:problem:invalid"
        assert [error["field"] for error in answer["errors"]] == [field]
    old = await problem(client, "/webhooks/outcomes", 422, body=report(time="2001-01-01T00:00:00Z"))
    assert [error["field"] for error in old["errors"]] == ["body.time"]


async def cases_can_be_read(client):
    for number in range(2, 6):
        data = report()["data"] | {"customer_id": f"C{number}"}
        body = report() | {"id": f"r{number}", "data": data}
        assert (await client.post("/webhooks/outcomes", json=body)).status_code == 202
    first = (await client.get("/cases", params={"limit": 3})).json()
    assert [case["customer_id"] for case in first["cases"]] == ["C1", "C2", "C3"]
    rest = (await client.get("/cases", params={"limit": 3, "after": first["next"]})).json()
    assert [case["customer_id"] for case in rest["cases"]] == ["C4", "C5"]
    assert rest["next"] is None
    idle = (await client.get("/cases", params={"stage": "idle"})).json()
    assert len(idle["cases"]) == 5
    early = {"wake_before": "2001-01-01T00:00:00Z", "stage": "contacting"}
    assert (await client.get("/cases", params=early)).json()["cases"] == []
    one = (await client.get("/cases/C1")).json()
    assert one["customer_id"] == "C1"
    assert isinstance(one["state"], dict)
    assert one["effects"] == []
    assert (await client.get("/worklist")).json() == {"cases": [], "next": None}


async def requests_that_are_wrong(client):
    missing = await problem(client, "/cases/nobody", 404)
    assert missing["type"] == "urn:arrears:problem:not-found"
    assert "nobody" not in str(missing)
    assert (await problem(client, "/nowhere", 404))["title"] == "There is no such thing"
    limit = await problem(client, "/cases", 422, params={"limit": 5000})
    assert limit["errors"] == [{"field": "query.limit", "message": "less_than_equal (le 500)"}]
    await problem(client, "/cases", 422, params={"wake_before": f"on {SECRET}"})
    assert (await client.put("/cases")).status_code == 405
    large = await problem(client, "/webhooks/outcomes", 413, body=report(id="x" * 70_000))
    assert large["type"] == "urn:arrears:problem:body-too-large"

    async def in_pieces():
        for _ in range(80):
            yield b"x" * 1000

    answer = await client.post("/webhooks/outcomes", content=in_pieces())
    assert answer.status_code == 413
    not_json = await client.post(
        "/webhooks/outcomes", content=b"{", headers={"content-type": "application/json"}
    )
    assert not_json.json()["errors"] == [{"field": "body", "message": "is not JSON"}]


async def the_documentation_has_examples(client):
    schema = (await client.get("/openapi.json")).json()
    for name in ("Report", "CasePage", "CaseDetail"):
        assert schema["components"]["schemas"][name]["examples"]
    assert {"/livez", "/readyz", "/cases", "/cases/{customer_id}", "/worklist"} <= set(
        schema["paths"]
    )


async def test_liveness_does_not_ask_anybody_and_readiness_does(run, kafka_server, proxy):
    async with run(kafka=kafka_server.extra_bootstrap) as client:
        app = client.app.state.runtime
        await becomes(client, 200)
        ready = (await client.get("/readyz")).json()
        assert ready["status"] == "pass"
        assert ready["partitions"] == [0, 1, 2, 3]
        assert ready["outbox"]["rows"] == 0
        proxy.share = 1.0
        proxy.disconnect()
        down = await becomes(client, 503)
        assert any(reason.startswith("broker does not answer") for reason in down["reasons"])
        live = await client.get("/livez")
        assert live.status_code == 200
        assert live.json()["status"] == "pass"
        proxy.share = 0.0
        await becomes(client, 200)
        await Database(app.engine).run("DELETE FROM alembic_version")
        old = await becomes(client, 503)
        assert any("arrears migrate" in reason for reason in old["reasons"])


async def becomes(client, status):
    for _ in range(300):
        answer = await client.get("/readyz")
        if answer.status_code == status:
            return answer.json()
        await asyncio.sleep(0.1)
    raise AssertionError(answer.text)


async def test_every_service_starts_and_has_a_work_list(run):
    for parts in (SCHEDULER, VISITS, LEGAL):
        async with run(parts) as client:
            assert (await client.get("/worklist")).json() == {"cases": [], "next": None}


async def test_an_old_schema_is_refused_with_the_command_that_mends_it(run, database):
    engine = engine_for(database, "notifier")
    await Database(engine).run("DELETE FROM alembic_version")
    await engine.dispose()
    with pytest.raises(SchemaTooOld, match="arrears migrate"):
        async with run():
            raise AssertionError("it must not start")


def test_what_is_missing_in_the_settings_is_named(database):
    with pytest.raises(ValueError, match="notifier cannot start without ARREARS_KAFKA"):
        create_app(NOTIFIER, settings(database))
