"""RELIABILITY B.2, 21: what a fuzzer sends to every operation of every service, with every kind of caller."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
import schemathesis
from fastapi import Query
from fastapi.responses import JSONResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.events.registry import SERVICES
from shared.http.access import needs
from shared.http.problems import ProblemError
from shared.ids import derive
from tests.http.conftest import EVERYBODY, bearer
from tests.http.route_table import ROUTES, named
from tests.http.serving import OWN, PORTFOLIO, REGION, Served, serving

ROOT = Path(__file__).parents[2]
CALLERS = {
    "nobody": {},
    "everybody": EVERYBODY,
    **{
        role: bearer(role, regions=[REGION], portfolios=[PORTFOLIO])
        for role in ("agent", "legal", "operator", "compliance", "provider")
    },
}
WITHOUT_KAFKA = {"GET /livez", "GET /readyz", "GET /health"}
EXAMPLES = 12
"""Requests of each caller to each operation; the callers with rights and those without meet the same ones."""
SHORTEST_ECHO = 8


@pytest.fixture
def served(request, database):
    with serving(request.param, database) as found:
        yield found


@pytest.mark.faults
@pytest.mark.timeout(400)
@pytest.mark.parametrize("served", SERVICES, indirect=True)
def test_b2_21_schemathesis_over_every_operation(served):
    """B.2, 21: 0 x 5xx, 0 undocumented status, 0 schema mismatch, 0 of the input in errors; the seed is fixed."""
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    met: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        met[operation.label] = set()
        fuzz(served, operation, GenerationMode.POSITIVE, met[operation.label])
        if operation.path_parameters or operation.query or operation.body:
            fuzz(served, operation, GenerationMode.NEGATIVE, met[operation.label])
        if operation.label in ROUTES:
            fuzz_near(served, operation, met[operation.label])
    silent = {label for label, statuses in met.items() if statuses <= {401, 403, 422, 503}}
    # The good report of the route table is a receipt, which only the notifier takes.
    webhook = {"POST /webhooks/outcomes"} if served.service != "notifier" else set()
    assert silent <= WITHOUT_KAFKA | webhook, f"nothing but refusals was met: {silent}"


async def breaks() -> None:
    raise RuntimeError


async def answers_otherwise() -> JSONResponse:
    return JSONResponse({}, status_code=418)


async def answers_another_shape() -> JSONResponse:
    return JSONResponse({"number": "seven"})


async def says_back(name: Annotated[str, Query(min_length=SHORTEST_ECHO)]) -> None:
    raise ProblemError("conflict", f"There is a {name} already.")


class Numbered(BaseModel):
    number: int


@pytest.mark.parametrize("served", ["legal"], indirect=True)
@pytest.mark.parametrize("planted", [breaks, answers_otherwise, answers_another_shape, says_back])
def test_b2_21_the_fuzzer_finds_what_is_planted(served, planted):
    """B.2, 21: proven by one fault of each kind."""
    served.app.add_api_route(
        "/planted", planted, response_model=Numbered, dependencies=[needs("cases:read")]
    )
    operation = schemathesis.openapi.from_dict(served.app.openapi())["/planted"]["GET"]
    with pytest.raises((AssertionError, FailureGroup, BaseExceptionGroup)):
        fuzz(served, operation, GenerationMode.POSITIVE, set())


EXACTLY = settings(
    max_examples=EXAMPLES * len(CALLERS) // 2,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def fuzz(served: Served, operation: Any, mode: GenerationMode, met: set[int]) -> None:
    """What the document allows, or what it forbids, from every caller."""

    @given(case=operation.as_strategy(generation_mode=mode), caller=st.sampled_from(list(CALLERS)))
    @EXACTLY
    def one(case: Any, caller: str) -> None:
        if "customer_id" in case.path_parameters and len(str(case.path_parameters)) % 2:
            case.path_parameters["customer_id"] = OWN
        met.add(judge(served, case, CALLERS[caller]))

    one()


def fuzz_near(served: Served, operation: Any, met: set[int]) -> None:
    """A good request of which some parts are the fuzzer's: so that what stands behind the first checks is reached."""
    good = named(ROUTES[operation.label], OWN)
    fields, numbers = list(good["body"] or ()), itertools.count()

    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        odd=st.sets(st.sampled_from(["path", "query", *fields]), max_size=2),
    )
    @EXACTLY
    def one(case: Any, odd: set[str]) -> None:
        if "path" not in odd:
            case.path_parameters = good["path"]
        if "query" not in odd:
            case.query = good["query"]
        if fields:
            made = case.body if isinstance(case.body, dict) else {}
            case.body = good["body"] | {name: made[name] for name in odd & set(made)}
        key = derive("near", operation.label, next(numbers))
        met.add(judge(served, case, {**EVERYBODY, "Idempotency-Key": key}))

    one()


def judge(served: Served, case: Any, headers: dict[str, str]) -> int:
    """Send it, and check all that can be said of any answer."""
    answer = send(served, case, headers)
    place = f"{case.as_curl_command()} -> {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500 or probe_is_not_ready(case, answer), place
    case.validate_response(
        answer,
        checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
    )
    if answer.status_code >= 400:
        said = [text for text in texts(case) if text in answer.text and text not in our_code()]
        assert not said, f"{place} says back {said}"
    status: int = answer.status_code
    return status


@cache
def our_code() -> str:
    """Answer the source of all services: the fuzzer takes some of its texts from there, which errors say anyway."""
    files = [path for part in ("shared", "services") for path in (ROOT / part).rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def send(served: Served, case: Any, headers: dict[str, str]) -> Any:
    sent = case.as_transport_kwargs(base_url="http://service")
    sent.pop("cookies", None)
    allowed = {"params", "json", "data", "content"}
    more = {name: value for name, value in sent.items() if name in allowed and value is not None}
    if "data" in more:
        more["content"] = more.pop("data")
    given_headers = {
        name: value
        for name, value in dict(sent.get("headers") or {}).items()
        if name.lower() not in {"authorization", "user-agent", *map(str.lower, headers)}
        and value.isascii()
    }
    return served.ask(sent["method"], sent["url"], {**given_headers, **headers}, **more)


def probe_is_not_ready(case: Any, answer: Any) -> bool:
    """There is no Kafka here: the probes say so, in their own form."""
    return case.operation.label in WITHOUT_KAFKA and answer.status_code == 503


def texts(case: Any) -> Iterator[str]:
    """Whatever of the request could be personal data: long enough texts that are no word of the interface."""
    for part in (case.path_parameters, case.query, case.body):
        for text in leaves(part):
            if len(text) >= SHORTEST_ECHO and not re.fullmatch(r"[a-z_.:-]+", text):
                yield text


def leaves(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield str(name)
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            pass
