"""The scheduler as a value."""

from services.scheduler.domain import decide
from services.scheduler.domain.state import CollectionCase
from services.scheduler.policy import Strategy
from services.scheduler.upcasting import to_version_2
from shared.decision import Reactor
from shared.events import (
    agencies,
    commands,
    common,
    contacts,
    core_banking,
    declarations,
    scheduler,
)

SCHEDULER = Reactor(
    name="scheduler",
    state=CollectionCase,
    decide=decide,
    policy=Strategy(),
    reacts_to=frozenset(
        {
            *core_banking.TYPES,
            *commands.SCHEDULER,
            *declarations.TYPES,
            *contacts.TYPES,
            *agencies.PUBLISHED,
            "contact.sent",
            "contact.delivered",
            "contact.answered",
            "contact.failed",
            "contact.refused",
            "contact.unknown",
            "contact_point.invalidated",
            "contact_point.shared",
            "opt_out.recorded",
            "promise.made",
            "visit.promise_made",
            "visit.completed",
            "visit.failed",
            "visit.cancelled",
            "legal.letter_sent",
            "permit.requested",
            "legal.withdrawn",
            "follow_up.requested",
            "follow_up.withdrawn",
            "case.merged",
        }
    ),
    publishes=frozenset(scheduler.TYPES) | frozenset(common.TYPES),
    state_version=2,
    upcasters={1: to_version_2},
)
