"""Scheduler: it owns time. It keeps each customer's case, walks the ladder, and says when a step is due.

    idle --something overdue--> open --steps of the ladder--> reminder > contact > letter > visit > legal
    any  --nothing overdue----> idle   (the case closes; what is under way is cancelled)
    any  --a person closes it-> idle   (likewise; it reopens only when something newer is overdue)
    idle --overdue again------> open   (a reopening: the next episode)

A case whose record was merged into another ends: it is cancelled and closed, hands over what it knows as
`case.merged`, and stays idle (merging.py). While a hold stands (death, insolvency, a live promise; a person's hold, "says paid", a
dispute, a complaint, hardship, an attorney; every overdue account diverges from its statement) no step is
taken. A single account that diverges is left out of the steps. A step is
published as `follow_up.due`; the service that owns its kind takes it and reports. Nothing is stored as a
wish: on each tick the next step and its instant are derived anew from the facts.
"""

from datetime import datetime

from msgspec.structs import replace

from services.scheduler.domain import asking, facts, halts, logbook, merging, reports
from services.scheduler.domain.state import CollectionCase
from services.scheduler.domain.tick import look
from services.scheduler.domain.writing import FOLDS as WRITTEN
from services.scheduler.policy import Strategy
from shared.clock import AT_ONCE
from shared.decision import Decision
from shared.events.envelope import Event, Woken

_FOLDS = {**facts.FOLDS, **reports.FOLDS, **halts.FOLDS, **asking.FOLDS, **WRITTEN}


def decide(
    case: CollectionCase, event: Event, now: datetime, policy: Strategy
) -> Decision[CollectionCase]:
    """Answer one event: a fact changes what is known, a tick derives what follows from it."""
    if isinstance(event.data, Woken):
        return look(case, event.data.customer_id, now, policy, fresh=event.data.fresh)
    fold = _FOLDS.get(type(event.data))
    known = fold(case, event.data, event) if fold is not None else case
    known = logbook.note(known, event)
    if known is case:
        return Decision(case)
    return Decision(replace(merging.noted(case, known), wake_at=AT_ONCE))
