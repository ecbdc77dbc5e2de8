"""Leave for a person's contact over HTTP: granted once, refused with the rules, in doubt not at all."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta

import pytest

from services.scheduler.main import PARTS
from shared.clock import SystemClock
from shared.events.common import CaseParked
from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentMissed,
)
from shared.events.registry import CORE_BANKING
from shared.http.commands import REPLAYED
from shared.messaging.decode import encode
from shared.messaging.kafka import close_client, new_producer, open_client
from shared.testing import fact
from tests.database.support import PARTITIONS, always, record
from tests.http.conftest import bearer, client_of
from tests.http.test_commands import post

TOMORROW = SystemClock().now().date() + timedelta(days=1)
NOON = datetime.combine(TOMORROW, time(4), UTC)
"""At noon of the customers, who live in Shanghai."""
NIGHT = datetime.combine(TOMORROW, time(15), UTC)
CALL = {"channel": "call", "point_id": "p1", "tags": ["institution_identity"]}


def facts(customer):
    points = (
        ContactPoint(point_id="p1", kind="mobile", party="debtor"),
        ContactPoint(point_id="p2", kind="landline", party="debtor"),
        ContactPoint(point_id="p3", kind="email", party="debtor"),
        ContactPoint(point_id="p4", kind="mobile", party="contact_person"),
    )
    told = (
        CustomerUpdated(
            customer_id=customer, language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-31",
            jurisdiction=Jurisdiction(country="CN"), contact_points=points,
        ),
        AccountUpdated(
            customer_id=customer, account_id="A1", product="credit_card", currency="CNY",
            creditor="BANK", collector_role="first_party",
        ),
        PaymentMissed(
            customer_id=customer, account_id="A1", instalment_id="I1", amount_minor=1000,
            currency="CNY", due_on=TOMORROW - timedelta(days=6),
        ),
    )  # fmt: skip
    return [fact(data, SystemClock().now()) for data in told]


async def at(client, instant):
    client.app.state.runtime.clock.set(instant)


@pytest.fixture
def running(run):
    """A scheduler in stepped mode at noon of its customers, who are known by what the shell was handed."""

    @asynccontextmanager
    async def stepped(*customers, instant=NOON):
        async with run(PARTS, stepped=True) as client:
            await at(client, instant)
            for customer in customers:
                told = [record(event, n) for n, event in enumerate(facts(customer))]
                await client.app.state.runtime.shell.handle(told, fresh=always)
            yield client

    return stepped


async def unread(kafka):
    """Put into every partition of core banking more than was read; other tests read it too, so it means nothing."""
    _, value, headers = encode(facts("S9")[0])
    nothing = [(name, b"of.no.type" if name == "ce_type" else told) for name, told in headers]
    producer = new_producer(kafka, client_id="core-banking")
    await open_client(producer)
    for partition in 8 * list(range(PARTITIONS)):
        await producer.send_and_wait(CORE_BANKING, value, partition=partition, headers=nothing)
    await close_client(producer)


async def ask(client, key, customer="S1", **body):
    return await post(client, f"/cases/{customer}/permits", {**CALL, **body}, key)


async def log(client, permit_id, customer="S1"):
    known = (await client.get(f"/cases/{customer}")).json()["state"]
    return known.get("log", {}).get(f"permit {permit_id}")


async def test_a_call_gets_its_permit_once_and_its_outcome_replaces_the_reservation(running):
    async with running("S1") as client:
        given = await ask(client, "call-S1-1")
        assert (given.status_code, given.headers[REPLAYED]) == (201, "false")
        told = given.json()
        assert datetime.fromisoformat(told["not_after"]) - NOON == timedelta(minutes=2)
        assert any(pack.startswith("cn-bank-consumer@") for pack in told["packs"])
        assert (await log(client, told["permit_id"]))["result"] == "pending"
        again = await ask(client, "call-S1-1")
        assert (again.status_code, again.text, again.headers[REPLAYED]) == (201, given.text, "true")
        other = await ask(client, "call-S1-1", point_id="p2")
        assert (other.status_code, other.json()["type"]) == (422, "urn:arrears:problem:conflict")
        path = f"/cases/S1/permits/{told['permit_id']}/outcome"
        spoke = {
            "result": "effective",
            "occurred_at": NOON.isoformat(),
            "promised_on": str(TOMORROW),
        }
        assert (await post(client, path, spoke, "outcome-S1-1")).status_code == 202
        entry = await log(client, told["permit_id"])
        assert (entry["result"], entry.get("expires")) == ("effective", None)
        assert len((await client.get("/cases/S1")).json()["state"]["promises"]) == 1


async def test_what_stands_in_the_way_is_named_and_when_it_ends(running):
    async with running("S1", instant=NIGHT) as client:
        refused = await ask(client, "call-S1-night", tags=[])
        told = refused.json()
        assert (refused.status_code, told["type"]) == (409, "urn:arrears:problem:not-permitted")
        assert refused.headers["content-type"] == "application/problem+json"
        rules = {each["rule"]: each["next"] for each in told["rules"]}
        morning = datetime.combine(TOMORROW + timedelta(days=1), time(0), UTC)
        assert rules["CN.TIME.QUIET"] == morning.isoformat().replace("+00:00", "Z")
        assert rules["CN.CONTENT.IDENTITY"] == "event"
        assert told["earliest_next"] == "event"
        again = await ask(client, "call-S1-night", tags=[])
        assert (again.status_code, again.json()["rules"]) == (409, told["rules"])
        assert await log(client, told["permit_id"]) is None
        later = await ask(client, "call-S1-night-2")
        assert later.json()["earliest_next"] == morning.isoformat().replace("+00:00", "Z")


async def test_what_is_not_the_customer_s_is_refused_at_once(running):
    async with running("S1") as client:
        for body, field in (
            ({"point_id": "p9"}, "body.point_id"),
            ({"point_id": "p3"}, "body.channel"),
            ({"account_ids": ["A1", "A9"]}, "body.account_ids.1"),
        ):
            answer = await ask(client, "call-S1-wrong", **body)
            assert [each["field"] for each in answer.json()["errors"]] == [field]
        body = {"result": "no_answer"}
        gone = await post(client, "/cases/S1/permits/none/outcome", body, "outcome-none")
        assert gone.status_code == 404
        given = (await ask(client, "call-S1-right")).json()
        body["occurred_at"] = (NOON + timedelta(hours=1)).isoformat()
        path = f"/cases/S1/permits/{given['permit_id']}/outcome"
        ahead = await post(client, path, body, "outcome-ahead")
        assert [each["field"] for each in ahead.json()["errors"]] == ["body.occurred_at"]


async def test_of_fifty_who_race_for_the_last_place_exactly_one_gets_it(running, run):
    """Two processes on one database: CN.FREQ.EFFECTIVE3 leaves one call after two conversations."""
    async with running("S2") as client, run(PARTS, stepped=True) as other:
        await at(other, NOON)
        for number in (1, 2):
            given = (await ask(client, f"talk-S2-{number}", "S2")).json()
            path = f"/cases/S2/permits/{given['permit_id']}/outcome"
            await post(client, path, {"result": "effective"}, f"talked-S2-{number}")
        answers = await asyncio.gather(
            *(ask((client, other)[n % 2], f"race-S2-{n}", "S2") for n in range(50))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
        full = [answer.json()["rules"] for answer in answers if answer.status_code == 409]
        assert {rule["rule"] for rules in full for rule in rules} == {"CN.FREQ.EFFECTIVE3"}
        ids = {answer.json()["permit_id"] for answer in answers}
        assert len(ids) == 50
        kept = (await client.get("/cases/S2")).json()["state"]["log"]
        calls = [entry["result"] for entry in kept.values() if entry["channel"] == "call"]
        assert sorted(calls) == ["effective", "effective", "pending"]
        one = next(n for n, answer in enumerate(answers) if answer.status_code == 201)
        repeats = await asyncio.gather(
            *(ask((client, other)[n % 2], f"race-S2-{one}", "S2") for n in range(20))
        )
        assert {(each.status_code, each.text) for each in repeats} == {(201, answers[one].text)}


async def test_while_a_payment_may_wait_nobody_gets_leave_and_nothing_is_kept(running, kafka):
    async with running("S1") as client:
        await client.app.state.runtime.consumer.pause()
        await unread(kafka)
        try:
            answer = await ask(client, "call-S1-stale")
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:arrears:problem:not-fresh",
            )
            assert answer.headers["Retry-After"] == "2"
        finally:
            client.app.state.runtime.consumer.resume()
        for _ in range(20):
            answer = await ask(client, "call-S1-stale")
            if answer.status_code != 503:
                break
        assert (answer.status_code, answer.headers[REPLAYED]) == (201, "false")


async def test_nobody_gets_leave_for_a_customer_whom_a_service_parks(running):
    async with running("S1") as client:
        parked = CaseParked(customer_id="S1", service="notifier", reason="decide_raised")
        event = fact(parked, NOON)
        shell = client.app.state.runtime.shell
        await shell.handle([record(event, 1, topic="notifier")], fresh=always)
        answer = await ask(client, "call-S1-parked")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:arrears:problem:not-fresh")


async def test_a_look_beforehand_says_the_same_and_reserves_nothing(running):
    async with running("S1") as client:
        query = {"channel": "call", "tag": "institution_identity"}
        seen = (await client.get("/cases/S1/permits", params=query)).json()
        allowed = {each["point_id"]: each["allowed"] for each in seen["points"]}
        assert allowed == {"p1": True, "p2": True, "p4": False}
        friend = next(each for each in seen["points"] if each["point_id"] == "p4")
        assert friend["party"] == "contact_person"
        assert "CN.WHO.PARTY" in {rule["rule"] for rule in friend["rules"]}
        night = {**query, "at": NIGHT.isoformat()}
        later = (await client.get("/cases/S1/permits", params=night)).json()["points"][0]
        assert not later["allowed"]
        assert datetime.fromisoformat(later["earliest_next"]) == datetime.combine(
            TOMORROW + timedelta(days=1), time(0), UTC
        )
        far = {**query, "at": (NOON + timedelta(days=501)).isoformat()}
        assert (await client.get("/cases/S1/permits", params=far)).status_code == 422
        assert (await client.get("/cases/S1")).json()["state"].get("log", {}) == {}
        async with client_of(client.app, **bearer("auditor")) as auditor:
            assert (await auditor.get("/cases/S1/permits", params=query)).status_code == 200
            denied = await post(auditor, "/cases/S1/permits", CALL, "an-auditor")
            assert denied.status_code == 403
