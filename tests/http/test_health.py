"""What operators ask a running service: /health with its checks, /metrics, and readiness by the outbox's age."""

import asyncio
from datetime import timedelta

from jsonschema import validate
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from services.scheduler.main import PARTS as SCHEDULER
from shared.events.registry import CORE_BANKING
from shared.messaging import controls
from shared.messaging.kafka import close_client, new_producer, open_client
from shared.version import code_version
from tests.database.support import missed, records

CHECK = {
    "type": "object",
    "required": ["componentType", "observedValue", "observedUnit", "status", "time"],
    "properties": {
        "status": {"enum": ["pass", "warn", "fail"]},
        "observedValue": {"type": ["number", "string"]},
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT.*Z$"},
    },
}
FORM = {
    "type": "object",
    "required": ["status", "serviceId", "releaseId", "notes", "checks"],
    "properties": {
        "status": {"enum": ["pass", "warn", "fail"]},
        "checks": {"additionalProperties": {"type": "array", "minItems": 1, "items": CHECK}},
    },
}
"""draft-inadarei-api-health-check-06, as far as it fixes anything."""


async def send(bootstrap, *facts, at):
    producer = new_producer(bootstrap, client_id="bank")
    await open_client(producer)
    try:
        for sent in records(*facts, at=at):
            await producer.send_and_wait(
                CORE_BANKING, sent.value, key=sent.key, partition=sent.partition,
                headers=list(sent.headers),
            )  # fmt: skip
    finally:
        await close_client(producer)


