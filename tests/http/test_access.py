"""Who gets in, and who sees what, on one running service."""

import pytest
from fastapi import APIRouter
from sqlalchemy import text

from services.notifier.main import PARTS
from shared.http import create_app
from shared.runtime import Parts
from tests.http.conftest import bearer, client_of, settings


async def test_scopes_and_reach_on_a_running_service(run):
    async with run() as client:
        app = client.app
        async with app.state.runtime.engine.begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO cases (customer_id, partition, stage, state, state_version, last_now,"
                    " region, portfolio) VALUES ('C1', 0, 'contacting', '{}', 1, now(), 'SH', 'bank'),"
                    " ('C2', 0, 'contacting', '{}', 1, now(), 'BJ', 'bank'),"
                    " ('C3', 0, 'contacting', '{}', 1, now(), 'SH', 'fund')"
                )
            )
        await nobody_gets_in_without_a_token(app)
        await a_role_without_the_scope_is_refused(app)
        await lists_and_objects_follow_the_reach(app)


async def nobody_gets_in_without_a_token(app):
    async with client_of(app, accept="*/*") as nobody:
        for path in ("/cases", "/cases/C1", "/worklist", "/nowhere", "/health", "/metrics"):
            answer = await nobody.get(path)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == 'Bearer realm="arrears"'
        for path in ("/livez", "/readyz"):
            assert (await nobody.get(path)).status_code in (200, 503)


async def a_role_without_the_scope_is_refused(app):
    async with client_of(app, **bearer("provider")) as provider:
        answer = await provider.get("/cases")
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:arrears:problem:forbidden"
        assert 'scope="cases:read"' in answer.headers["www-authenticate"]


async def lists_and_objects_follow_the_reach(app):
    seen = {
        (): [],
        ("regions", "SH"): ["C1", "C3"],
        ("portfolios", "bank"): ["C1", "C2"],
        ("regions", "*"): ["C1", "C2", "C3"],
    }
    for limit, customers in seen.items():
        limits = {limit[0]: [limit[1]]} if limit else {}
        async with client_of(app, **bearer("agent", **limits)) as agent:
            listed = (await agent.get("/cases")).json()["cases"]
            assert [case["customer_id"] for case in listed] == customers
            for customer in ("C1", "C2", "C3"):
                expected = 200 if customer in customers else 404
                assert (await agent.get(f"/cases/{customer}")).status_code == expected
    async with client_of(app, **bearer("agent", regions=["SH"], portfolios=["fund"])) as agent:
        listed = (await agent.get("/cases")).json()["cases"]
        assert [case["customer_id"] for case in listed] == ["C3"]


def test_a_route_without_a_scope_stops_the_start(database):
    router = APIRouter()
    router.add_api_route("/bare", lambda: "anybody may")
    with pytest.raises(RuntimeError, match=r"/bare"):
        create_app(Parts(PARTS.reactor, router=router), settings(database, kafka="none:1"))
