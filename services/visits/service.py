"""Visits as a value: what the shell, the replay and the documentation need to know of it."""

from services.visits.domain import decide
from services.visits.domain.state import FieldBook
from services.visits.policy import VisitPolicy
from shared.decision import Reactor

VISITS = Reactor(
    name="visits",
    state=FieldBook,
    decide=decide,
    policy=VisitPolicy(),
    reacts_to=frozenset(
        {
            "follow_up.due",
            "follow_up.cancelled",
            "permit.granted",
            "permit.refused",
            "hold.applied",
            "hold.lifted",
            "case.closed",
            "field.report",
            "visit.outcome_recorded",
        }
    ),
    publishes=frozenset(
        {
            "visit.proposed",
            "visit.scheduled",
            "visit.completed",
            "visit.failed",
            "visit.cancelled",
            "visit.promise_made",
            "permit.requested",
            "follow_up.requested",
            "follow_up.withdrawn",
        }
    ),
)
