"""What a rule is asked, and how it answers: a proposal against a folded log, and the state of one rule at an instant."""

from copy import copy
from datetime import datetime
from typing import Protocol

from shared.compliance.entries import Entry
from shared.compliance.instants import FAR
from shared.compliance.known import Known
from shared.compliance.proposal import Proposal

State = tuple[str | None, datetime]
"""
Whether a rule is in the way at an instant, and until when that surely stays so.

The first part is None where it allows, "" where it blocks, and the name of a fact where it blocks because that fact is
unknown. The second is later than the instant, and no later than the next change: it may be too early, never too late.
"""
FREE: State = (None, FAR)
STUCK: State = ("", FAR)
_NO_DEBT = (None,)


class Ask:
    """
    A proposal against what is known: its keys for counting, persons by identity; None where the proposal does not say.

    `debts` are all of the proposal's (None alone: it names none), `debt` the one that is looked up; `parts` asks of each
    debt on its own.
    """

    __slots__ = (
        "_parts",
        "collector",
        "contacted",
        "creditor",
        "debt",
        "debts",
        "known",
        "known_at",
        "person",
        "point",
        "proposal",
        "skip",
    )

    def __init__(self, proposal: Proposal, known: Known, known_at: datetime) -> None:
        self.proposal = proposal
        self.known = known
        self.known_at = known_at
        self.person = known.identity(proposal.person) or None
        self.contacted = known.identity(proposal.contacted) or None
        self.point = proposal.point or None
        self.creditor = proposal.creditor or None
        self.collector = proposal.collector or None
        self.debts: tuple[str | None, ...] = proposal.debts or _NO_DEBT
        self.debt: str | None = self.debts[0]
        self.skip = proposal.reservation
        self._parts: tuple[Ask, ...] | None = None

    def parts(self) -> "tuple[Ask, ...]":
        """Answer the same question for each debt of the proposal alone; with one debt, or none, the question itself."""
        if len(self.debts) == 1:
            return (self,)
        if self._parts is None:
            self._parts = tuple(map(self._of_debt, self.debts))
        return self._parts

    def _of_debt(self, debt: str | None) -> "Ask":
        part = copy(self)
        part.debts, part.debt = (debt,), debt
        return part

    def is_own(self, entry: Entry) -> bool:
        """Tell whether *entry* is the proposal's own reservation, which does not stand in its way."""
        return self.skip is not None and (entry.src, entry.id) == self.skip


class Bound(Protocol):
    """A rule for one kind of proposal, in its zones."""

    def state(self, ask: Ask, t: datetime) -> State:
        """Answer whether the rule alone is in the way at *t* (UTC)."""
        ...


class Fixed:
    """A rule whose answer needs neither the log nor the time."""

    __slots__ = ("_state",)

    def __init__(self, status: str) -> None:
        self._state: State = (status, FAR)

    def state(self, ask: Ask, t: datetime) -> State:  # noqa: ARG002
        return self._state


class WhileValid:
    """A rule that is in the way only from an instant on, and before another."""

    __slots__ = ("_end", "_rule", "_start")

    def __init__(self, rule: Bound, start: datetime, end: datetime) -> None:
        self._rule = rule
        self._start = start
        self._end = end

    def state(self, ask: Ask, t: datetime) -> State:
        if t < self._start:
            return None, self._start
        if t >= self._end:
            return FREE
        status, change = self._rule.state(ask, t)
        return status, min(change, self._end)
