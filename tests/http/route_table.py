"""
What every route of every service is expected to need and to answer: the second book beside the routes themselves.

A new route fails tests/http/test_b2_23_authorisation.py until it has its line here. A line says the scope, and
what becomes of a customer whom a bounded caller (agent, field) does not see:

    list      answers 200 to all who have the scope, and never names a customer that the caller does not see
    object    the path, query or body names a customer: 404 for one whom the caller does not see
    service   concerns the service as a whole

`send` is what a good request holds: path, query and body, in which CUSTOMER stands for the customer's id.
`answers` are the statuses of a good request, where they are not 200. `also` is a scope that the route asks for
itself, because of what the request says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.clock import SystemClock

CUSTOMER = "{the customer}"


@dataclass(frozen=True)
class Expect:
    scope: str
    about: Literal["list", "object", "service"]
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (200,)
    also: str = ""


ONE = {"customer_id": CUSTOMER}
NOW = SystemClock().now().isoformat()
TODAY = NOW[:10]


def controls(
    answers: tuple[int, ...], path: Mapping[str, str] | None = None, **body: Any
) -> Expect:
    """A stop or its end; what is named besides is not there."""
    told = {"reason": "wrong amounts", **body}
    return Expect("controls:stop", "service", path or {}, body=told, answers=answers)


def command(*, answers: tuple[int, ...] = (202,), **body: Any) -> Expect:
    """A command of a person about one customer. What it names besides is not there: 404 to whoever may ask."""
    named = {
        name: body.pop(name)
        for name in ("hold_id", "visit_id", "filing_id", "permit_id")
        if name in body
    }
    told = {"reason": "as agreed", **body}
    return Expect("commands:give", "object", {**ONE, **named}, body=told, answers=answers)


def named(expected: Expect, customer: str) -> dict[str, Any]:
    """The parts of a good request about *customer*."""
    filled = {
        "path": dict(expected.path),
        "query": dict(expected.query),
        "body": expected.body,
        "headers": dict(expected.headers),
    }
    made: dict[str, Any] = json.loads(json.dumps(filled).replace(CUSTOMER, customer))
    return made


ROUTES: dict[str, Expect] = {
    "GET /cases": Expect("cases:read", "list"),
    "GET /cases/{customer_id}": Expect("cases:read", "object", ONE),
    "GET /customers/{customer_id}/contact-points": Expect("cases:read", "object", ONE),
    # Without Kafka, as here, health says so.
    "GET /health": Expect("health:read", "service", answers=(200, 503)),
    "GET /metrics": Expect("metrics:read", "service"),
    "POST /cases/{customer_id}/close": command(cause="other"),
    "POST /cases/{customer_id}/complaints": command(),
    "POST /cases/{customer_id}/contact-bans": command(),
    "POST /cases/{customer_id}/disputes": command(),
    "POST /cases/{customer_id}/hardships": command(),
    "POST /cases/{customer_id}/holds": command(),
    "POST /cases/{customer_id}/holds/{hold_id}/release": command(hold_id="h", answers=(404,)),
    "POST /cases/{customer_id}/messages": command(
        channel="sms", point_id="p-none", text="谢谢。", answers=(422,)
    ),
    "POST /cases/{customer_id}/notes": command(text="called back"),
    "POST /cases/{customer_id}/payment-claims": command(),
    "POST /cases/{customer_id}/promises": command(promised_on=TODAY),
    "POST /cases/{customer_id}/visits/{visit_id}/outcome": command(
        visit_id="v", outcome="met", answers=(404,)
    ),
    "POST /cases/{customer_id}/court-dates/{filing_id}/outcome": command(
        filing_id="f", outcome="granted", answers=(404,)
    ),
    # The stored cases have no contact points. Whoever asks for one that is none is told so, or that nobody is known.
    "POST /cases/{customer_id}/permits": command(channel="call", point_id="p", answers=(422,)),
    "GET /cases/{customer_id}/permits": Expect("cases:read", "object", ONE, {"channel": "call"}),
    "POST /cases/{customer_id}/permits/{permit_id}/outcome": command(
        permit_id="p", result="no_answer", answers=(404,)
    ),
    "POST /cases/{customer_id}/placements": Expect(
        "acts:declare",
        "object",
        ONE,
        body={"agency": "AG1", "on_public_list": True, "reason": "as agreed"},
        answers=(202,),
    ),
    "POST /cases/{customer_id}/placements/{placement_id}/recall": Expect(
        "acts:declare",
        "object",
        {**ONE, "placement_id": "p"},
        body={"reason": "over"},
        answers=(404,),
    ),
    # Each line is answered on its own: whose the customer is says the line's answer.
    "POST /agencies/{agency}/contacts": Expect(
        "acts:declare",
        "service",
        {"agency": "AG1"},
        body={
            "reason": "of March",
            "contacts": [
                {
                    "customer_id": CUSTOMER,
                    "contact_id": "k1",
                    "occurred_at": NOW,
                    "channel": "call",
                    "result": "no_answer",
                }
            ],
        },
        answers=(202,),
    ),
    "POST /customers/{customer_id}/declarations": Expect(
        "declarations:take",
        "object",
        ONE,
        body={"kind": "do_not_call", "reason": "said so"},
        answers=(202,),
    ),
    "GET /quarantine": Expect("quarantine:read", "list"),
    "GET /quarantine/groups": Expect("quarantine:read", "list"),
    "GET /quarantine/{entry_id}": Expect(
        "quarantine:read", "service", {"entry_id": "1"}, answers=(404,)
    ),
    "POST /quarantine/releases": Expect(
        "quarantine:read",
        "object",
        body={"customer_id": CUSTOMER, "reason": "mended"},
        answers=(404,),
        also="quarantine:release",
    ),
    "POST /quarantine/{entry_id}/discard": Expect(
        "quarantine:release",
        "service",
        {"entry_id": "1"},
        body={"reason": "a test"},
        answers=(404,),
    ),
    "GET /reconciliation": Expect("reconciliation:read", "list"),
    "GET /customers/{customer_id}/contacts": Expect(
        "contacts:export", "object", ONE, {"from": "2026-03-01", "to": "2026-03-31"}
    ),
    "GET /cases/{customer_id}/trail": Expect("audit:read", "object", ONE),
    "GET /controls": Expect("controls:read", "service"),
    "POST /controls/stops": controls((201,), channel="sms"),
    "POST /controls/stops/{stop_id}/resume": controls((404,), {"stop_id": "s"}),
    "POST /controls/fuses/{channel}/release": controls((404,), {"channel": "sms"}),
    "POST /controls/mass-failure/resume": controls((404,)),
    "GET /worklist": Expect("worklist:read", "list"),
    # A provider reports what it was handed, whoever's it was: it sees no case and is told nothing of one.
    # The notifier takes receipts; the others refuse the type.
    "POST /webhooks/outcomes": Expect(
        "outcomes:report",
        "service",
        body={
            "type": "provider.receipt",
            "id": "r1",
            "time": NOW,
            "data": {"customer_id": CUSTOMER, "effect_id": "e1", "outcome": "delivered"},
        },
        answers=(202, 422),
    ),
}
