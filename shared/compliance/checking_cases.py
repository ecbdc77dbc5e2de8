"""Put the questions of a case file to the gate, and compare."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.compliance.casefile import CaseError, Expect, Suite
from shared.compliance.entries import READ
from shared.compliance.gate import Gate
from shared.compliance.instants import Calendar
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.rules import named_types
from shared.compliance.verdict import Verdict

_BEYOND = "an instant is before the year 1 or after the year 9998"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """
    One question: what the gate said (`got`) and what the file wanted, in the same words where they are equal.

    `error` says why it could not be put at all: line, field, and what to write instead.
    """

    case: str
    ask: int
    note: str
    got: dict[str, object] = {}
    wanted: dict[str, object] = {}
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether it could be put, and everything that the file gives agrees."""
        return not self.error and self.got == self.wanted


def answers(
    suite: Suite, packs: Sequence[Pack], calendars: Mapping[str, Calendar] | None = None
) -> Iterator[Answer]:
    """
    Answer every question of *suite*, in its order, by those of *packs* that each case names.

    A question that is malformed, and every question of a case that is malformed or names a pack that is not there, fails
    with its error; the others are answered.
    """
    there = {pack.pack: pack for pack in packs}
    gates: dict[tuple[str, ...], Gate] = {}
    for number in range(len(suite)):
        name, notes = suite.asked(number)
        try:
            gate = _gate(suite, number, there, gates, calendars)
            known = _known(suite, number)
        except CaseError as error:
            for ask, note in enumerate(notes):
                yield Answer(case=name, ask=ask + 1, note=note, error=str(error))
            continue
        for ask in range(len(suite.case(number).asks)):
            try:
                got, wanted = _answer(suite, number, ask, gate, known)
                yield Answer(case=name, ask=ask + 1, note=notes[ask], got=got, wanted=wanted)
            except CaseError as error:
                yield Answer(case=name, ask=ask + 1, note=notes[ask], error=str(error))


def unread(suite: Suite, packs: Sequence[Pack]) -> Iterator[str]:
    """Name each type of a log that nothing reads, neither the gate itself nor any of *packs*, and where it stands first."""
    read = READ | {name for pack in packs for rule in pack.rules for name in named_types(rule)}
    told: set[str] = set()
    for number in range(len(suite)):
        try:
            log = suite.log(number)
        except CaseError:
            continue  # its questions say so
        for index, entry in enumerate(log):
            if entry.type in read or entry.type.startswith("consent.") or entry.type in told:
                continue
            told.add(entry.type)
            what = f"no rule reads a fact of type {entry.type!r}"
            yield str(suite.error(what, number, "log", index, "type"))


def _gate(
    suite: Suite,
    number: int,
    packs: Mapping[str, Pack],
    gates: dict[tuple[str, ...], Gate],
    calendars: Mapping[str, Calendar] | None,
) -> Gate:
    names = suite.case(number).packs
    for index, name in enumerate(names):
        if name not in packs:
            there = ", ".join(sorted(packs)) or "none"
            raise suite.error(
                f"no pack is called {name!r}; there are: {there}", *(number, "packs", index)
            )
    if names not in gates:
        gates[names] = Gate((packs[name] for name in dict.fromkeys(names)), calendars)
    return gates[names]


def _known(suite: Suite, number: int) -> Known:
    try:
        return Known(suite.log(number))
    except OverflowError:
        raise suite.error(_BEYOND, number, "log") from None


def _answer(
    suite: Suite, number: int, ask: int, gate: Gate, known: Known
) -> tuple[dict[str, object], dict[str, object]]:
    question = suite.question(number, ask)
    proposal = suite.proposal(number, ask)
    wanted_next = suite.expected_next(number, ask)
    try:
        verdict = gate.verdict(proposal, known, question.known_at)
    except OverflowError:
        raise suite.error(_BEYOND, number, "asks", ask, "p") from None
    return compared(verdict, question.expect, wanted_next)


def compared(
    verdict: Verdict, expect: Expect, wanted_next: datetime | str | None
) -> tuple[dict[str, object], dict[str, object]]:
    """Answer what the gate said and what was wanted, of what the expectation gives."""
    got: dict[str, object] = {"is": verdict.outcome}
    wanted: dict[str, object] = {"is": expect.is_}
    if expect.by is not None:
        got["by"] = list(verdict.blocked_by)
        wanted["by"] = sorted(set(expect.by))
    if expect.flags is not None:
        got["flags"] = list(verdict.review_flags)
        wanted["flags"] = sorted(set(expect.flags))
    if wanted_next is not None:
        got["next"], wanted["next"] = _nexts(verdict, wanted_next)
    return got, wanted


def _nexts(verdict: Verdict, wanted: datetime | str) -> tuple[str, str]:
    """Answer both in the offset of what was wanted, so that equal instants are equal words."""
    zone = wanted.tzinfo if isinstance(wanted, datetime) else None
    words = wanted.isoformat() if isinstance(wanted, datetime) else wanted
    if verdict.earliest_next is None:
        return "event", words
    return verdict.earliest_next.astimezone(zone or verdict.earliest_next.tzinfo).isoformat(), words
