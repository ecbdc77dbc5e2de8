"""Loading packs: YAML 1.2 and nothing more, typed, checked; what is wrong is said with file, line, field and mend."""

import json
import re
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from shared.compliance.loading import PackError, load_packs
from shared.compliance.rules import Cap, Hold, Window
from shared.compliance.schema import text

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "packs"

GOOD = """\
pack: trial
version: 2026.11.0
select: {debtor_country: [NO]}
zones: {default: Europe/Oslo}
calendar: CN
effective: {from: 2026-01-01, to: 2026-12-31}
sources:
  ACT: {title: Act, date: 2026-01-30, articles: 66-70}
derive:
  lost: {any: [{kind: streak, event: {channel: call, result_in: [power_off]}, length: 3}]}
rules:
  - {id: T.QUIET, kind: window, source: [ACT], strength: must, evidence: primary,
     when: {channel_in: [call], product_in: [off]}, deny_local: [22:00-08:00]}
  - id: T.CAP
    kind: cap
    cite: Act 5
    strength: must
    evidence: secondary
    count: {direction: out, result_in: [no_answer]}
    per: [person]
    within: {days: 7, mode: local_dates}
    max: 3
  - {id: T.WHO, kind: party, cite: Act 6, strength: must, evidence: primary,
     allow: [{party: debtor}, {party: kin, if: lost}, {party: guarantor, if_clock_live: term}]}
  - {id: T.HOLD, kind: hold, cite: Act 7, strength: must, evidence: primary,
     starts: dispute.opened, ends: never, scope: debt, permits: [reply]}
clocks:
  term: {months: 6, period: cn_civil_code, source: [ACT]}
retain: {calls: {min: P2Y, source: ACT#68}}
"""


def told(folder, content):
    path = folder / "trial.yaml"
    path.write_text(content, encoding="utf-8")
    return load_packs(path)


def test_text_stays_text_and_only_a_date_becomes_a_date(tmp_path):
    (pack,) = told(tmp_path, GOOD)
    assert (pack.version, pack.select) == ("2026.11.0", {"debtor_country": ("NO",)})
    window, cap, _, hold = pack.rules
    assert isinstance(window, Window)
    assert (window.deny_local, window.when.product_in) == (("22:00-08:00",), ("off",))
    assert isinstance(cap, Cap)
    assert (cap.within.days, cap.max) == (7, 3)
    assert isinstance(hold, Hold)
    assert hold.ends == "never"
    assert pack.effective is not None
    assert (pack.effective.from_, pack.effective.to) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (pack.sources["ACT"].date, pack.sources["ACT"].articles) == (date(2026, 1, 30), "66-70")


def test_every_text_of_yaml_1_1_stays_text(tmp_path):
    words = "off, on, NO, No, yes, y, n, 22:00, 08:00, 1:30:00, 0x1F, 0o17, 1_000, .inf, 2026-11-20"
    listed = GOOD.replace("product_in: [off]", f"product_in: [{words}]")
    assert told(tmp_path, listed)[0].rules[0].when.product_in == tuple(words.split(", "))


def test_the_digest_is_of_the_content_not_of_the_layout(tmp_path):
    (before,) = told(tmp_path, GOOD)
    (same,) = told(
        tmp_path,
        "# a remark\n"
        + GOOD.replace("[NO]", "['NO']").replace("{direction: out, ", "{'direction': \"out\",   "),
    )
    assert same.digest == before.digest
    assert len(before.digest) == 64
    (other,) = told(tmp_path, GOOD.replace("max: 3", "max: 4"))
    assert other.digest != before.digest


def test_a_file_may_hold_several_packs_and_a_folder_several_files(tmp_path):
    second = re.sub(r"\bT\.", "S.", GOOD).replace("pack: trial", "pack: second")
    assert [pack.pack for pack in told(tmp_path, f"{GOOD}---\n{second}")] == ["trial", "second"]
    (tmp_path / "a.yaml").write_text(
        second.replace("pack: second", "pack: third").replace("S.", "R.")
    )
    (tmp_path / "notes.txt").write_text("no pack")
    assert [pack.pack for pack in load_packs(tmp_path)] == ["third", "trial", "second"]


