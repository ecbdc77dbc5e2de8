"""The reconciliation and the contact log over HTTP: scope, reach, bounds and pages."""

from services.notifier.domain import Correspondence
from services.notifier.main import PARTS as NOTIFIER
from services.scheduler.main import PARTS as SCHEDULER
from tests.http.conftest import bearer, client_of
from tests.http.test_commands import known, running, with_case

__all__ = ["running"]  # a fixture


async def test_the_reconciliation_is_read_page_by_page(running):
    async with running(SCHEDULER) as client:
        await known(client, customer="S3")
        answer = await client.get("/reconciliation")
        assert answer.status_code == 200
        body = answer.json()
        assert body | {"not_stated": 1} == {
            "accounts": [], "totals": [], "not_stated": 1, "next": None
        }  # fmt: skip
        assert body["not_stated"] >= 1, "what other tests sent to the broker is read here too"
        page = await client.get("/reconciliation", params={"after": "S2", "limit": 1})
        assert page.json()["next"] == "S3"
        assert (await client.get("/reconciliation?limit=501")).status_code == 422
        async with client_of(client.app, **bearer("agent", regions=["*"])) as agent:
            assert (await agent.get("/reconciliation")).status_code == 403


async def test_the_contact_log_needs_a_scope_a_known_customer_and_days(running):
    async with running(NOTIFIER) as client:
        await with_case(client, Correspondence(), "S4")
        days = {"from": "2026-03-01", "to": "2026-03-31"}
        answer = await client.get("/customers/S4/contacts", params=days)
        assert answer.json() == {"contacts": [], "next": None}
        assert (await client.get("/customers/S5/contacts", params=days)).status_code == 404
        for wrong in ({"to": "2026-02-01"}, {"zone": "Mars/Olympus"}, {"from": "0001-01-01"}):
            answer = await client.get("/customers/S4/contacts", params=days | wrong)
            assert answer.status_code == 422, wrong
        async with client_of(client.app, **bearer("agent", regions=["*"])) as agent:
            answer = await agent.get("/customers/S4/contacts", params=days)
            assert answer.status_code == 403
