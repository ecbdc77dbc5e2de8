"""Find a fact's model, topic and version by its type: the table of contents of the published language."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import (
    agencies,
    commands,
    common,
    contacts,
    core_banking,
    declarations,
    legal,
    notifier,
    permits,
    scheduler,
    visits,
)
from shared.events.envelope import Fact, Woken

CORE_BANKING = "core-banking"
SERVICES = ("scheduler", "notifier", "visits", "legal")
"""The services in the order in which a step of the stepped run and the replay go through them."""
TOPICS = (CORE_BANKING, *SERVICES)


@dataclass(frozen=True, slots=True)
class EventType:
    """
    One type of event: `topics` are where it may stand; none means it never travels on Kafka
    (facts that enter by HTTP, and ticks).
    """

    name: str
    model: type[Fact]
    topics: frozenset[str]
    version: int = 1

    @property
    def dataschema(self) -> str:
        """The CloudEvents `dataschema` of this version."""
        return f"urn:arrears:{self.name}:{self.version}"


def _owned(types: Mapping[str, type[Fact]], *topics: str) -> dict[str, EventType]:
    return {name: EventType(name, model, frozenset(topics)) for name, model in types.items()}


WOKEN = "woken"
SAID = {**commands.TYPES, **declarations.TYPES, **contacts.TYPES, **agencies.SAID}
"""What people do and customers declare."""

EVENT_TYPES: dict[str, EventType] = {
    **_owned(core_banking.TYPES, CORE_BANKING),
    **_owned(scheduler.TYPES, "scheduler"),
    **_owned(notifier.PUBLISHED, "notifier"),
    **_owned(visits.PUBLISHED, "visits"),
    **_owned(legal.PUBLISHED, "legal"),
    **_owned(agencies.PUBLISHED, "legal"),
    **_owned(permits.REQUESTED, "visits", "legal"),
    **_owned(common.TYPES, *SERVICES),
    **_owned(notifier.INTERNAL),
    **_owned(notifier.BY_HTTP),
    **_owned(visits.BY_HTTP),
    **_owned(legal.BY_HTTP),
    **_owned(SAID),
    **_owned({WOKEN: Woken}),
}

TYPE_OF: dict[type[Fact], str] = {entry.model: entry.name for entry in EVENT_TYPES.values()}
"""The type name of each model: what a decider publishes needs no name beside it."""
OUTCOMES = frozenset({*notifier.BY_HTTP, *visits.BY_HTTP, *legal.BY_HTTP})
"""What providers, field staff and courts tell of effects: the only facts that webhooks take."""
COMMANDS = frozenset(SAID)
"""What people do and customers declare, each by a route of its own."""
INTERNAL = frozenset(notifier.INTERNAL)
"""What a service's shell tells its own cases."""
BY_HTTP = OUTCOMES | COMMANDS
"""Facts that enter by HTTP, or, in a replay, from the input file."""
