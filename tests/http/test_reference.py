"""The pages hold the tables that the code holds: rights, problems, and what production refuses."""

from pathlib import Path

import pytest

from shared.http.problems import TYPES
from shared.http.roles import BOUNDED, ROLES, SCOPES
from shared.production import CHECKS

DOCS = Path(__file__).parents[2] / "docs"


def rights() -> str:
    lines = ["| scope | allows | roles |", "|---|---|---|"]
    for scope, meaning in SCOPES.items():
        roles = ", ".join(role for role, scopes in ROLES.items() if scope in scopes)
        lines.append(f"| `{scope}` | {meaning} | {roles} |")
    return "\n".join(lines)


def problems() -> str:
    lines = ["| type | status | title |", "|---|---|---|"]
    lines += [
        f"| `urn:arrears:problem:{slug}` | {status} | {title} |"
        for slug, (status, title) in sorted(TYPES.items(), key=lambda each: (each[1][0], each[0]))
    ]
    return "\n".join(lines)


def refusals() -> str:
    lines = ["| name | why production refuses to start |", "|---|---|"]
    lines += [f"| `{check.name}` | {check.message} |" for check in CHECKS]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("page", "table"),
    [
        ("operations/access.md", rights()),
        ("operations/access.md", refusals()),
        ("reference/problems.md", problems()),
    ],
)
def test_the_page_holds_the_table_of_the_code(page, table):
    assert table in (DOCS / page).read_text(encoding="utf-8"), f"put into docs/{page}:\n\n{table}"


def test_every_right_is_known_and_used():
    for role, scopes in ROLES.items():
        assert scopes, role
        assert scopes <= set(SCOPES), role
    assert set(SCOPES) == frozenset().union(*ROLES.values())
    assert set(ROLES) >= BOUNDED
    assert not any(scopes == set(SCOPES) for scopes in ROLES.values())
