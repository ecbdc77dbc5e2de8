"""Audit a replay: its inputs and what it published are all that the deciders knew, in their own order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.compliance.calendars import calendars_of
from shared.compliance.gate import Gate
from shared.events.envelope import Event
from shared.lawful.capture import in_order, joined
from shared.lawful.judging import Auditor
from shared.lawful.manner import Manner
from shared.lawful.report import Days, Report
from shared.lawful.words import Prover


def reporter(
    policy: Any, *, exact: bool = True, days: Days | None = None, wholly: bool = False
) -> Report:
    """Answer a report that judges by the scheduler's policy (its strategy with packs and texts)."""
    gate = Gate(policy.packs, calendars_of(policy.calendars))  # those of the scheduler
    auditor = Auditor(gate, Manner.of(policy), exact=exact)
    return Report(auditor, Prover(gate), days or Days(), wholly=wholly)


def audited(
    inputs: Mapping[str, Sequence[Event]], published: Iterable[Event], policy: Any
) -> Report:
    """Audit all contacts; *inputs* by customer, *published* in the order of the replay. Wrong ones are kept as proofs."""
    report = reporter(policy)
    said: dict[str, list[Event]] = {}
    for event in published:
        said.setdefault(event.subject, []).append(event)
    for records in joined(inputs):
        told = [event for name in records for event in inputs[name]]
        told += [event for name in records for event in said.get(name, ())]
        report.wrong.extend(report.add(report.auditor.person(in_order(told))))
    return report
