"""Worked histories: every question answered as written, and each answer sound to the second, in any order of the log."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from shared.compliance.calendars import load_calendars
from shared.compliance.casefile import Suite, read_cases
from shared.compliance.checking_cases import answers
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.loading import load_packs

HERE = Path(__file__).parent
DEPLOY = HERE.parents[1] / "deploy"
PACKS = [*load_packs(DEPLOY / "packs"), *load_packs(HERE / "packs")]
CALENDARS = load_calendars(DEPLOY / "calendars")
FILES = sorted((HERE / "cases").glob("*.yaml"))
SECOND = timedelta(seconds=1)


def _gate(names):
    return Gate((pack for pack in PACKS if pack.pack in names), CALENDARS)


def _questions(suite: Suite):
    for number, case in enumerate(suite.cases):
        gate = _gate(case.packs)
        for ask in range(len(case.asks)):
            known_at = suite.question(number, ask).known_at
            yield gate, suite.log(number), suite.proposal(number, ask), known_at


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_question_is_answered_as_worked_out_by_hand(file):
    wrong = [each for each in answers(read_cases(file), PACKS, CALENDARS) if not each.passed]
    assert wrong == []


def test_the_worked_cases_are_all_there():
    found = list(answers(read_cases(HERE / "cases" / "worked.yaml"), PACKS))
    assert len(found) == 89


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_blocked_is_allowed_at_next_and_not_a_second_before(file):
    for gate, log, proposal, asked_of in _questions(read_cases(file)):
        known = Known(log)
        known_at = asked_of or proposal.at
        verdict = gate.verdict(proposal, known, known_at)
        if verdict.allowed:
            assert verdict.earliest_next == proposal.at
        elif verdict.earliest_next is not None:
            at = msgspec.structs.replace(proposal, at=verdict.earliest_next)
            assert gate.verdict(at, known, known_at).allowed
            before = msgspec.structs.replace(at, at=at.at - SECOND)
            assert not gate.verdict(before, known, known_at).allowed
        if verdict.until is not None:
            assert (
                verdict.earliest_next < verdict.until <= verdict.earliest_next + timedelta(days=1)
            )
            last = msgspec.structs.replace(proposal, at=verdict.until - SECOND)
            assert gate.verdict(last, known, known_at).allowed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_repeats_and_the_order_of_the_log_change_nothing(file):
    for gate, log, proposal, known_at in _questions(read_cases(file)):
        wanted = gate.verdict(proposal, Known(log), known_at)
        doubled = [*log[1::2], *reversed(log), *log[::2]]
        told = Known()
        gate.verdict(proposal, told, known_at)
        for entry in doubled:
            told.add(entry)
        kept = Known()
        for entry in log:
            kept = kept.with_entry(entry)
        for known in (Known(reversed(log)), Known(doubled), told, kept):
            assert gate.verdict(proposal, known, known_at) == wanted
