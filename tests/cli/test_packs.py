"""`arrears packs`: what a user reads of packs, what differs, and what lint refuses; exit statuses for scripts."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.compliance.loading import load_packs

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "packs"
CASES = ROOT / "tests" / "compliance" / "cases"


def told(*arguments, code=0):
    answer = CliRunner().invoke(app, ["packs", *map(str, arguments)])
    assert answer.exit_code == code, answer.output
    return answer.stdout if code != 2 else answer.output


def changed(folder, old, new, name="cn-bank-consumer.yaml"):
    text = (SHIPPED / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / name
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_list_names_whom_each_pack_is_for_and_what_rests_on_memory():
    text = told("list", "--packs", SHIPPED)
    assert "us-nyc-dcwp 2026.09.0" in text
    assert "for debtor_city NYC; role first_party, third_party; in force from 2026-09-01" in text
    assert "for everyone; in force always; 5 rules, 0 rest on memory" in text
    assert "TCPA.REVOKE_ALL: in force from 2027-01-31" in text


def test_list_answers_what_applies_to_whom_and_when():
    def names(*arguments):
        rows = json.loads(told("list", "--packs", SHIPPED, "--json", *arguments))
        return {row["pack"]: row["rules"] for row in rows}

    all_packs = names()
    assert set(all_packs) == {pack.pack for pack in load_packs(SHIPPED)}
    first_party = names("--for", "debtor_country=US", "--for", "role=first_party")
    assert {"us-tcpa", "firm-standard"} <= set(first_party)
    assert not {"us-regf", "cn-bank-consumer"} & set(first_party)
    assert "us-nyc-dcwp" not in names("--on", "2026-08-31")
    assert "us-nyc-dcwp" in names("--on", "2026-09-01")
    assert (names("--on", "2027-01-30")["us-tcpa"], names("--on", "2027-01-31")["us-tcpa"]) == (
        1,
        2,
    )


@pytest.mark.parametrize(
    ("text", "mend"), [("US", "field=value"), ("country=US", "debtor_country")]
)
def test_an_unknown_selector_is_refused_with_those_that_there_are(text, mend):
    assert mend in told("list", "--packs", SHIPPED, "--for", text, code=2)


def test_show_says_a_rule_in_words_with_its_origin_and_line():
    text = told("show", "REGF.FREQ.7IN7", "--packs", SHIPPED)
    assert "at most 7 of outgoing call, voicemail that were not not_connected" in text
    assert (
        "1006.14(b)(2)(i)(A),(ii); presumption; evidence primary; in force from 2021-11-30" in text
    )
    line = int(re.search(r"us-regf\.yaml:(\d+)", text)[1])
    assert "REGF.FREQ.7IN7" in (SHIPPED / "us-regf.yaml").read_text().splitlines()[line - 1]


@pytest.mark.parametrize("pack", [pack.pack for pack in load_packs(SHIPPED)])
def test_show_says_every_rule_of_a_pack(pack):
    text = told("show", pack, "--packs", SHIPPED)
    rules = next(each.rules for each in load_packs(SHIPPED) if each.pack == pack)
    assert [rule.id for rule in rules if f"{rule.id} (" not in text] == []
    data = json.loads(told("show", pack, "--packs", SHIPPED, "--json"))
    assert [each["rule"] for each in data["all_rules"]] == [rule.id for rule in rules]


def test_show_of_an_unknown_name_says_where_names_are():
    assert "arrears packs list" in told("show", "nothing", "--packs", SHIPPED, code=2)


def test_diff_of_two_versions_names_rule_field_and_both_values(tmp_path):
    path = changed(tmp_path, "mode: local_dates}, max: 3}", "mode: local_dates}, max: 4}")
    lines = told("diff", SHIPPED / path.name, path, code=1).splitlines()
    assert lines == ["~ cn-bank-consumer CN.FREQ.EFFECTIVE3 max: 3 -> 4"]
    assert told("diff", path, path) == "no difference\n"


def test_diff_of_folders_and_of_two_packs(tmp_path):
    changed(tmp_path, "pack: cn-bank-consumer", "pack: cn-other")
    lines = told("diff", tmp_path, SHIPPED, code=1).splitlines()
    assert lines[0].startswith("- cn-other: cn-other@2026.11.0:")
    assert any(line.startswith("+ us-regf: us-regf@") for line in lines)
    lines = told("diff", "us-regf", "us-tcpa", "--packs", SHIPPED, code=1).splitlines()
    assert any(
        line.startswith("- us-regf/us-tcpa REGF.CEASE: none about this debt") for line in lines
    )
    assert any(line.startswith("+ us-regf/us-tcpa TCPA.REVOKED: ") for line in lines)
    assert "neither a pack" in told("diff", "us-regf", "us-none", "--packs", SHIPPED, code=2)


def test_lint_of_the_shipped_packs_has_no_error_and_names_what_rests_on_memory():
    text = told("lint", "--packs", SHIPPED)
    assert "error:" not in text
    assert "warning:" not in text
    assert re.search(r"memory: us-overlays.yaml:\d+: MA.TIME rests on memory", text)


def test_a_pack_for_production_may_not_rest_on_memory(tmp_path):
    path = changed(tmp_path, "version: 2026.11.0\n", "version: 2026.11.0\nproduction: true\n")
    text = told("lint", "--packs", path, code=1)
    assert re.search(
        r"error: cn-bank-consumer.yaml:\d+: CN.VISIT.CONDUCT rests on memory; a pack for production",
        text,
    )
    clock = changed(
        tmp_path,
        "years: 3, period: cn_civil_code, evidence: primary",
        "years: 3, period: cn_civil_code, evidence: memory",
    )
    assert re.search(r"memory: .*clock limitation rests on memory", told("lint", "--packs", clock))


def test_lint_names_a_source_that_is_missing_and_a_word_that_is_nearly_another(tmp_path):
    path = changed(tmp_path, "source: [AIGC-LABEL-2025]", "source: [AIGC-LABEL-2026]")
    assert "'AIGC-LABEL-2026' is none of the pack's sources" in told("lint", "--packs", path)
    path = changed(tmp_path, "must_not: [threat, insult", "must_not: [debt_existance, insult")
    assert "'debt_existance' is nearly 'debt_existence'" in told("lint", "--packs", path)


def test_lint_with_cases_names_the_numbers_and_rules_that_no_case_would_notice(tmp_path):
    cases = tmp_path / "cases.yaml"
    cases.write_text(
        """\
