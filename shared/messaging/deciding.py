"""Run a decider by the rules that every runner keeps: shell and recorded replay. Pure.

Facts change state and withdraw, and do nothing else. Ticks that are not fresh withdraw, and leave `wake_at`.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.clock import MAX_AHEAD_SECONDS
from shared.decision import Decision, Reactor
from shared.events.envelope import Event, Woken
from shared.events.registry import TYPE_OF, WOKEN

AHEAD = timedelta(seconds=MAX_AHEAD_SECONDS)
CANCELLATIONS = frozenset({"follow_up.cancelled", "follow_up.withdrawn", "case.merged"})
"""What a tick may publish while facts may still wait in the queue: what stops others, and facts that may stop them."""


class RuleBroken(RuntimeError):
    """A decider did what none may do; the message says what."""


def decision_instant(clock: datetime, time: datetime, last: datetime) -> datetime:
    """Answer `now` of a decision: the clock, but never before the event (up to 5 minutes) or the case's last."""
    return max(clock, min(time, clock + AHEAD), last)


def decide_fact(reactor: Reactor[Any], state: Any, event: Event, now: datetime) -> Decision[Any]:
    """Decide a fact; raises RuleBroken when it publishes or starts an effect, and whatever decide raises."""
    decision = reactor.decide(state, event, now, reactor.policy)
    if decision.publish or decision.effects:
        raise RuleBroken(f"{event.type} is a fact, and its decision published or started an effect")
    return decision


def tick_event(
    service: str, customer_id: str, case_seq: int, now: datetime, *, fresh: bool
) -> Event:
    """Make the tick that wakes a case; it is known by its place in the case's order."""
    return Event(
        id=f"{customer_id}/{case_seq}",
        source=f"/ticks/{service}",
        type=WOKEN,
        subject=customer_id,
        time=now,
        data=Woken(customer_id=customer_id, fresh=fresh),
    )


def decide_tick(reactor: Reactor[Any], state: Any, event: Event, now: datetime) -> Decision[Any]:
    """Decide a tick; raises RuleBroken for what the service or a stale tick may not publish."""
    decision = reactor.decide(state, event, now, reactor.policy)
    for publication in decision.publish:
        kind = TYPE_OF[type(publication.data)]
        if kind not in reactor.publishes:
            raise RuleBroken(f"{reactor.name} published {kind}, which it does not declare")
        if publication.data.customer_id != (publication.key or event.subject):
            raise RuleBroken(
                f"{kind} is about another customer than the one under whose key it goes"
            )
    assert isinstance(event.data, Woken)
    if event.data.fresh:
        return decision
    if decision.effects or any(
        TYPE_OF[type(publication.data)] not in CANCELLATIONS for publication in decision.publish
    ):
        raise RuleBroken("a tick that is not fresh did more than withdraw")
    if decision.state.wake_at != state.wake_at:
        kept = replace(decision.state, wake_at=state.wake_at)
        return Decision(kept, decision.publish, (), decision.withdraw)
    return decision
