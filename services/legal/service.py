"""Legal as a value: what the shell, the replay and the documentation need to know of it."""

from services.legal.domain import decide
from services.legal.domain.state import LegalFile
from services.legal.policy import LegalPolicy
from shared.decision import Reactor
from shared.events import agencies

LEGAL = Reactor(
    name="legal",
    state=LegalFile,
    decide=decide,
    policy=LegalPolicy(),
    reacts_to=frozenset(
        {
            "follow_up.due",
            "follow_up.cancelled",
            "permit.granted",
            "permit.refused",
            "hold.applied",
            "hold.lifted",
            "case.closed",
            "court.notice",
            "court.outcome_recorded",
            *agencies.SAID,
        }
    ),
    publishes=frozenset(
        {
            "legal.assessed",
            "permit.requested",
            "legal.letter_sent",
            "legal.filed",
            "legal.accepted",
            "legal.judged",
            "legal.enforced",
            "legal.withdrawn",
            *agencies.PUBLISHED,
            "follow_up.requested",
            "follow_up.withdrawn",
        }
    ),
)
