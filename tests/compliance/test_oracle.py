"""The oracle is judged too: it answers the worked cases by itself, by direct counting."""

from pathlib import Path

import pytest

from shared.compliance.casefile import read_cases
from shared.compliance.loading import load_packs
from tests.compliance.oracle import blocking

HERE = Path(__file__).parent
PACKS = load_packs(HERE.parents[1] / "deploy" / "packs")
FILES = sorted(file for file in (HERE / "cases").glob("*.yaml") if file.stem != "language")
"""The oracle knows no calendars, which `language` is about."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_brute_force_answers_the_worked_cases_too(file):
    suite, wrong, asked = read_cases(file), [], 0
    for number, case in enumerate(suite.cases):
        packs = [pack for pack in PACKS if pack.pack in case.packs]
        for ask in range(len(case.asks)):
            p, question = suite.proposal(number, ask), suite.question(number, ask)
            expected = question.expect
            by = blocking(packs, p, suite.log(number), question.known_at or p.at, p.at)
            asked += 1
            if by != set(expected.by or ()):
                wrong.append((case.id, p.at, by, expected))
    assert asked
    assert wrong == []
