"""The strategy file: what is wrong is said with file, line, field and the mend."""

import re

import pytest

from services.scheduler.strategy import StrategyError, load
from shared.services import STANDARD_STRATEGY

GOOD = """\
name: trial
business_zone: Asia/Shanghai
at: "09:30"
max_attempts: 3
promise_grace_days: 2
bucket_bounds: [0, 30]
ladder:
  - name: remind
    day: -3
    stage: reminder
    ways: [{channel: sms, template: sms.reminder}]
  - name: call
    day: 7
    stage: contact
    at: "10:00"
    ways:
      - {channel: call, template: call.first}
  - name: visit
    day: 65
    stage: visit
    kind: visit
"""


def told(folder, text):
    path = folder / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_the_standard_strategy_loads():
    standard = load(STANDARD_STRATEGY)
    assert standard.name == "standard"
    assert [step.stage for step in standard.ladder] == sorted(
        (step.stage for step in standard.ladder),
        key=["reminder", "contact", "letter", "visit", "legal"].index,
    )


def test_a_good_strategy_loads_with_its_hours(tmp_path):
    strategy = told(tmp_path, GOOD)
    assert [step.name for step in strategy.ladder] == ["remind", "call", "visit"]
    assert (strategy.at.hour, strategy.ladder[1].at.hour, strategy.bucket_bounds) == (
        9,
        10,
        (0, 30),
    )


ERRORS = [
    ("bad YAML", "bucket_bounds: [0, 30]", "bucket_bounds: [0, 30", "trial.yaml, line 7: not YAML: "),
    ("a key that stands twice", "name: trial", "name: trial\nname: again", "line 2: not YAML: "),
    ("a control character", "name: trial", "name: tri\x07al", "line 1: not YAML: "),
    ("a name of several words", "- name: call", "- name: first call",
     r"line 12: ladder\[1\].name: 'first call' must be of letters, digits, and any of _ . -"),
    ("no mapping", GOOD, "- a\n- b\n", "line 1: a strategy is a mapping with `name` and `ladder`"),
    ("nothing", GOOD, "", "line 1: a strategy is a mapping with `name` and `ladder`"),
    ("wrong type", "day: 7", "day: soon", r"line 13: ladder\[1\].day: Expected `int`, got `str`"),
    ("unknown key", 'at: "10:00"', 'hour: "10:00"',
     r"line 15: ladder\[1\]: Object contains unknown field `hour`"),
    ("unknown key at the top", "name: trial", "name: trial\ncolour: red",
     r"line 2: Object contains unknown field `colour`"),
    ("missing field", "    day: 65\n", "", r"line 18: ladder\[2\]: Object missing required field `day`"),
    ("unknown channel", "channel: call", "channel: pigeon",
     r"line 17: ladder\[1\].ways\[0\].channel: Invalid enum value 'pigeon'"),
    ("unknown stage", "stage: contact", "stage: war", r"line 14: ladder\[1\].stage: Invalid enum value"),
    ("an hour that is none", 'at: "10:00"', 'at: "25:00"', r"line 15: ladder\[1\].at: "),
    ("unknown zone", "Asia/Shanghai", "Asia/Shangri-La",
     "line 2: business_zone: 'Asia/Shangri-La' is not a time zone of the IANA database"),
    ("quiet hours", "max_attempts: 3", 'quiet_until: "08:00"',
     "line 4: .*unknown field `quiet_until`.*; hours of contact are rules now: delete it, and write FIRM.TIME.QUIET"),
    ("packs in the strategy", "max_attempts: 3", "packs: [{pack: mine, version: v1}]",
     r"line 4: packs: is loaded beside the strategy \(ARREARS_PACKS\): delete it"),
    ("bounds that fall", "[0, 30]", "[30, 0]", "line 6: bucket_bounds: must rise"),
    ("bounds that stand", "[0, 30]", "[0, 0, 30]", "line 6: bucket_bounds: must rise"),
    ("no ladder", GOOD[GOOD.index("ladder"):], "", "line 1: ladder: needs at least one step"),
    ("empty ladder", GOOD[GOOD.index("ladder"):], "ladder: []\n", "line 7: ladder: needs at least one step"),
    ("a doubled name", "- name: call", "- name: remind",
     r"line 12: ladder\[1\].name: 'remind' stands twice; a step's name is its identity"),
    ("day 0", "day: 7", "day: 0",
     r"line 13: ladder\[1\].day: there is no day 0: 1 is the first day late, -1 the day before"),
    ("days out of order", "day: 65", "day: 5",
     r"line 19: ladder\[2\].day: steps stand in the order of their days; 'call' is later"),
    ("stages that fall", "stage: contact", "stage: legal",
     r"line 20: ladder\[2\].stage: stages only rise; 'call' is further"),
    ("a contact without ways", "    ways: [{channel: sms, template: sms.reminder}]\n", "",
     r"line 8: ladder\[0\]: a contact needs `ways`: \[\{channel: sms, template: sms.reminder\}\]"),
    ("a visit with ways", "kind: visit", "kind: visit\n    ways: [{channel: sms, template: t}]",
     r"line 22: ladder\[2\].ways: a step of kind visit has no `ways`"),
    ("a visit before the due date", "    day: -3\n    stage: reminder\n    ways: [{channel: sms, template: sms.reminder}]",
     "    day: -3\n    stage: reminder\n    kind: visit", r"line 9: ladder\[0\].day: only contacts come before the due date"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS]
)
def test_an_error_names_file_line_field_and_mend(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    with pytest.raises(StrategyError) as raised:
        told(tmp_path, GOOD.replace(old, new))
    assert str(raised.value).startswith("trial.yaml, line ")
    assert re.search(message, str(raised.value)), str(raised.value)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.yaml")