ERRORS = [
    ("bad YAML", "select: {", "select: [{", "trial.yaml, line 4: not YAML: "),
    ("no mapping", GOOD, "- a\n", "line 1: a pack is a mapping with `pack`, `version` and `rules`"),
    ("nothing", GOOD, "", "line 1: a pack is a mapping"),
    ("an empty document", "pack: trial", "---\n---\npack: trial", "line 2: a pack is a mapping"),
    ("a key twice", "version: 2026.11.0", "version: 2026.11.0\nversion: 2", "line 3: not YAML: the key `version` stands twice"),
    ("an anchor", "{days: 7", "&week {days: 7", r"line 21: rules\[1\].within: anchors and aliases are not used"),
    ("an alias", "max: 3", "max: *seven", r"line 22: rules\[1\].max: anchors and aliases are not used"),
    ("a merge key", "    max: 3", "    <<: {max: 3}", r"line 22: rules\[1\]: anchors, tags and merge keys"),
    ("a tag", "max: 3", "max: !!int '3'", "line 22: .* tags are not used"),
    ("a directive", "pack: trial", "%YAML 1.1\n---\npack: trial", "directives such as %YAML are not used"),
    ("a number as key", "    max: 3", "    7: 3", r"line 22: rules\[1\]: the key 7 is no text: write it in quotes"),
    ("a key that is no text", "    max: 3", "    ? [a]\n    : 3", "line 22: .* a key is a text"),
    ("a version that is a number", "version: 2026.11.0", "version: 2026.11", "line 2: version: Expected `str`, got `float`; write it in quotes"),
    ("a digest", "version: 2026.11.0", "version: 2026.11.0\ndigest: abc", "line 3: digest: the digest follows from the content"),
    ("an unknown field", "    per: [person]", "    pers: [person]", r"line 20: rules\[1\]: Object contains unknown field `pers`; did you mean `per`\?"),
    ("an unknown field deep down", "result_in: [no_answer]", "results_in: [no_answer]",
     r"line 19: rules\[1\].count: Object contains unknown field `results_in`; did you mean `result_in`\?"),
    ("an unknown kind", "kind: cap", "kind: cop", r"line 15: rules\[1\].kind: Invalid value 'cop'"),
    ("a missing field", "    max: 3\n", "", r"line 14: rules\[1\]: Object missing required field `max`"),
    ("no list", "source: [ACT], strength: must", "source: ACT, strength: must", r"line 12: rules\[0\].source: Expected `array`, got `str`; write a list"),
    ("a date that is none", "to: 2026-12-31", "to: 2026-13-01", "line 6: effective.to: Invalid RFC3339"),
    ("dates turned round", "to: 2026-12-31", "to: 2025-12-31", "line 6: effective.to: must not be before `from`"),
    ("a time that is none", "22:00-08:00", "22:00-8:00", r"line 13: rules\[0\].deny_local: '22:00-8:00' is no stretch of a day: write \"HH:MM-HH:MM\""),
    ("an empty stretch", "22:00-08:00", "22:00-22:00", "line 13: .* '22:00-22:00' is empty"),
    ("a window without hours", ", deny_local: [22:00-08:00]", "", r"line 12: rules\[0\]: needs either `deny_local` or `allow_local`"),
    ("a zone that is none", "Europe/Oslo", "Europe/Osla", "line 4: zones.default: 'Europe/Osla' is not a time zone"),
    ("a channel that is none", "channel_in: [call]", "channel_in: [cal]", r"line 13: rules\[0\].when.channel_in: 'cal' is none of call, email, im"),
    ("a result that is none", "[power_off]", "[powered_off]", r"line 10: derive.lost.any\[0\].event.result_in: 'powered_off' is none of"),
    ("a purpose that is none", "permits: [reply]", "permits: [answer]", r"line 26: rules\[3\].permits: 'answer' is none of"),
    ("a key to count per that is none", "per: [person]", "per: [debtor]", r"line 20: rules\[1\].per: 'debtor' is none of collector, contacted"),
    ("a selector that is none", "debtor_country", "country", r"line 3: select.country: 'country' is none of"),
    ("a derived fact that is none", "if: lost", "if: gone", r"line 24: rules\[2\].allow\[1\].if: 'gone' is none of lost"),
    ("a clock that is none", "if_clock_live: term", "if_clock_live: time", r"line 24: rules\[2\].allow\[2\].if_clock_live: 'time' is none of term"),
    ("a rule twice", "id: T.CAP", "id: T.QUIET", r"line 14: rules\[1\].id: 'T.QUIET' stands twice; an id names one rule"),
    ("a rule without source", "    cite: Act 5\n", "", r"line 14: rules\[1\]: needs `source` or `cite`"),
    ("a scope that is none", "scope: debt", "scope: world", r"line 26: rules\[3\].scope: Invalid enum value 'world'"),
    ("an event that is none", "starts: dispute.opened", "starts: dispute", r"line 26: rules\[3\].starts: 'dispute' is no name of an event"),
    ("a mode that is none", "mode: local_dates", "mode: days", r"line 21: rules\[1\].within.mode: Invalid enum value 'days'"),
    ("a cap of none", "max: 3", "max: 0", r"line 22: rules\[1\].max: must be at least 1"),
    ("no days", "{days: 7", "{days: 0", r"line 21: rules\[1\].within.days: must be at least 1"),
    ("a clock without period", "months: 6, period: cn_civil_code", "months: 6", "line 28: clocks.term: needs `period`"),
    ("a clock without length", "months: 6, ", "", "line 28: clocks.term: needs exactly one of years"),
    ("a calendar that is none", "calendar: CN", "calendar: CHINA", "line 5: calendar: no calendar is called 'CHINA'"),
    ("a period that is none", "min: P2Y", "min: 2 years", "line 29: retain.calls.min: '2 years' is no period such as P3Y"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS]
)
def test_an_error_names_file_line_field_and_mend(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    with pytest.raises(PackError) as raised:
        told(tmp_path, GOOD.replace(old, new))
    assert str(raised.value).startswith("trial.yaml, line ")
    assert re.search(message, str(raised.value)), str(raised.value)


def test_a_pack_or_a_rule_that_two_files_hold_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD.replace("pack: trial", "pack: second"))
    with pytest.raises(PackError, match=r"b.yaml, line 12: .* 'T.QUIET' stands in a.yaml:12 too"):
        load_packs(tmp_path)
    (tmp_path / "b.yaml").write_text(GOOD.replace("2026.11.0", "2026.12.0"))
    with pytest.raises(PackError, match=r"b.yaml, line 1: pack: 'trial' stands in a.yaml:1 too"):
        load_packs(tmp_path)


def test_a_folder_without_packs_is_refused(tmp_path):
    with pytest.raises(PackError, match=r"holds no file that ends in \.yaml"):
        load_packs(tmp_path)


def test_the_shipped_packs_load_and_each_rule_has_its_source_and_grade():
    packs = load_packs(SHIPPED)
    assert {"cn-bank-consumer", "us-regf", "uk-conc7", "eu-base", "firm-standard"} <= {
        pack.pack for pack in packs
    }
    assert all(
        rule.source or rule.cite or rule.strength == "firm" for pack in packs for rule in pack.rules
    )


def test_the_json_schema_is_current_and_holds_for_the_shipped_packs():
    written = (ROOT / "docs" / "reference" / "pack.schema.json").read_bytes()
    assert written == text(), (
        "run python -m shared.compliance.schema > docs/reference/pack.schema.json"
    )
    schema = json.loads(written)
    plain = YAML(typ="safe", pure=True)
    for path in sorted(SHIPPED.glob("*.yaml")):
        for document in plain.load_all(path.read_text(encoding="utf-8")):
            jsonschema.validate(json.loads(json.dumps(document, default=str)), schema)
    document["rules"][0]["when"]["chanel_in"] = ["call"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json.dumps(document, default=str)), schema)
