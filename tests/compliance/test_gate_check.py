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


def test_a_fact_that_no_rule_reads_is_named_once_by_its_line(written):
    log = "log: [{type: opt_out, at: 2026-11-01T10:00:00+08:00}, {type: optout, at: 2026-11-01T10:00:00+08:00},\n"
    log += "    {type: opt_out, at: 2026-11-02T10:00:00+08:00}, {type: consent.quiet_hours, at: 2026-11-02T10:00:00+08:00}]"
    ran = _check(written(CASE.replace("asks:", f"{log}\n  asks:", 1)))
    (line,) = ran.stderr.splitlines()
    assert "line 5: [0].log[0].type: no rule reads a fact of type 'opt_out'" in line
    assert ran.stdout.splitlines()[-1] == "1 passed, 1 failed"


MALFORMED = [
    ("channel: call", "medium: call", "line 4: [0].base.medium", 2),
    ("tw-fsc", "tw-fcs", "line 3: [0].packs[0]: no pack is called 'tw-fcs'", 2),
    ("is: allow", "is: maybe", "line 7: [0].asks[0].expect.is", 1),
    ("10:00:00+08:00", "10:00:00", "line 6: [0].asks[0].p.at: needs an offset", 1),
    ("debt: A", "debt: A, debts: [B]", "line 4: [0].base.debt", 2),
    ("next: '2026-11-20T07", "next: 'soon 2026-11-20T07", "line 10: [0].asks[1].expect.next", 1),
    ("asks:", "log: [{id: a, type: contact, at: noon}]\n  asks:", "line 5: [0].log[0].at", 2),
    ("asks:", "log: [{id: a, typ: contact}]\n  asks:", "line 5: [0].log[0]", 2),
    ("asks:", "log: [late]\n  asks:", "line 5: [0].log[0]", 2),
    ("debt: A", "clocks: {guarantee_period: lively}", "clocks.guarantee_period: 'lively' is none of live, ", 2),
    ("base: {", "base: 3 #", "line 4: [0].base", 2),
    ("- n: wrong on purpose\n    p:", "- p: 3 #", "line 8: [0].asks[1].p", 1),
    ("  asks:", "  questions:", "line 5: [0]", 1),
    ("'2026-11-20T10:00:00", "'0001-01-01T00:00:00", "line 6: [0].asks[0].p: an instant is before the year 1", 1),
    ("asks:", "log: [{type: x, at: '9999-12-31T23:00:00-12:00'}]\n  asks:", "line 5: [0].log: an instant is before", 2),
]  # fmt: skip
SOUND = """
- id: Y
  packs: [tw-fsc]
  base: {channel: call, zones: [Asia/Taipei]}
  asks:
  - p: {at: '2026-11-20T10:00:00+08:00'}
    expect: {is: allow}
"""


@pytest.mark.parametrize(("find", "put", "said", "failed"), MALFORMED)
def test_what_is_malformed_fails_its_own_questions_by_line_and_field(
    written, find, put, said, failed
):
    right = CASE.replace("20T08:00", "20T07:00")
    assert find in right
    ran = _check(written(right.replace(find, put, 1) + SOUND))
    assert ran.exit_code == 1
    assert said in ran.stdout
    asked = 2 if "questions" in put else 3
    assert ran.stdout.splitlines()[-1] == f"{asked - failed} passed, {failed} failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CASE.replace("- id: X", "- {id: X"), "not YAML"),
        ("", "a case file is a list of cases"),
        ("id: X", "a case file is a list of cases"),
        (CASE.replace("debt: A", "channel: sms"), "`channel` stands twice"),
    ],
)
def test_a_file_that_is_no_list_of_yaml_is_refused(written, text, said):
    ran = _check(written(text))
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert ran.stdout == ""


def test_a_pack_that_cannot_be_used_fails_those_who_name_it(tmp_path, written):
    folder = tmp_path / "packs"
    folder.mkdir()
    shipped = (ROOT / "deploy" / "packs" / "uk-eu-tw.yaml").read_text(encoding="utf-8")
    (folder / "laws.yaml").write_text(shipped, encoding="utf-8")
    (folder / "trial.yaml").write_text(
        "pack: trial\nversion: 1\nrules: [{id: T}]", encoding="utf-8"
    )
    (folder / "variant.yaml").write_text(
        shipped.split("---")[2].replace("tw-fsc", "variant").replace("-07:00", "-05:30"),
        encoding="utf-8",
    )
    cases = SOUND + SOUND.replace("tw-fsc", "trial") + SOUND.replace("tw-fsc", "variant")
    ran = CliRunner().invoke(app, ["gate", "check", written(cases), "--packs", str(folder)])
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[-1] == "2 passed, 1 failed"
    assert "no pack is called 'trial'" in ran.stdout
    assert "trial.yaml, line 2" in ran.stderr
