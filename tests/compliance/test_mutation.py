"""Proof of the packs: change any number, rule or word of them, and a worked case notices."""

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from shared.compliance.calendars import load_calendars
from shared.compliance.casefile import read_cases
from shared.compliance.linting import unnoticed, where
from shared.compliance.loading import load_packs, read_packs
from shared.compliance.mutants import mutants
from shared.compliance.period_cases import PeriodCaseError, read_periods
from shared.compliance.periods import kept_until

HERE = Path(__file__).parent
DEPLOY = HERE.parents[1] / "deploy"
PACKS = read_packs(DEPLOY / "packs")
CALENDARS = load_calendars(DEPLOY / "calendars")
FILES = sorted((HERE / "cases").glob("*.yaml"))
PERIODS = read_periods(HERE / "periods.yaml")


def missed(suites, periods):
    changes = unnoticed(PACKS, suites, periods, CALENDARS, words=True)
    return [where(placed, mutant) for placed, mutant, noticed in changes if not noticed]


def test_a_case_notices_every_change_of_a_number_a_rule_or_a_word():
    assert missed([read_cases(file) for file in FILES], PERIODS) == []


def test_without_the_cases_every_change_passes():
    every = [where(placed, mutant) for placed in PACKS for mutant in mutants(placed.pack)]
    assert missed([], ()) == every
    assert len(every) > 500


def numbers(node, place=()):
    """Every number, time, date and period below *node*, and where: written apart from mutants(), to check it."""
    if isinstance(node, dict):
        found = [each for key, value in node.items() for each in numbers(value, (*place, key))]
        return [each for each in found if each[-1] not in ("cite", "id", "note")]
    if isinstance(node, list | tuple):
        return [
            each for index, value in enumerate(node) for each in numbers(value, (*place, index))
        ]
    is_number = isinstance(node, int) and not isinstance(node, bool)
    return [place] if is_number or re.match(r"P?\d", str(node)) else []


@pytest.mark.parametrize("pack", [each.pack for each in PACKS], ids=lambda pack: pack.pack)
def test_every_rule_number_time_date_and_period_is_changed(pack):
    changed = {mutant.place for mutant in mutants(pack)}
    assert {("rules", index) for index in range(len(pack.rules))} <= changed
    plain = msgspec.to_builtins(pack)
    for part in ("rules", "derive", "clocks", "retain", "effective"):
        assert set(numbers(plain.get(part, ()), (part,))) <= changed
    assert all(mutant.pack.digest != pack.digest for mutant in mutants(pack))


@pytest.mark.parametrize("case", PERIODS, ids=lambda case: case.id)
def test_a_worked_period_is_what_the_pack_comes_to(case):
    pack = next(each.pack for each in PACKS if each.pack.pack == case.pack)
    assert case.holds(pack, CALENDARS)
    assert not case.holds(msgspec.structs.replace(pack, clocks={}, retain={}), CALENDARS)


def test_records_are_kept_to_the_corresponding_day():
    began = date(2024, 2, 29)
    assert kept_until("P2Y", began) == date(2026, 2, 28)
    assert kept_until("P6M", began) == date(2024, 8, 29)
    assert kept_until("P90D", began) == date(2024, 5, 29)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "- {id: a, pack: p, began: 2026-01-01, last: 2026-01-02}",
            "line 1: .* needs either `clock`",
        ),
        ("- {id: a, pack: p, clock: c, began: 2026-01-01}", "needs `last`, or `second` and `pair`"),
        ("- {id: a, pack: p, clock: c, began: soon, last: 2026-01-02}", "began: Invalid RFC3339"),
        ("id: a", "a list of periods"),
    ],
)
def test_a_wrong_file_of_periods_is_refused_with_its_line(tmp_path, line, message):
    (tmp_path / "periods.yaml").write_text(line)
    with pytest.raises(PeriodCaseError, match=message):
        read_periods(tmp_path / "periods.yaml")


def test_the_rules_of_the_law_are_those_that_were_read():
    """The numbers of the research (RULES.md section 2) once more, so that a pack and its cases cannot drift together."""
    rules = {rule.id: rule for pack in load_packs(DEPLOY / "packs") for rule in pack.rules}
    assert rules["CN.TIME.QUIET"].deny_local == ("22:00-08:00",)
    assert (rules["CN.FREQ.EFFECTIVE3"].max, rules["CN.FREQ.ATTEMPT6"].max) == (3, 6)
    assert rules["REGF.TIME.8_21"].allow_local == ("08:00-21:00",)
    assert (rules["REGF.FREQ.7IN7"].max, rules["REGF.FREQ.7IN7"].within.days) == (7, 7)
    assert rules["REGF.FREQ.TALK7"].for_.days == 7
    assert rules["REGF.SMS.60D"].max_age_days == 60
    assert (rules["MA.FREQ.2IN7"].max, rules["MA.FREQ.2IN7"].within.days) == (2, 7)
    assert (rules["NYC.FREQ.3IN7"].max, rules["NYC.FREQ.3IN7"].within.days) == (3, 7)
    assert rules["TCPA.REVOKE_ALL"].effective.from_ == date(2027, 1, 31)
    assert rules["UK.BS"].duration_days == 60
    assert (rules["UK.CCA88"].min_days, rules["UK.PAP30"].min_days) == (14, 30)
    assert rules["EU.CCD2.35"].effective.from_ == date(2026, 11, 20)
    assert rules["TW.TIME"].deny_local == ("22:00-07:00",)
