"""RELIABILITY B.2, 23: every route of every service x every role x own and foreign customers, from the route table."""

from typing import Any

import pytest

from shared.events.registry import SERVICES
from shared.http.roles import BOUNDED, ROLES
from tests.http.conftest import bearer
from tests.http.route_table import ROUTES, Expect, named
from tests.http.serving import FOREIGN, OWN, PORTFOLIO, REGION, Served, serving

REACHES = {
    "by region": {"regions": [REGION]},
    "by portfolio": {"portfolios": [PORTFOLIO]},
    "by both": {"regions": [REGION], "portfolios": [PORTFOLIO]},
}


@pytest.fixture
def served(request, database):
    with serving(request.param, database) as found:
        yield found


def ask(served: Served, route: str, customer: str, headers: dict[str, str], number: int) -> Any:
    """Send a good request; each has an idempotency key of its own."""
    method, _, path = route.partition(" ")
    good = named(ROUTES[route], customer)
    key = {"Idempotency-Key": f"matrix-{number}"}
    more = {} if good["body"] is None else {"json": good["body"]}
    return served.ask(
        method,
        path.format(**good["path"]),
        {**key, **good["headers"], **headers},
        params=good["query"],
        **more,
    )


@pytest.mark.parametrize("served", SERVICES, indirect=True)
def test_b2_23_authorisation_matrix(served):
    """B.2, 23: no 2xx for who may not, 404 for a foreign customer, and no route that this table does not know."""
    check(served)


def check(served: Served) -> None:
    routes = {f"{method} {path}": scopes for (method, path), scopes in served.routes().items()}
    unknown = sorted(set(routes) - set(ROUTES))
    assert not unknown, f"add these to tests/http/route_table.py: {unknown}"
    wrong: list[str] = []
    number = 0
    for route, scopes in sorted(routes.items()):
        expected = ROUTES[route]
        assert scopes == {expected.scope}, f"{route} declares {set(scopes)}"
        for role, rights in ROLES.items():
            limits = REACHES.items() if role in BOUNDED else {"of all": {}}.items()
            for reach, limit in limits:
                for customer in (OWN, FOREIGN):
                    number += 1
                    answer = ask(served, route, customer, bearer(role, **limit), number)
                    wanted = statuses(expected, role, customer, allowed=may(expected, rights))
                    if answer.status_code not in wanted:
                        wrong.append(
                            f"{route} by {role} ({reach}) about {customer}: "
                            f"{answer.status_code}, not {wanted}: {answer.text[:200]}"
                        )
                    elif answer.is_success and role in BOUNDED and FOREIGN in answer.text:
                        wrong.append(f"{route} tells {role} ({reach}) of {FOREIGN}")
        number += 1
        nobody = ask(served, route, OWN, {}, number)
        if nobody.status_code != 401:
            wrong.append(f"{route} without a token: {nobody.status_code}")
        blind = ask(served, route, OWN, bearer("agent"), number + 1)
        if blind.is_success and (expected.about == "object" or OWN in blind.text):
            wrong.append(f"{route} lets an agent without region and portfolio see {OWN}")
    assert not wrong, "\n".join(wrong)


def may(expected: Expect, rights: frozenset[str]) -> bool:
    return {expected.scope, expected.also} - {""} <= rights


def statuses(expected: Expect, role: str, customer: str, *, allowed: bool) -> tuple[int, ...]:
    if not allowed:
        return (403,)
    if expected.about == "object" and role in BOUNDED and customer == FOREIGN:
        return (404,)
    return expected.answers


def test_b2_23_the_matrix_has_no_lines_of_routes_that_are_gone(database):
    """B.2, 23: what the table expects is there; and each list really lists, so that its silence means something."""
    known: set[str] = set()
    for service in SERVICES:
        known |= {f"{method} {path}" for method, path in Served(service, database).routes()}
    assert sorted(set(ROUTES) - known) == []


@pytest.mark.parametrize("served", ["scheduler"], indirect=True)
def test_b2_23_lists_name_who_is_seen(served):
    """B.2, 23: the other half of the lists: own customers are in them, and all for who is not bounded."""
    assert OWN in served.ask("GET", "/cases", bearer("agent", regions=[REGION])).text
    everybody = served.ask("GET", "/cases", bearer("auditor")).text
    assert OWN in everybody
    assert FOREIGN in everybody


def test_b2_23_an_unknown_route_fails_the_matrix(monkeypatch, database):
    """B.2, 23: the matrix is proven by a route that it does not know."""
    monkeypatch.delitem(ROUTES, "GET /cases")
    with serving("legal", database) as served, pytest.raises(AssertionError, match="GET /cases'"):
        check(served)
