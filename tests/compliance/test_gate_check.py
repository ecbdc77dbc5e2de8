"""`arrears gate check` as typed: what it prints, how it ends, and what it says of files that it cannot use."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from shared.cli.main import app

ROOT = Path(__file__).parents[2]
PACKS = ["--packs", str(ROOT / "deploy" / "packs")]
CASE = """
- id: X
  packs: [tw-fsc]
  base: {channel: call, zones: [Asia/Taipei], debt: A}
  asks:
  - p: {at: '2026-11-20T10:00:00+08:00'}
    expect: {is: allow}
  - n: wrong on purpose
    p: {at: '2026-11-20T06:00:00+08:00'}
    expect: {is: block, by: [TW.TIME], next: '2026-11-20T08:00:00+08:00'}
"""


def _check(*arguments: str):
    return CliRunner().invoke(app, ["gate", "check", *arguments, *PACKS])


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "cases.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_the_worked_cases_pass():
    ran = _check(str(ROOT / "tests" / "compliance" / "cases" / "worked.yaml"))
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1] == "89 passed, 0 failed"


def test_a_mismatch_is_printed_and_is_the_exit_status(written):
    ran = _check(written(CASE))
    assert ran.exit_code == 1
    assert ran.stdout.splitlines() == [
        "X, question 2 (wrong on purpose):",
        "  got    is: block, by: [TW.TIME], next: 2026-11-20T07:00:00+08:00",
        "  wanted is: block, by: [TW.TIME], next: 2026-11-20T08:00:00+08:00",
        "1 passed, 1 failed",
    ]


def test_as_json(written):
    ran = _check(written(CASE), "--json")
    assert ran.exit_code == 1
    document = msgspec.json.decode(ran.stdout)
    assert (document["passed"], document["failed"]) == (1, 1)
    assert [answer["passed"] for answer in document["answers"]] == [True, False]
    assert ran.stderr.splitlines()[-1] == "1 passed, 1 failed"


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ("channel: call", "medium: call", "line 4: [0].base.medium"),
        ("tw-fsc", "tw-fcs", "line 3: [0].packs[0]: no pack is called 'tw-fcs'"),
        ("is: allow", "is: maybe", "line 7: [0].asks[0].expect.is"),
        ("10:00:00+08:00", "10:00:00", "line 6: [0].asks[0].p.at: needs an offset"),
        ("debt: A", "debt: A, debts: [B]", "line 4: [0].base.debt"),
        ("next: '2026-11-20T08", "next: 'soon 2026-11-20T08", "line 10: [0].asks[1].expect.next"),
        ("asks:", "log: [{id: a, type: contact, at: noon}]\n  asks:", "line 5: [0].log[0].at"),
        ("asks:", "log: [{id: a, typ: contact}]\n  asks:", "line 5: [0].log[0]"),
        ("- id: X", "- {id: X", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_line_and_field(written, find, put, said):
    assert find in CASE
    ran = _check(written(CASE.replace(find, put, 1)))
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert ran.stdout == ""
