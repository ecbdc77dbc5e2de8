"""Judge every contact of a person again: by what was known when leave was given, and by what is known now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Conduct
from shared.compliance.verdict import Verdict
from shared.events.agencies import AgencyContacted
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.scheduler import CaseMerged
from shared.lawful.contacts import Made, made
from shared.lawful.manner import Manner
from shared.lawful.record import LISTED, Record

Finding = Literal["lawful", "late_information", "pack_changed", "bypass", "engine_fault"]
FINDINGS: tuple[Finding, ...] = (
    "lawful", "late_information", "pack_changed", "bypass", "engine_fault",
)  # fmt: skip
WRONG = frozenset({"bypass", "engine_fault"})
INSTANT = timedelta(microseconds=1)
LAG = timedelta(seconds=60)
"""A fact that was said so shortly before the leave may not have reached who gave it, where the order is not recorded."""
GRACE = timedelta(minutes=2)
"""A message is told after it was handed over, and its permit was asked before: so late may it be told at most."""
UNTOLD = frozenset({"content", "conduct"})
"""An agency's report does not say what was said and how: rules of these kinds are not held against it, but that on public lists."""


@dataclass(frozen=True, slots=True)
class Judged:
    """
    A contact, what it came to, and why in a sentence.

    `then` and `now` are the verdicts, one for each kind of debt, by what was known when the leave was given and by all
    that is known; `rules` the rules in the way in either, `late` the facts that became known only afterwards.
    """

    made: Made
    finding: Finding
    why: str
    proposals: tuple[Proposal, ...] = ()
    then: tuple[Verdict, ...] = ()
    now: tuple[Verdict, ...] = ()
    rules: tuple[str, ...] = ()
    late: tuple[Entry, ...] = ()
    known: tuple[Entry, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether it must not have been made by what was known then."""
        return self.finding in WRONG


@dataclass(slots=True)
class Person:
    """All records of one person, and the contacts that were made; `heirs` names the record in which an ended one goes on."""

    records: dict[str, Record] = field(default_factory=dict)
    heirs: dict[str, str] = field(default_factory=dict)
    contacts: list[Made] = field(default_factory=list)
    last: datetime | None = None

    def take(self, event: Event, manner: Manner) -> None:
        """Learn the next event, in the order of knowing."""
        record = self.record(event.subject)
        before = dict(record.log) if event.subject in self.heirs else None
        record.take(event, manner)
        if before is not None and not isinstance(event.data, CustomerMerged):
            record.unhanded.told(before, record.log, event.time)
        if isinstance(event.data, CaseMerged) and event.subject == record.customer_id:
            record.unhanded.handed(event.data)
        if isinstance(event.data, CustomerMerged):
            self._merge(record, event.data.from_customer_id)
        if (contact := made(event, record)) is not None:
            self.contacts.append(contact)
        self.last = max(self.last or event.time, event.time)

    def record(self, customer_id: str) -> Record:
        """Answer the record in which that one goes on, or itself."""
        while customer_id in self.heirs:
            customer_id = self.heirs[customer_id]
        return self.records.setdefault(customer_id, Record(customer_id))

    def _merge(self, survivor: Record, ended: str) -> None:
        """Let the survivor go on with what was known of the ended record, and with what is told of it later."""
        while ended in self.heirs:
            ended = self.heirs[ended]
        if ended == survivor.customer_id:
            return
        self.heirs[ended] = survivor.customer_id
        if (other := self.records.pop(ended, None)) is not None:
            survivor.absorb(other)

    def everything(self) -> tuple[Entry, ...]:
        """Answer all that is known of the person now, as the gate reads it."""
        return tuple(
            {
                (entry.src, entry.id): entry
                for record in self.records.values()
                for entry in record.known()
            }.values()
        )


class Auditor:
    """
    Judges persons by these packs; `exact`: the events come in the very order in which the decider took them.

    Otherwise (a capture of the bus) what was said within a minute before the leave may have come after it.
    """

    def __init__(self, gate: Gate, manner: Manner, *, exact: bool) -> None:
        self._gate = gate
        self._manner = manner
        self._exact = exact
        self._packs = frozenset(pack.name for pack in gate.packs)
        self._untold = {
            rule.id
            for pack in gate.packs
            for rule in pack.rules
            if type(rule).__struct_config__.tag in UNTOLD
        }
        self._of_lists = {
            rule.id
            for pack in gate.packs
            for rule in pack.rules
            if isinstance(rule, Conduct) and set(rule.require) == {LISTED}
        }

    def person(self, events: Iterable[Event]) -> Person:
        """Fold one person's events."""
        person = Person()
        for event in events:
            person.take(event, self._manner)
        return person

    def judge(self, person: Person) -> Iterator[Judged]:
        """Judge the person's contacts, in the order in which they became known."""
        everything = person.everything()
        today = Known(everything)
        for contact in person.contacts:
            assert person.last is not None
            if contact.agency:
                yield self._agency(contact, person, today)
            else:
                yield self._ours(contact, everything, today, person.last)

    def _ours(
        self, contact: Made, everything: tuple[Entry, ...], today: Known, end: datetime
    ) -> Judged:
        leave = contact.leave
        if leave is None:
            named = (
                f"the permit {contact.permit_id} was never given"
                if contact.permit_id
                else "no permit"
            )
            return Judged(contact, "bypass", f"made without leave: {named}")
        permit = leave.permit
        if wrong := _outside(contact, timedelta(0) if self._exact else GRACE):
            return Judged(contact, "bypass", wrong, leave.made, known=leave.known)
        at = min(max(contact.at, permit.not_before), permit.not_after - INSTANT)
        asked = tuple(replace(each, at=at) for each in leave.made)
        if not asked:
            return Judged(
                contact, "bypass", "leave was given for nothing that the capture tells of"
            )
        then = self._verdicts(asked, Known(leave.known), leave.granted_at)
        now = self._verdicts(asked, today, max(end, contact.at))
        had = {(entry.src, entry.id): entry for entry in leave.known}
        late = tuple(
            entry
            for entry in everything
            if had.get((entry.src, entry.id)) != entry and entry.id != permit.permit_id
        )
        rules = _rules((*then, *now))
        about = (contact, asked, then, now, rules, late, leave.known)
        if not all(verdict.allowed for verdict in then):
            return self._refused_then(about)
        if all(verdict.allowed for verdict in now):
            return _judged("lawful", "allowed as known then and as known now", about)
        if self._changed(contact):
            return _judged(
                "pack_changed", "allowed by the packs of its leave, not by today's", about
            )
        why = f"allowed as known then; {', '.join(_rules(now))} in the way by what was told later"
        return _judged("late_information", why, about)

    def _refused_then(self, about: "_About") -> Judged:
        contact, asked, then = about[0], about[1], about[2]
        leave = contact.leave
        assert leave is not None
        rules = ", ".join(_rules(then))
        if self._changed(contact):
            why = f"{rules} in the way by today's packs; leave was given by others"
            return _judged("pack_changed", why, about)
        if not self._exact and leave.permit.facts not in {verdict.facts for verdict in then}:
            earlier = Known(
                entry for entry in leave.known if (entry.rec or entry.at) < leave.granted_at - LAG
            )
            if all(each.allowed for each in self._verdicts(asked, earlier, leave.granted_at)):
                why = f"{rules} in the way by facts that were told within {LAG.seconds} s before the leave"
                return _judged("late_information", why, about)
        here = leave.here
        if here is not None and all(
            each.allowed for each in self._verdicts(asked, Known(here), leave.granted_at)
        ):
            why = f"{rules} in the way by what was told of a record that ended, and not yet handed over"
            return _judged("late_information", why, about)
        return _judged("engine_fault", f"leave was given although {rules} was in the way", about)

    def _agency(self, contact: Made, person: Person, today: Known) -> Judged:
        """Judge what an agency did: no leave of ours, and known only by its report."""
        record = person.record(contact.customer_id)
        data = contact.event.data
        assert isinstance(data, AgencyContacted)
        asked = record.by_agency(data, self._manner)
        assert person.last is not None
        verdicts = self._verdicts(asked, today, max(person.last, contact.at))
        untold = self._untold - (self._of_lists if data.agency in record.listed else set())
        rules = tuple(rule for rule in _rules(verdicts) if rule not in untold)
        about = (contact, asked, (), verdicts, rules, (), ())
        if not rules:
            return _judged("lawful", "an agency's contact, which no rule forbade", about)
        why = f"an agency's contact, known by its report only; {', '.join(rules)} in the way"
        return _judged("late_information", why, about)

    def _changed(self, contact: Made) -> bool:
        leave = contact.leave
        return leave is not None and not self._packs >= set(leave.permit.packs)

    def _verdicts(
        self, asked: Iterable[Proposal], known: Known, known_at: datetime
    ) -> tuple[Verdict, ...]:
        return tuple(self._gate.verdict(each, known, known_at) for each in asked)


_About = tuple[
    Made,
    tuple[Proposal, ...],
    tuple[Verdict, ...],
    tuple[Verdict, ...],
    tuple[str, ...],
    tuple[Entry, ...],
    tuple[Entry, ...],
]


def _judged(finding: Finding, why: str, about: _About) -> Judged:
    made_, asked, then, now, rules, late, known = about
    return Judged(made_, finding, why, asked, then, now, rules, late, known)


def _rules(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    return tuple(sorted({rule for verdict in verdicts for rule in verdict.blocked_by}))


def _outside(contact: Made, grace: timedelta) -> str:
    """Tell in which way the contact is not the one that leave was given for; "" if it is."""
    assert contact.leave is not None
    permit = contact.leave.permit
    if contact.channel != permit.channel:
        return f"made by {contact.channel}; its leave was for {permit.channel}"
    if contact.point_id != permit.point_id:
        return f"made to the point {contact.point_id}; its leave was for {permit.point_id}"
    if contact.surely and contact.at < permit.not_before:
        return f"made before its leave began at {permit.not_before.isoformat()}"
    if contact.surely and contact.at >= permit.not_after + grace:
        return f"made after its leave had ended at {permit.not_after.isoformat()}"
    return ""
