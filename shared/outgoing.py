"""Make the events that Arrears itself brings forth, the same live and in the replay: publications and outcomes."""

from datetime import datetime

from shared.events.envelope import Event, Fact
from shared.events.legal import CourtNotice
from shared.events.notifier import ProviderReceipt
from shared.events.registry import EVENT_TYPES, TYPE_OF
from shared.events.visits import FieldReport
from shared.ids import derive

OUTCOME_MODELS: dict[str, type[ProviderReceipt | FieldReport | CourtNotice]] = {
    "notifier": ProviderReceipt,
    "visits": FieldReport,
    "legal": CourtNotice,
}
"""As what each service hears of its effects."""


def published_event(
    service: str, customer_id: str, about: str, data: Fact, now: datetime, key: str = ""
) -> Event:
    """
    Make the event that the case of *customer_id* publishes; its id says what it is about, not what triggered it.

    *key* is the customer whose event it is, where that is another one.
    """
    name = TYPE_OF[type(data)]
    return Event(
        id=derive(service, customer_id, name, about),
        source=f"/services/{service}",
        type=name,
        subject=key or customer_id,
        time=now,
        data=data,
        dataschema=EVENT_TYPES[name].dataschema,
    )


def outcome_event(fact: Fact, at: datetime, source: str = "/providers/sandbox") -> Event:
    """
    Make the event of an outcome: its id is derived from the effect and the outcome, so that a second
    telling meets the first. Raises AttributeError for a fact that is no outcome.
    """
    effect_id, outcome = fact.effect_id, fact.outcome  # type: ignore[attr-defined]
    return Event(
        id=derive(effect_id, outcome),
        source=source,
        type=TYPE_OF[type(fact)],
        subject=fact.customer_id,
        time=at,
        data=fact,
    )


def refused_event(
    service: str, customer_id: str, effect_id: str, now: datetime, reason: str = "expired"
) -> Event:
    """Make the outcome of an effect that the worker did not let leave: its window was over, or it had no leave."""
    model = OUTCOME_MODELS[service]
    fact = model(
        customer_id=customer_id, effect_id=effect_id, outcome="refused", reason=reason, at=now
    )
    return outcome_event(fact, now, f"/effects/{service}")
