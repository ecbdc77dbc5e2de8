"""What customers declare and the bank did, over HTTP: each kind becomes its fact, and says when it happened."""

from datetime import timedelta
from typing import get_args

from sqlalchemy import text

from services.scheduler.declaring import KINDS
from services.scheduler.declaring_bank import BankAct
from services.scheduler.main import PARTS
from shared.events.registry import TYPE_OF
from shared.permits.ways_in import DECLARATIONS, WAYS
from tests.http.conftest import bearer, client_of
from tests.http.declared import BODIES
from tests.http.test_commands import NOW, known, post, refused, running  # noqa: F401  a fixture

AGO = (NOW - timedelta(days=2)).isoformat()
PATH = "/customers/S1/declarations"


async def facts(client):
    """The facts in the inbox by their id: type and payload."""
    async with client.app.state.runtime.engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, type, payload FROM inbox"))
        return {row.id: (row.type, row.payload) for row in rows}


async def test_every_kind_becomes_its_fact(running):  # noqa: F811
    assert set(BODIES) == set(KINDS)
    async with running(PARTS) as client:
        await known(client, "S1")
        attorney = await post(
            client, PATH, {"kind": "attorney", "represented": True}, "an-attorney"
        )
        held = attorney.json()["about"]
        for kind, body in BODIES.items():
            told = body | ({"hold_id": held} if "hold_id" in body else {})
            answer = await post(
                client, PATH, {"kind": kind, "occurred_at": AGO, **told}, f"k-{kind}-1"
            )
            assert answer.status_code == 202, answer.text
            again = await post(
                client, PATH, {"kind": kind, "occurred_at": AGO, **told}, f"k-{kind}-1"
            )
            assert again.text == answer.text
        saved = await facts(client)
    for kind in BODIES:
        type_, payload = saved[f"k-{kind}-1"]
        assert type_ == TYPE_OF[KINDS[kind].model]
        assert payload["occurred_at"].startswith(AGO[:19])
        assert (payload["by"], payload["customer_id"]) == ("developer", "S1")
        said = {value for value in BODIES[kind].values() if isinstance(value, str)}
        assert said - {"the attorney's"} <= {
            value for value in payload.values() if isinstance(value, str)
        }


def test_the_ways_in_name_the_kinds_that_there_are():
    ways = {(way.kind, way.event) for way in WAYS if way.route == DECLARATIONS}
    assert ways == {(kind, TYPE_OF[body.model]) for kind, body in KINDS.items()}


async def test_what_begins_without_a_number_gets_one(running):  # noqa: F811
    async with running(PARTS) as client:
        await known(client, "S1")
        body = {"kind": "plan_active", "account_ids": ["A1"]}
        made = (await post(client, PATH, body, "a-plan-of-1")).json()["about"]
        assert (await facts(client))["a-plan-of-1"][1]["case"] == made
        named = await post(client, PATH, body | {"case": "PL-1"}, "a-plan-of-2")
        assert named.json()["about"] == "PL-1"


REFUSED = [
    ({"kind": "cease", "occurred_at": (NOW + timedelta(hours=1)).isoformat()}, "occurred_at"),
    ({"kind": "cease", "occurred_at": "1999-01-01T00:00:00Z"}, "occurred_at"),
    ({"kind": "cease", "account_ids": ["A1", "A9"]}, "account_ids.1"),
    ({"kind": "third_party_refused", "point_id": "p9"}, "point_id"),
    ({"kind": "consent", "consent": "time", "days": 1, "until_on": "2030-01-01"}, "until_on"),
    ({"kind": "consent", "consent": "quiet_ours"}, "consent"),
    ({"kind": "plan_broken", "case": "PL-9"}, "case"),
    ({"kind": "opt_in", "scope": "topic"}, "topic"),
    ({"kind": "opt_out", "scope": "caller", "channel": "sms"}, "channel"),
    ({"kind": "opt_out", "scope": "point", "point_id": "p1", "topic": "x"}, "point_id"),
    # Without an offset an instant, and without a debt a notice, are refused by the document itself.
    ({"kind": "cease", "occurred_at": "2026-03-01T09:00:00"}, "cease.occurred_at"),
    ({"kind": "default_notice"}, "default_notice.account_ids"),
]


async def test_what_is_refused_names_the_field_and_changes_nothing(running):  # noqa: F811
    async with running(PARTS) as client:
        await known(client, "S1")
        for body, field in REFUSED:
            assert await refused(client, PATH, body) == [f"body.{field}"]
        released = {"kind": "attorney_released", "hold_id": "none"}
        assert await refused(client, PATH, released, status=404) == []
        assert "key-refused-1" not in await facts(client)


async def test_the_bank_s_acts_are_not_for_agents(running):  # noqa: F811
    acts = {kind for kind, body in KINDS.items() if body in get_args(BankAct)}
    assert "default_notice" in acts
    assert "opt_out" not in acts
    async with running(PARTS) as client:
        await known(client, "S1")
        async with client_of(client.app, **bearer("agent", regions=["*"])) as agent:
            for kind, body in BODIES.items():
                answer = await post(agent, PATH, {"kind": kind, **body}, f"agent-{kind}")
                wanted = 403 if kind in acts else 404 if "hold_id" in body else 202
                assert answer.status_code == wanted, answer.text
        async with client_of(client.app, **bearer("legal")) as legal:
            told = {"kind": "default_notice", "account_ids": ["A1"]}
            assert (await post(legal, PATH, told, "legal-notice")).status_code == 202
