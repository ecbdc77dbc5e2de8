"""GET /cases/{customer_id}/trail: pages in order of time, for who may read it, of cases that they see."""

from shared.audit.acts import record_act
from shared.testing import START
from tests.http.conftest import bearer
from tests.http.test_service import problem, report


async def test_the_trail_of_a_case_page_by_page(run):
    async with run() as client:
        assert (await client.post("/webhooks/outcomes", json=report())).status_code == 202
        async with client.app.state.runtime.engine.begin() as tx:
            await record_act(
                tx,
                subject="C1",
                actor="agent-7",
                act="unmask",
                reason="call back",
                detail={},
                at=START,
            )
        whole = (await client.get("/cases/C1/trail")).json()
        assert whole["next"] is None
        act, fact = whole["entries"][:2]
        assert [act[name] for name in ("kind", "seq", "what", "who", "why")] == [
            "act", 1, "unmask", "agent-7", "call back",
        ]  # fmt: skip
        assert [fact[name] for name in ("kind", "seq", "what", "who")] == [
            "fact", 1, "provider.receipt", "/providers/sandbox",
        ]  # fmt: skip
        assert fact["data"]["outcome"] == "delivered"
        assert len(fact["link"]) == 64

        pages, after = [], ""
        while after is not None:
            page = (await client.get("/cases/C1/trail", params={"limit": 1, "after": after})).json()
            pages += page["entries"]
            after = page["next"]
        # a tick may have come in between the reads: it stands behind what was there
        assert pages[: len(whole["entries"])] == whole["entries"]

        await problem(client, "/cases/C9/trail", 404)
        for cursor in ("x", "1.2.3", f"{'9' * 200}.act.1", f"1.act.{'9' * 40}0x"):
            await problem(client, "/cases/C1/trail", 422, params={"after": cursor})
        await problem(client, "/cases/C1/trail", 403, headers=bearer("agent", regions=["CN-SH"]))
        huge = await client.get("/cases/C1/trail", params={"after": f"1.act.{'9' * 40}"})
        assert huge.status_code == 200
