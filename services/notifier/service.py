"""The notifier as a value: what the shell, the replay and the documentation need to know of it."""

from services.notifier.domain import Correspondence, decide
from services.notifier.policy import NotifierPolicy
from shared.decision import Reactor

NOTIFIER: Reactor[Correspondence] = Reactor(
    name="notifier",
    state=Correspondence,
    decide=decide,
    policy=NotifierPolicy(),
    reacts_to=frozenset(
        {
            "follow_up.due",
            "follow_up.cancelled",
            "contact_point.counted",
            "permit.granted",
            "permit.refused",
            "provider.receipt",
        }
    ),
    publishes=frozenset(
        {
            "contact.sent",
            "contact.delivered",
            "contact.answered",
            "contact.failed",
            "contact.refused",
            "contact.unknown",
            "promise.made",
            "contact_point.invalidated",
            "opt_out.recorded",
            "contact_point.shared",
        }
    ),
)