async def scraped(client):
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (
            sample.name,
            *(v for k, v in sorted(sample.labels.items()) if k != "service"),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def lags(found):
    return {key: n for key, n in found.items() if key[0] == "arrears_consumer_lag_records"}


def caught_up(found):
    """Ready, with nothing left to read in four topics of four partitions, and nothing to publish."""
    return (
        found["arrears_ready",] == 1
        and len(lags(found)) == 16
        and set(lags(found).values()) == {0}
        and found["arrears_outbox_rows",] == 0
    )


async def until(look, holds, *, seconds=30):
    async with asyncio.timeout(seconds):
        while True:
            if holds(found := await look()):
                return found
            await asyncio.sleep(0.1)


async def test_metrics_and_health_tell_what_a_scheduler_did(run, kafka):
    async with run(SCHEDULER) as client:
        app = client.app.state.runtime
        now = app.clock.now()
        # what other tests sent to the broker is read here too: only what is added counts
        before = await until(lambda: scraped(client), caught_up)
        await send(kafka, missed("H1"), missed("H2"), at=now - timedelta(minutes=10))
        opened = ("arrears_published_total", "case.opened")
        found = await until(
            lambda: scraped(client),
            lambda m: m.get(opened, 0) == before.get(opened, 0) + 2 and caught_up(m),
        )
        grown = {key: value - before.get(key, 0) for key, value in found.items()}
        assert grown["arrears_facts_decided_total", "payment.missed"] == 2
        assert grown["arrears_records_total", "decided"] == 2
        assert grown["arrears_ticks_decided_total",] >= 2
        assert grown["arrears_batch_records_sum",] >= 2
        assert grown["arrears_batch_seconds_count",] >= 1
        assert grown["arrears_decision_latency_seconds_count",] == 2
        assert 2 * 590 < grown["arrears_decision_latency_seconds_sum",] < 2 * 700
        assert grown["arrears_decision_latency_seconds_bucket", "300.0"] == 0
        assert grown["arrears_decision_latency_seconds_bucket", "1800.0"] == 2
        assert found["arrears_relay_leader",] == 1
        assert found["arrears_core_banking_silent",] == 0
        assert found["process_resident_memory_bytes",] > 0
        body = await until(lambda: health(client), lambda body: body["status"] == "pass")
        assert body["serviceId"] == "scheduler"
        assert {"kafka:lag", "outbox:age", "effects:due-age", "quarantine:waiting"} <= set(
            body["checks"]
        )
        await what_is_wrong_is_seen(client, app)


async def health(client):
    answer = await client.get("/health")
    assert answer.headers["content-type"] == "application/health+json"
    body = answer.json()
    validate(body, FORM)
    assert answer.status_code == (503 if body["status"] == "fail" else 200)
    return body


async def what_is_wrong_is_seen(client, app):
    statement = """
        INSERT INTO quarantine (topic, partition, kafka_offset, customer_id, event_key, type, reason, error,
            code_version, sealed, at) VALUES ('core-banking', 0, 1, 'C9', '', '', 'schema', '', '', '', now())
    """
    async with app.engine.begin() as tx:
        await tx.execute(text(statement))
        await tx.execute(text("UPDATE cases SET parked_by = '{visits}' WHERE customer_id = 'H1'"))
    body = await until(lambda: health(client), lambda body: body["status"] == "warn")
    (waiting,) = body["checks"]["quarantine:waiting"]
    assert (waiting["status"], waiting["observedValue"]) == ("warn", 1)
    found = await scraped(client)
    assert found["arrears_quarantine_records", "schema"] == 1
    assert found["arrears_parked_customers", "elsewhere"] == 1
    assert found["arrears_parked_customers", "here"] == 0
    await what_is_stopped_is_seen(client, app)
    await app.relay.pause()
    async with app.engine.begin() as tx:
        await tx.execute(
            text("""
                INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, time,
                    causationid, correlationid, traceparent, written_at)
                VALUES ('e', 'scheduler', 'C1', 'arrears.none', '{}', now(), '', '', '', now() - interval '2 min')
            """)
        )
    body = await until(lambda: health(client), lambda body: body["status"] == "fail")
    (note,) = body["notes"]
    assert note.startswith("outbox: its oldest row waits for 12")
    assert (await client.get("/readyz")).json()["reasons"] == [note]
    assert (await client.get("/livez")).status_code == 200
    app.relay.resume()
    await until(lambda: health(client), lambda body: body["status"] == "warn")


async def what_is_stopped_is_seen(client, app):
    now = app.clock.now()
    async with app.engine.begin() as tx:
        what = controls.Filter(channel="sms")
        stopped = await controls.stop(tx, what, reason="a test", by="op-1", at=now)
        await tx.execute(
            text("""
                INSERT INTO mass_failure (failure_id, fingerprint, code_version, customers, failed, tried, at)
                VALUES ('m', 'KeyError at services/x.py:1', :code, 20, 20, 20, :at)
            """),
            {"code": code_version(), "at": now},
        )
    body = await until(lambda: health(client), lambda body: body["status"] == "fail")
    assert "stopped after a mass failure: KeyError at services/x.py:1" in body["notes"]
    (stops,) = body["checks"]["controls:stops"]
    assert (stops["observedValue"], stops["output"]) == (1, "channel sms is stopped")
    found = await scraped(client)
    assert found["arrears_stops",] == found["arrears_mass_failure",] == 1
    assert found["arrears_fuse_tripped", "sms"] == 0
    async with app.engine.begin() as tx:
        await tx.execute(text("DELETE FROM mass_failure"))
        await controls.resume(tx, stopped.stop_id, reason="done", by="op-1", at=now)
    await until(lambda: health(client), lambda body: not body["notes"])


async def test_metrics_are_there_without_the_broker(run, kafka_server, proxy):
    async with run(kafka=kafka_server.extra_bootstrap) as client:
        await until(lambda: scraped(client), lambda m: m["arrears_ready",] == 1 and lags(m))
        proxy.share = 1.0
        proxy.disconnect()
        down = lambda m: m["arrears_dependency_up", "broker"] == 0  # noqa: E731
        found = await until(lambda: scraped(client), down)
        assert found["arrears_ready",] == 0
        assert found["arrears_dependency_up", "database"] == 1
        assert found["arrears_outbox_rows",] == 0
        assert not lags(found)
        proxy.share = 0.0
