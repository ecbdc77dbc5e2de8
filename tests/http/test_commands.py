"""Commands and declarations over HTTP, on one running scheduler: one request, one fact; refusals name the field."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.legal.main import PARTS as LEGAL
from services.scheduler.main import PARTS as SCHEDULER
from services.visits.main import PARTS as VISITS
from shared.canonical import canonical
from shared.clock import SystemClock
from shared.events import core_banking
from shared.http.commands import REPLAYED
from shared.testing import fact
from tests.database.support import always, record
from tests.domain.legal import stories as court
from tests.domain.visits import stories as visits
from tests.http.conftest import bearer, client_of

NOW = SystemClock().now()
TODAY = NOW.date()
CARD, ID, PHONE = "4111 1111 1111 1111", "11010519491231002X", "13800138000"
COMMANDS = {
    "holds": {"until_on": str(TODAY + timedelta(days=9))},
    "notes": {"text": "is looking for work"},
    "promises": {"promised_on": str(TODAY), "amount_minor": 100, "currency": "CNY"},
    "payment-claims": {"account_id": "A1", "paid_on": str(TODAY)},
    "contact-bans": {},
    "disputes": {"account_id": "A1", "written": True},
    "complaints": {},
    "hardships": {},
    "close": {"cause": "goodwill"},
}
DECLARATIONS = [
    {"kind": "opt_out", "scope": "channel", "channel": "sms"},
    {"kind": "opt_out", "scope": "point", "point_id": "p1"},
    {"kind": "dispute", "account_id": "A1"},
    {"kind": "do_not_call"},
    {"kind": "inconvenient_times", "windows": [{"start": "22:00", "end": "10:00", "days": [1]}]},
    {"kind": "attorney", "represented": True},
]


@pytest.fixture
def running(run):
    """Run a service in which nobody ticks: Kafka is one for all tests here, so nothing may be published."""

    @asynccontextmanager
    async def stepped(parts):
        async with run(parts, stepped=True) as client:
            client.app.state.runtime.clock.set(SystemClock().now())
            yield client

    return stepped


async def known(client, customer):
    """Let core banking tell of a customer who owes something."""
    point = core_banking.ContactPoint(point_id="p1", kind="mobile", party="debtor")
    told = (
        core_banking.CustomerUpdated(
            customer_id=customer, language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-31",
            jurisdiction=core_banking.Jurisdiction(country="CN"), contact_points=(point,),
        ),
        core_banking.PaymentMissed(
            customer_id=customer, account_id="A1", instalment_id="I1", amount_minor=1000, currency="CNY",
            due_on=TODAY - timedelta(days=5),
        ),
    )  # fmt: skip
    shell = client.app.state.runtime.shell
    facts = [fact(data, NOW) for data in told]
    await shell.handle([record(event, n) for n, event in enumerate(facts)], fresh=always)


async def post(client, path, body, key, **headers):
    sent = {"reason": "they rang us", **body}
    return await client.post(path, json=sent, headers={"Idempotency-Key": key, **headers})


async def refused(client, path, body, key="key-refused-1", status=422):
    answer = await post(client, path, body, key)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json().get("errors", [])]


async def state(client, customer):
    return (await client.get(f"/cases/{customer}")).json()["state"]


async def test_each_command_and_declaration_is_one_request(running):
    async with running(SCHEDULER) as client:
        await known(client, customer="S1")
        for path, body in COMMANDS.items():
            answer = await post(client, f"/cases/S1/{path}", body, f"command-{path}")
            assert answer.status_code == 202, answer.text
            assert answer.json()["id"] == f"command-{path}"
            assert answer.json()["source"].startswith("/commands/")
            assert answer.headers[REPLAYED] == "false"
        for number, body in enumerate(DECLARATIONS):
            answer = await post(client, "/customers/S1/declarations", body, f"declaration-{number}")
            assert answer.status_code == 202, answer.text
        stored = await state(client, "S1")
        assert {halt["reason"] for halt in stored["halts"].values()} == {
            "person", "says_paid", "dispute", "complaint", "hardship", "attorney",
        }  # fmt: skip
        log = stored["log"].values()
        optouts = [entry for entry in log if entry["type"] == "optout"]
        assert {entry.get("channel") or entry["point"] for entry in optouts} == {
            "call",
            "sms",
            "p1",
        }
        declared = [entry for entry in log if entry["type"] == "inconvenient.declared"]
        assert (len(stored["promises"]), len(declared)) == (1, 1)
        await a_hold_is_released_by_the_id_that_was_answered(client)
        await what_is_refused(client)
        await who_may_not(client)


async def a_hold_is_released_by_the_id_that_was_answered(client):
    hold_id = (await post(client, "/cases/S1/holds", {}, "another-hold")).json()["about"]
    assert hold_id in (await state(client, "S1"))["halts"]
    answer = await post(client, f"/cases/S1/holds/{hold_id}/release", {}, "let-it-go")
    assert (answer.status_code, answer.json()["about"]) == (202, hold_id)
    assert hold_id not in (await state(client, "S1"))["halts"]
    await refused(client, "/cases/S1/holds/none/release", {}, status=404)


async def what_is_refused(client):
    for number in (CARD, ID, PHONE):
        said = f"the number is {number}"
        assert await refused(client, "/cases/S1/holds", {"reason": said}) == ["body.reason"]
        assert await refused(client, "/cases/S1/notes", {"text": said}) == ["body.text"]
    dated = {"text": "from 2026-03-12 - 2026-03-19, again 2026-04-02"}
    assert (await post(client, "/cases/S1/notes", dated, "note-with-dates")).status_code == 202
    far = {"until_on": "9999-12-31"}
    assert await refused(client, "/cases/S1/holds", far) == ["body.until_on"]
    assert await refused(client, "/cases/S1/holds", {"reason": ""}) == ["body.reason"]
    assert await refused(client, "/cases/S1/holds", {"reason": "x" * 501}) == ["body.reason"]
    assert await refused(client, "/cases/S1/holds", {"by": "somebody"}) == ["body.by"]
    alone = {"promised_on": str(TODAY), "amount_minor": 5}
    assert await refused(client, "/cases/S1/promises", alone) == ["body.currency"]
    strange = {"account_id": "A9"}
    assert await refused(client, "/cases/S1/disputes", strange) == ["body.account_id"]
    declare = "/customers/S1/declarations"
    misspelt = {"kind": "opt_out", "scope": "point", "point_id": "p9"}
    assert await refused(client, declare, misspelt) == ["body.point_id"]
    assert await refused(client, declare, {"kind": "opt_out", "scope": "channel"}) == [
        "body.channel"
    ]
    assert await refused(client, declare, {"kind": "name", "name": "X"}) == ["body"]
    assert await refused(client, "/cases/S1/holds", {}, key="short") == ["header.Idempotency-Key"]
    assert await refused(client, "/cases/S1/holds", {}, key=PHONE) == ["header.Idempotency-Key"]
    without = await client.post("/cases/S1/holds", json={"reason": "no key"})
    assert without.status_code == 422
    await refused(client, "/cases/nobody/holds", {}, status=404)
    await refused(client, "/customers/nobody/declarations", {"kind": "do_not_call"}, status=404)


async def who_may_not(client):
    async with client_of(client.app, **bearer("agent", regions=["CN-44"])) as elsewhere:
        await refused(elsewhere, "/cases/S1/holds", {}, status=404)
        await refused(elsewhere, "/customers/S1/declarations", {"kind": "do_not_call"}, status=404)
    async with client_of(client.app, **bearer("auditor")) as auditor:
        assert (await post(auditor, "/cases/S1/holds", {}, "an-auditor")).status_code == 403


async def test_b2_24_one_key_has_one_effect(running):
    """Test 24: the same key 50 times in parallel, with another body, and after a restart."""
    body = {"until_on": str(TODAY + timedelta(days=3))}
    async with running(SCHEDULER) as client:
        await known(client, customer="S2")
        answers = await asyncio.gather(
            *(post(client, "/cases/S2/holds", body, "fifty-times") for _ in range(50))
        )
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.text for answer in answers}) == 1
        assert sorted(answer.headers[REPLAYED] for answer in answers) == ["false"] + ["true"] * 49
        await one_effect(client)
        other = await post(client, "/cases/S2/holds", {"until_on": str(TODAY)}, "fifty-times")
        assert (other.status_code, other.json()["type"]) == (422, "urn:arrears:problem:conflict")
        another = await post(client, "/cases/S2/complaints", {}, "fifty-times")
        assert another.json()["type"] == "urn:arrears:problem:conflict"
        await one_effect(client)
    async with running(SCHEDULER) as client:  # another process on the same database
        again = await asyncio.gather(
            *(post(client, "/cases/S2/holds", body, "fifty-times") for _ in range(10))
        )
        assert {answer.text for answer in again} == {answers[0].text}
        assert {answer.headers[REPLAYED] for answer in again} == {"true"}
        other = await post(client, "/cases/S2/holds", {}, "fifty-times")
        assert other.json()["type"] == "urn:arrears:problem:conflict"
        await one_effect(client)
        somebody = bearer("compliance", subject="u-8")
        theirs = await post(client, "/cases/S2/holds", body, "fifty-times", **somebody)
        assert theirs.json()["about"] != answers[0].json()["about"]  # a key is the caller's own


async def one_effect(client):
    assert len((await state(client, "S2"))["halts"]) == 1


async def with_case(client, state, customer):
    """Store a case as it would stand, so that nothing has to be decided."""
    values = {"c": customer, "state": canonical(state).decode(), "stage": state.stage}
    async with client.app.state.runtime.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO cases (customer_id, partition, stage, state, state_version) "
                "VALUES (:c, 0, :stage, CAST(:state AS jsonb), 1)"
            ),
            values,
        )


async def test_what_came_of_a_visit_is_recorded_by_a_person(running):
    async with running(VISITS) as client:
        await with_case(client, visits.scheduled().state, "C1")
        await refused(client, "/cases/C1/visits/none/outcome", {"outcome": "met"}, status=404)
        path = f"/cases/C1/visits/{visits.visit()}/outcome"
        assert await refused(client, path, {"outcome": "promised"}) == ["body.promised_on"]
        answer = await post(client, path, {"outcome": "met"}, "visit-outcome")
        assert (answer.status_code, answer.json()["about"]) == (202, visits.visit())
        assert (await state(client, "C1"))["visits"]["F1"]["report"] == {"outcome": "met"}


async def test_what_a_court_date_brought_is_recorded_by_a_person(running):
    async with running(LEGAL) as client:
        await with_case(client, court.filed().state, "C1")
        path = "/cases/C1/court-dates/none/outcome"
        await refused(client, path, {"outcome": "granted"}, status=404)
        filing = court.effect("filing", 2)
        path = f"/cases/C1/court-dates/{filing}/outcome"
        answer = await post(client, path, {"outcome": "granted", "case_no": "7"}, "court-outcome")
        assert (answer.status_code, answer.json()["about"]) == (202, filing)
        (proceedings,) = (await state(client, "C1"))["proceedings"].values()
        assert proceedings["sendings"][filing]["news"]["granted"]["case_no"] == "7"
