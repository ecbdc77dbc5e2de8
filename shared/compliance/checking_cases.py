"""Put the questions of a case file to the gate, and compare."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.compliance.casefile import Expect, Suite
from shared.compliance.gate import Gate
from shared.compliance.instants import Calendar
from shared.compliance.known import Known
from shared.compliance.pack import Pack
from shared.compliance.verdict import Verdict


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what the gate said (`got`) and what the file wanted, in the same words where they are equal."""

    case: str
    ask: int
    note: str
    got: dict[str, object]
    wanted: dict[str, object]

    @property
    def passed(self) -> bool:
        """Whether everything that the file gives agrees."""
        return self.got == self.wanted


def answers(
    suite: Suite, packs: Sequence[Pack], calendars: Mapping[str, Calendar] | None = None
) -> Iterator[Answer]:
    """
    Answer every question of *suite*, in its order, by those of *packs* that each case names.

    Raises CaseError where a case is malformed or names a pack that is not there.
    """
    by_name = {pack.pack: pack for pack in packs}
    gates: dict[tuple[str, ...], Gate] = {}
    for number, case in enumerate(suite.cases):
        for index, name in enumerate(case.packs):
            if name not in by_name:
                there = ", ".join(sorted(by_name)) or "none"
                raise suite.error(
                    f"no pack is called {name!r}; there are: {there}", *(number, "packs", index)
                )
        gate = gates.get(case.packs)
        if gate is None:
            gate = gates[case.packs] = Gate(
                (by_name[name] for name in dict.fromkeys(case.packs)), calendars
            )
        known = Known(suite.log(number))
        for ask, question in enumerate(case.asks):
            proposal = suite.proposal(number, ask)
            wanted_next = suite.expected_next(number, ask)
            verdict = gate.verdict(proposal, known, question.known_at)
            got, wanted = compared(verdict, question.expect, wanted_next)
            yield Answer(case=case.id, ask=ask + 1, note=question.n, got=got, wanted=wanted)


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
