"""What a lawyer and a programmer should know of packs: rules that rest on memory, loose ends, numbers no case would miss."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Literal

from shared.compliance.calendars import WorkCalendar
from shared.compliance.casefile import Expect, Suite
from shared.compliance.checking import source_problems
from shared.compliance.checking_cases import compared
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.loading import Placed
from shared.compliance.mutants import Mutant, mutants
from shared.compliance.pack import Pack
from shared.compliance.period_cases import PeriodCase
from shared.compliance.proposal import Proposal
from shared.compliance.rules import AnyRule, Content, Hold, Party
from shared.yaml_lines import Place, named

_AS_GOOD_AS_EQUAL = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and where (file:line). An error stops a pack from being used, a warning does not."""

    level: Literal["error", "warning", "memory", "unnoticed"]
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class _Question:
    packs: tuple[str, ...]
    proposal: Proposal
    known: Known
    known_at: datetime | None
    expect: Expect
    wanted_next: datetime | Literal["event"] | None


def findings(packs: Sequence[Placed]) -> Iterator[Finding]:
    """Answer what is wrong or doubtful in *packs* as they stand."""
    for placed in packs:
        pack = placed.pack
        for where, name, evidence in _graded(placed):
            if evidence == "memory" and pack.production:
                yield Finding(
                    "error", where, f"{name} rests on memory; a pack for production may hold none"
                )
            elif evidence == "memory":
                yield Finding("memory", where, f"{name} rests on memory")
        for place, problem in source_problems(pack):
            yield Finding("warning", _where(placed, place), f"{named(place)}{problem}")
    yield from _misspelt(packs)


def unnoticed(
    packs: Sequence[Placed],
    suites: Iterable[Suite],
    periods: Sequence[PeriodCase] = (),
    calendars: Mapping[str, WorkCalendar] | None = None,
    *,
    words: bool = False,
) -> Iterator[tuple[Placed, Mutant, bool]]:
    """
    Change each rule and number of *packs* (with *words*: each word of a list too) and answer whether a case notices.

    A case notices when its expectation fails. Questions whose expectation fails already are left out. Raises CaseError
    for a case that is malformed.
    """
    calendars = calendars or {}
    by_name = {placed.pack.pack: placed.pack for placed in packs}
    judge = _Judge(by_name, calendars)
    questions = [
        question
        for suite in suites
        for question in _questions(suite, by_name)
        if judge.holds(question)
    ]
    for placed in packs:
        name = placed.pack.pack
        ours = [question for question in questions if name in question.packs]
        spans = [case for case in periods if case.pack == name]
        for mutant in mutants(placed.pack):
            if mutant.word and not words:
                continue
            judge = _Judge({**by_name, name: mutant.pack}, calendars)
            likely = _likely_first(ours, _rule_of(placed, mutant))
            noticed = not all(case.holds(mutant.pack, calendars) for case in spans) or not all(
                judge.holds(question) for question in likely
            )
            yield placed, mutant, noticed


def where(placed: Placed, mutant: Mutant) -> str:
    """Answer file:line of what *mutant* changed, and the rule's id."""
    rule = _rule_of(placed, mutant)
    told = f" {rule}" if rule else ""
    return f"{_where(placed, mutant.place)}:{told} {named(mutant.place)}{mutant.what}"


def _rule_of(placed: Placed, mutant: Mutant) -> str:
    if mutant.place[0] == "rules" and isinstance(index := mutant.place[1], int):
        return placed.pack.rules[index].id
    return ""


def _likely_first(questions: Sequence[_Question], rule: str) -> Sequence[_Question]:
    """Begin with the questions that *rule* answers: one of them notices nearly every change of it."""
    return sorted(questions, key=lambda question: rule not in (question.expect.by or ()))


def _questions(suite: Suite, packs: Mapping[str, Pack]) -> Iterator[_Question]:
    for number, case in enumerate(suite.cases):
        if any(name not in packs for name in case.packs):
            continue
        known = Known(suite.log(number))
        for ask in range(len(case.asks)):
            question = suite.question(number, ask)
            yield _Question(
                case.packs,
                suite.proposal(number, ask),
                known,
                question.known_at,
                question.expect,
                suite.expected_next(number, ask),
            )


class _Judge:
    """Compares answers with expectations under *packs*; each set of packs is compiled once."""

    def __init__(self, packs: Mapping[str, Pack], calendars: Mapping[str, WorkCalendar]) -> None:
        self._packs = packs
        self._calendars = calendars
        self._gates: dict[tuple[str, ...], Gate] = {}

    def holds(self, question: _Question) -> bool:
        gate = self._gates.get(question.packs)
        if gate is None:
            names = dict.fromkeys(question.packs)
            gate = Gate((self._packs[name] for name in names), self._calendars)
            self._gates[question.packs] = gate
        verdict = gate.verdict(question.proposal, question.known, question.known_at)
        got, wanted = compared(verdict, question.expect, question.wanted_next)
        return got == wanted


def _graded(placed: Placed) -> Iterator[tuple[str, str, str]]:
    for index, rule in enumerate(placed.pack.rules):
        yield placed.where(index), rule.id, rule.evidence
    for name, clock in placed.pack.clocks.items():
        yield _where(placed, ("clocks", name)), f"clock {name}", clock.evidence


def _misspelt(packs: Sequence[Placed]) -> Iterator[Finding]:
    """Name words of open lists (parties, actions, tags, events) that are nearly another one."""
    found: dict[str, str] = {}
    for placed in packs:
        for index, rule in enumerate(placed.pack.rules):
            for word in _open_words(rule):
                near = get_close_matches(word, set(found) - {word}, n=1, cutoff=_AS_GOOD_AS_EQUAL)
                if near and word not in found:
                    text = f"{rule.id}: {word!r} is nearly {near[0]!r} ({found[near[0]]})"
                    yield Finding("warning", placed.where(index), text)
                found.setdefault(word, placed.where(index))


def _open_words(rule: AnyRule) -> Iterator[str]:
    yield from (*rule.when.party_in, *rule.when.action_in, *rule.when.product_in)
    if isinstance(rule, Content):
        yield from (*rule.must, *rule.must_not)
    elif isinstance(rule, Hold):
        yield from (rule.starts, rule.ends, *rule.except_party)
    elif isinstance(rule, Party):
        yield from (allowed.party for allowed in rule.allow)


def _where(placed: Placed, place: Place) -> str:
    return f"{placed.document.path.name}:{placed.document.line(*place)}"