- id: hours
  packs: [tw-fsc]
  base: {channel: call, purpose: collect, party: debtor, person: W1, zones: [Asia/Taipei]}
  asks:
  - {p: {at: '2026-11-20T06:59:59+08:00'}, expect: {is: block, by: [TW.TIME], next: '2026-11-20T07:00:00+08:00'}}
"""
    )
    data = json.loads(
        told("lint", "--packs", SHIPPED / "uk-eu-tw.yaml", "--cases", cases, "--json", code=1)
    )
    missed = [each["text"] for each in data["findings"] if each["level"] == "unnoticed"]
    ours = [text.partition(" TW.TIME ")[2] for text in missed if "TW.TIME" in text]
    assert ours == [
        "rules[0].deny_local[0]: 22:00-07:00 -> 22:01-07:00",
        "rules[0].deny_local[0]: 22:00-07:00 -> 21:59-07:00",
    ]


def test_lint_refuses_a_broken_case_file(tmp_path):
    (tmp_path / "cases.yaml").write_text(
        "- id: x\n  packs: [tw-fsc]\n  asks: [{p: {at: soon}, expect: {is: allow}}]\n"
    )
    assert "cases.yaml, line 3" in told("lint", "--packs", SHIPPED, tmp_path / "cases.yaml", code=2)
