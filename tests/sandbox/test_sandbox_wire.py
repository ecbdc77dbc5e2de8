"""The sandbox over real sockets, unstepped, and with the faults of a bad line."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn

from shared.sandbox.app import SandboxSettings, create_sandbox_app
from tests.sandbox.sandbox_running import NOON, Sandbox, Service, sandbox, with_story

DELIVERED = with_story("contact.sms", "sent", "delivered")
LETTER = with_story("contact.letter", "sent", "delivered")


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  what is waited for is in another task
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app):
    """*app* behind a real socket on a free loopback port; answers its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def sandbox_on_the_wire(folder, service, **fields):
    async with serving(service.app()) as base:
        settings = SandboxSettings(
            log=folder / "sandbox.jsonl", callback_base={"notifier": base}, **fields
        )
        async with (
            serving(create_sandbox_app(settings)) as address,
            httpx2.AsyncClient(base_url=address, timeout=5) as http,
        ):
            yield Sandbox(http, settings.log)


async def test_a_step_over_real_sockets(tmp_path):
    service = Service()
    async with sandbox_on_the_wire(tmp_path, service, stepped=True) as running:
        await running.set_clock(NOON)
        first, again = await running.hand_over(DELIVERED), await running.hand_over(DELIVERED)
        assert first.json() == again.json()
        await running.set_clock("2026-03-02T10:00:00Z")
        assert await running.deliver() == 1
        assert service.told() == ["delivered"]


async def test_unstepped_and_without_patience_all_outcomes_come_at_once(tmp_path):
    service = Service()
    async with sandbox_on_the_wire(tmp_path, service, time_scale=0) as running:
        await running.hand_over(LETTER, kind="contact.letter")
        await until(lambda: service.took)
        assert service.told() == ["delivered"]
        assert (await running.http.post("/_step/deliver")).status_code == 404


async def test_unstepped_by_the_machine_s_clock_a_letter_takes_days(tmp_path):
    service = Service()
    async with sandbox(tmp_path, service, stepped=False) as running:
        await running.hand_over(LETTER, kind="contact.letter")
        await asyncio.sleep(0.1)
        assert service.took == []


async def test_unstepped_a_service_that_comes_back_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.sandbox.callbacks.FIRST_PAUSE", 0.001)
    service = Service(refuse=20)
    async with sandbox(tmp_path, service, stepped=False, time_scale=0) as running:
        await running.hand_over(DELIVERED)
        await until(lambda: service.took)
        assert service.told() == ["delivered"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_an_answer_that_is_lost_was_accepted_all_the_same(tmp_path):
    async with sandbox_on_the_wire(tmp_path, Service(), time_scale=0, lose_share=1) as running:
        with pytest.raises(httpx2.TransportError):
            await running.hand_over(DELIVERED)
        assert (await running.http.get(f"/effects/{DELIVERED}")).json()["outcome"] == "sent"
        assert [line["first"] for line in running.lines("request")] == [True]


async def test_an_answer_of_500_was_accepted_all_the_same(tmp_path):
    async with sandbox(tmp_path, Service(), fail_share=1) as running:
        await running.set_clock(NOON)
        assert (await running.hand_over(DELIVERED)).status_code == 500
        assert (await running.hand_over(DELIVERED)).status_code == 500
        assert [line["first"] for line in running.lines("request")] == [True, False]
        assert (await running.http.get(f"/effects/{DELIVERED}")).status_code == 200


async def test_faults_follow_from_the_seed_and_a_retry_may_pass(tmp_path):
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        async with sandbox(folder, Service(), fail_share=0.5) as running:
            await running.set_clock(NOON)
            found.append([(await running.hand_over(DELIVERED)).status_code for _ in range(20)])
    assert found[0] == found[1]
    assert set(found[0]) == {200, 500}


async def test_a_webhook_may_be_sent_twice(tmp_path):
    service = Service()
    async with sandbox(tmp_path, service, repeat_share=1) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        await running.set_clock("2026-03-02T10:00:00Z")
        assert await running.deliver() == 1
        first, second = service.took
        assert first == second


async def test_a_service_that_fails_does_not_hold_up_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.sandbox.callbacks.ATTEMPTS", 1)
    service = Service(refuse=1)
    async with sandbox(tmp_path, service) as running:
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        await running.hand_over(LETTER, kind="contact.letter", service="visits", customer_id="C2")
        await running.set_clock("2026-04-02T10:00:00Z")
        assert (await running.http.post("/_step/deliver")).status_code == 502
        assert len(service.took) == 1
        assert await running.deliver() == 1


async def test_a_service_that_is_not_there_is_as_one_that_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.sandbox.callbacks.ATTEMPTS", 2)
    nobody = {"notifier": "http://127.0.0.1:1"}
    settings = SandboxSettings(log=tmp_path / "log.jsonl", callback_base=nobody, stepped=True)
    app = create_sandbox_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://sandbox") as http,
    ):
        running = Sandbox(http, settings.log)
        await running.set_clock(NOON)
        await running.hand_over(DELIVERED)
        await running.set_clock("2026-03-02T10:00:00Z")
        assert (await http.post("/_step/deliver")).status_code == 502
        assert await running.next_due() == "2026-03-02T10:00:00Z"
