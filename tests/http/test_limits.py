"""The rings around a service's routes: sizes, shapes, rates, time, and errors that say nothing of what is inside."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from shared.clock import SystemClock
from shared.http.access import needs
from shared.http.app import guard
from shared.http.rates import Buckets
from tests.http.conftest import bearer, client_of, settings

SECRET = "13800001111"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def app(**fields: Any) -> FastAPI:
    """An application with the rings of a service, and routes that misbehave."""
    made = FastAPI()
    guard(made, settings("postgresql+asyncpg://nowhere/none", **fields), SystemClock())

    @made.post("/echo", dependencies=[needs("commands:give")])
    async def echo(body: Any = None) -> dict[str, str]:
        return {"said": type(body).__name__}

    @made.get("/things/{number}", dependencies=[needs("cases:read")])
    async def thing(number: int) -> int:
        return number

    @made.get("/fails", dependencies=[needs("cases:read")])
    async def fails() -> None:
        raise RuntimeError(SECRET)

    @made.get("/database", dependencies=[needs("cases:read")])
    async def database() -> None:
        raise OperationalError(f"SELECT '{SECRET}'", {}, OSError(SECRET))

    @made.get("/waits", dependencies=[needs("cases:read")])
    async def waits() -> None:
        await asyncio.Event().wait()

    return made


def agent(made: FastAPI) -> httpx2.AsyncClient:
    return client_of(made, **bearer("agent", "provider"))


def is_problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["type"] == f"urn:arrears:problem:{slug}"
    assert content["status"] == status
    assert content["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text
    return content


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


BODIES = {
    "too deep": (nested(65), "body", "deeper than 64"),
    "much too deep": (nested(30_000), "body", "deeper than 64"),
    "deep objects": (b'{"a":' * 65 + b"1" + b"}" * 65, "body", "deeper than 64"),
    "long string": (json.dumps({"a": "x" * 16_385}).encode(), "body", "longer than 16384"),
    "long name": (json.dumps({"x" * 16_385: 1}).encode(), "body", "longer than 16384"),
    "NUL": (b'{"a": "\\u0000"}', "body", "NUL"),
    "NaN": (b'{"a": NaN}', "body", "not JSON"),
    "lone surrogate": (b'{"a": "\\ud800"}', "body", "not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "body", "not JSON"),
    "two values": (b"{} {}", "body", "not JSON"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_bodies_that_no_field_can_take_are_refused(name):
    body, field, message = BODIES[name]
    async with agent(app()) as client:
        answer = await client.post(
            "/echo", content=body, headers={"content-type": "application/json"}
        )
    (error,) = is_problem(answer, 422, "invalid")["errors"]
    assert error["field"] == field
    assert message in error["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
async def test_other_bodies_than_plain_json_are_refused(headers):
    async with agent(app()) as client:
        is_problem(
            await client.post("/echo", content=b"{}", headers=headers),
            415,
            "unsupported-media-type",
        )


async def test_what_fits_is_taken():
    async with agent(app()) as client:
        for body in (nested(64), b'{"a": "\\\\u0000"}', json.dumps("x" * 16_384).encode()):
            answer = await client.post(
                "/echo", content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 200, answer.text
        assert (await client.post("/echo")).status_code == 200


async def test_targets_and_headers_are_bounded():
    async with agent(app()) as client:
        is_problem(await client.get(f"/things/{'9' * 5000}"), 414, "target-too-long")
        is_problem(await client.get("/things/1", params={"a": "b" * 5000}), 414, "target-too-long")
        is_problem(await client.get("/things/1%00"), 422, "invalid")
        is_problem(await client.get("/things/1?a=%00"), 422, "invalid")
        many = {f"x-{number}": "1" for number in range(120)}
        is_problem(await client.get("/things/1", headers=many), 431, "headers-too-large")
        large = {"x-large": "1" * 17_000}
        is_problem(await client.get("/things/1", headers=large), 431, "headers-too-large")
        is_problem(await client.delete("/things/1"), 405, "method-not-allowed")
        is_problem(await client.get("/nowhere"), 404, "not-found")


async def test_errors_say_nothing_of_what_is_inside_neither_does_the_log():
    async with agent(app()) as client:
        with capture_logs() as lines:
            is_problem(await client.get("/fails"), 500, "internal")
            is_problem(await client.get("/database"), 503, "unavailable")
            is_problem(await client.get(f"/things/{SECRET}x"), 422, "invalid")
    assert [line["event"] for line in lines] == ["request_failed", "request_failed"]
    assert [line["error"] for line in lines] == ["RuntimeError", "OperationalError"]
    assert "test_limits.py" in lines[0]["at"][-1]
    assert SECRET not in str(lines)


async def test_a_request_is_named_by_the_callers_trace_or_by_us():
    async with agent(app()) as client:
        ours = [
            (await client.get("/things/1")).headers["x-request-id"],
            (await client.get("/things/1")).headers["x-request-id"],
            (await client.get("/things/1", headers={"traceparent": "x"})).headers["x-request-id"],
        ]
        assert len(set(ours)) == 3
        traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        content = is_problem(await client.get("/nowhere", headers=traced), 404, "not-found")
        assert content["request_id"] == TRACE


async def test_what_takes_too_long_and_what_is_too_much_at_once_is_refused():
    made = app(request_seconds=0.2, most_requests=2)
    async with agent(made) as client:
        waiting = [asyncio.create_task(client.get("/waits")) for _ in range(2)]
        await asyncio.sleep(0)
        busy = await client.get("/waits")
        while busy.status_code != 503 or "overloaded" not in busy.text:
            busy = await client.get("/things/1")
        assert busy.headers["retry-after"] == "1"
        is_problem(busy, 503, "overloaded")
        assert (await client.get("/livez")).status_code == 404
        for answer in await asyncio.gather(*waiting):
            is_problem(answer, 503, "too-slow")
        assert (await client.get("/things/1")).status_code == 200


async def test_a_caller_who_asks_too_often_waits_and_others_do_not():
    made = app(rate_read=1, rate_write=1)
    async with agent(made) as client, client_of(made, **bearer("agent", subject="other")) as other:
        for _ in range(4):
            assert (await client.get("/things/1")).status_code == 200
        refused = await client.get("/things/1")
        is_problem(refused, 429, "too-many-requests")
        assert refused.headers["retry-after"] == "1"
        assert (await other.get("/things/1")).status_code == 200
        assert (await client.post("/echo")).status_code == 200
        assert (await client.get("/livez")).status_code == 404


async def test_who_is_refused_too_often_fills_no_log():
    made = app(rate_refused=1)
    async with client_of(made, accept="*/*") as nobody:
        with capture_logs() as lines:
            answers = [(await nobody.get("/things/1")).status_code for _ in range(10)]
    assert answers == [401] * 4 + [429] * 6
    assert len(lines) == 4


def test_a_bucket_fills_again_with_time_and_the_oldest_is_forgotten():
    now = [0.0]
    buckets = Buckets(
        {"read": 2.0, "write": 1.0, "report": 1.0, "refused": 1.0}, monotonic=lambda: now[0]
    )
    assert [buckets.take("a", "read") for _ in range(9)] == [0.0] * 8 + [0.5]
    now[0] = 0.5
    assert [buckets.take("a", "read") for _ in range(2)] == [0.0, 0.5]
    now[0] = 100.0
    assert [buckets.take("a", "read") for _ in range(9)] == [0.0] * 8 + [0.5]
    for number in range(10_000):
        buckets.take(str(number), "read")
    assert buckets.take("a", "read") == 0.0
