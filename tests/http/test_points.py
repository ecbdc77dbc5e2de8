"""Contact points over HTTP: masked for all who may read cases, in clear for few, with a reason that is kept."""

import pytest
from sqlalchemy import text

from shared.audit.acts import acts_of
from shared.border import PointValue
from shared.testing import START
from shared.vault import Deposit, VaultWriter
from tests.database.support import KEYS
from tests.http.conftest import bearer, client_of

ROUTE = "/customers/C1/contact-points"
VALUES = (
    PointValue("m1", "mobile", "13812348888", "CN"),
    PointValue("p1", "postal", "上海市静安区南京西路1号", "CN"),
)
CLEAR = {"unmask": "true", "reason": "the customer asks which number we have"}


async def test_values_are_masked_and_each_view_in_clear_is_recorded(run):
    async with run() as client:
        app, engine = client.app, client.app.state.runtime.engine
        async with engine.begin() as tx:
            await VaultWriter(KEYS).store(tx, [Deposit("C1", START, "E1", VALUES)])
            await tx.execute(
                text(
                    "INSERT INTO cases (customer_id, partition, stage, state, state_version, region)"
                    " VALUES ('C1', 0, 'contacting', '{}', 1, 'SH')"
                )
            )
        await masked_for_an_agent(app)
        await in_clear_for_few(app, engine)
        await (await engine.connect()).close()


async def masked_for_an_agent(app):
    async with client_of(app, **bearer("agent", regions=["SH"])) as agent:
        answer = (await agent.get(ROUTE)).json()
        assert answer["masked"] is True
        assert [point["value"] for point in answer["contact_points"]] == [
            "138****8888",
            "上海市****",
        ]
        refused = await agent.get(ROUTE, params=CLEAR)
        assert (refused.status_code, refused.json()["type"]) == (
            403,
            "urn:arrears:problem:forbidden",
        )
    async with client_of(app, **bearer("agent", regions=["BJ"])) as other:
        assert (await other.get(ROUTE)).status_code == 404


async def in_clear_for_few(app, engine):
    async with client_of(app, **bearer("compliance", subject="u-17", regions=["*"])) as officer:
        for reason in ("", "  ", "card 4111 1111 1111 1111", "two\nlines"):
            answer = await officer.get(ROUTE, params=CLEAR | {"reason": reason})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] == "query.reason"
            assert "4111" not in answer.text
        assert (await officer.get("/customers/C9/contact-points", params=CLEAR)).status_code == 404
        answer = (await officer.get(ROUTE, params=CLEAR)).json()
        assert answer["masked"] is False
        assert [point["value"] for point in answer["contact_points"]] == [v.value for v in VALUES]
    async with engine.connect() as connection:
        (act,) = await acts_of(connection, "C1")
        assert (act.actor, act.act, act.reason) == ("u-17", "unmask", CLEAR["reason"])
        assert await acts_of(connection, "C9") == []


@pytest.mark.parametrize("place", ["id", "reason"])
async def test_a_card_number_in_a_free_field_is_refused_with_the_field_and_not_the_value(
    run, place
):
    card = "4111111111111111"
    body = {
        "type": "provider.receipt",
        "id": card if place == "id" else "R1",
        "time": "2026-03-02T04:00:00Z",
        "data": {
            "customer_id": "C1", "effect_id": "E1", "outcome": "failed",
            "reason": f"no answer, card {card}" if place == "reason" else "busy",
        },
    }  # fmt: skip
    async with run() as client:
        answer = await client.post("/webhooks/outcomes", json=body)
        assert answer.status_code == 422
        expected = "body.id" if place == "id" else "body.data.reason"
        assert answer.json()["errors"] == [
            {"field": expected, "message": "holds a payment card number"}
        ]
        assert card not in answer.text
