"""What a decider may answer, and what makes one service differ from another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from shared.events.envelope import Event, Fact


class CaseState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What one service knows of one customer; each service derives its own.

    `stage` is the service's stage, a query column; `wake_at` is when the case is to be looked at
    again (AT_ONCE: in the next tick; None: only another fact can matter). `region` (of the customer) and
    `portfolio` (the creditor of what is overdue) are query columns too: who may see the case follows from them.
    """

    stage: str = "idle"
    wake_at: datetime | None = None
    region: str = ""
    portfolio: str = ""


S = TypeVar("S", bound=CaseState)


def placed(state: S, region: str, portfolio: str) -> S:
    """Answer *state* with its region and portfolio; what is not known ("") replaces nothing."""
    region, portfolio = region or state.region, portfolio or state.portfolio
    if (region, portfolio) == (state.region, state.portfolio):
        return state
    return msgspec.structs.replace(state, region=region, portfolio=portfolio)


@dataclass(frozen=True, slots=True)
class Publish:
    """
    A fact to publish on the service's topic.

    `about` is what it is about within (service, customer, type), for example a follow_up_id or
    a bucket and its date: the event's id is derived from it, so saying it again makes the same id.
    `key` is the customer under whose key it is published, where that is another one than the case's own (a
    merger hands facts over to the survivor); it must be `data.customer_id` then. The id stays the publishing case's.
    """

    about: str
    data: Fact
    key: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """
    Something that leaves the system: a message, a visit order, a filing.

    It holds references only, never contact values: `request` is what the service's effects.py needs
    to render it. It may leave from `not_before` on and not from `not_after` on (UTC instants).
    """

    effect_id: str
    kind: str
    request: Mapping[str, Any]
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """
    The outcome of one event: the next state, and what follows from it, in order.

    On a fact `publish` and `effects` are empty (the shell asserts it): facts only change state and
    withdraw. `withdraw` names effects that must not leave any more; those that left are not named back.
    """

    state: S
    publish: tuple[Publish, ...] = ()
    effects: tuple[Effect, ...] = ()
    withdraw: tuple[str, ...] = ()


Decide = Callable[[S, Event, datetime, Any], Decision[S]]
"""decide(state, event, now, policy): pure. No await, clock, logger, randomness; no exception for a business case."""


@dataclass(frozen=True, slots=True)
class Reactor(Generic[S]):
    """
    A service as a value: all that the shell, the replay and the documentation need to know of it.

    `reacts_to` and `publishes` name event types (shared/events/registry.py); `state_version` is
    raised when the meaning of stored states changes, with an upcaster from the version before:
    a function from the older state's plain JSON object to the next version's.
    """

    name: str
    state: type[S]
    decide: Decide[S]
    policy: Any
    reacts_to: frozenset[str]
    publishes: frozenset[str]
    state_version: int = 1
    upcasters: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(
        default_factory=dict
    )
