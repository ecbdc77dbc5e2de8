"""Agencies over HTTP: placements, and reports of which every line is answered on its own."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services.legal.main import PARTS
from shared.clock import SystemClock
from tests.domain.legal import stories as court
from tests.http.conftest import bearer, client_of
from tests.http.test_commands import post, refused, running, state, with_case  # noqa: F401  a fixture

NOW = SystemClock().now()
DAY = timedelta(days=1)
PLACE = {"agency": "AG1", "on_public_list": True, "account_ids": ["A1"]}
UPLOAD = "/agencies/AG1/contacts"


def line(contact_id="K1", customer_id="C1", at=NOW - DAY, **more):
    told = {"channel": "call", "result": "no_answer", "occurred_at": at.isoformat(), **more}
    return {"contact_id": contact_id, "customer_id": customer_id, **told}


async def upload(client, *lines, agency="AG1", reason="of March"):
    sent = {"reason": reason, "contacts": list(lines)}
    answer = await client.post(f"/agencies/{agency}/contacts", json=sent)
    assert answer.status_code == 202, answer.text
    return [
        (each["status"], [error["field"] for error in each["errors"]])
        for each in answer.json()["contacts"]
    ]


@pytest.fixture
async def placed(running):  # noqa: F811
    """Legal with a customer of whom the agency AG1 has an account since two days."""
    async with running(PARTS) as client:
        await with_case(client, court.filed().state, "C1")
        since = {"occurred_at": (NOW - 2 * DAY).isoformat()}
        answer = await post(client, "/cases/C1/placements", PLACE | since, "a-placement")
        assert answer.status_code == 202, answer.text
        client.placement = answer.json()["about"]
        yield client


async def test_each_line_is_answered_on_its_own(placed):
    answers = await upload(
        placed,
        line("K1", channel="visit", result="effective"),
        line("K2", customer_id="C9"),
        line("K3", at=NOW + DAY),
        line("K4", at=NOW - 3 * DAY),
        line("K5", contacted="4111 1111 1111 1111"),
        line("K1", channel="visit", result="effective"),
        line("K1", result="busy"),
    )
    assert answers == [
        ("accepted", []),
        ("refused", ["customer_id"]),
        ("refused", ["occurred_at"]),
        ("refused", ["occurred_at"]),
        ("refused", ["contacted"]),
        ("repeated", []),
        ("refused", ["contact_id"]),
    ]
    told = (await state(placed, "C1"))["reported"]
    assert [each["occurred_at"] for each in told.values()] == [
        (NOW - DAY).isoformat().replace("+00:00", "Z")
    ]


async def test_an_agency_that_has_no_accounts_reports_nothing(placed):
    assert await upload(placed, line(), agency="AG2") == [("refused", ["occurred_at"])]


async def test_after_a_recall_only_what_was_before_it_is_taken(placed):
    path = f"/cases/C1/placements/{placed.placement}/recall"
    over = {"occurred_at": (NOW - DAY).isoformat()}
    assert (await post(placed, path, over, "a-recall-1")).status_code == 202
    assert await upload(placed, line("K1"), line("K2", at=NOW - DAY - DAY / 2)) == [
        ("refused", ["occurred_at"]),
        ("accepted", []),
    ]
    await refused(placed, "/cases/C1/placements/none/recall", {}, status=404)


async def test_the_upload_of_somebody_else_is_the_same_contact_and_who_did_it_is_kept(placed):
    assert await upload(placed, line()) == [("accepted", [])]
    async with client_of(placed.app, **bearer("compliance", subject="u-9")) as other:
        assert await upload(other, line(), reason="again") == [("repeated", [])]
    async with placed.app.state.runtime.engine.connect() as connection:
        rows = await connection.execute(text("SELECT actor, act, reason FROM acts ORDER BY seq"))
        assert [tuple(row) for row in rows] == [
            ("developer", "upload", "of March"),
            ("u-9", "upload", "again"),
        ]


async def test_instants_of_the_future_and_malformed_lines_are_refused(placed):
    ahead = PLACE | {"occurred_at": (NOW + DAY).isoformat()}
    assert await refused(placed, "/cases/C1/placements", ahead) == ["body.occurred_at"]
    sent = {"reason": "x", "contacts": [line(), line(channel="pigeon")]}
    answer = await placed.post(UPLOAD, json=sent)
    assert [each["field"] for each in answer.json()["errors"]] == ["body.contacts.1.channel"]
