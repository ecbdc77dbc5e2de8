"""A small service for the tests of the shell: it counts what is owed, reminds once per episode, and can be told to fail."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.clock import AT_ONCE
from shared.decision import CaseState, Decision, Effect, Publish, Reactor
from shared.events.core_banking import (
    CustomerMerged,
    CustomerUpdated,
    PaymentMissed,
    PaymentReceived,
)
from shared.events.envelope import Event, Woken
from shared.events.notifier import ProviderReceipt
from shared.events.permits import Permit
from shared.events.scheduler import FollowUpCancelled, FollowUpDue
from shared.ids import derive
from shared.permits.permitted import carried

FAILING = "FAIL"
WAIT = timedelta(days=3)


class Ledger(CaseState, frozen=True, kw_only=True, omit_defaults=True):
    """What is owed, by instalment; one reminder per episode, an episode ends with payment."""

    owed: dict[str, int] = {}
    episode: int = 0
    reminded: int = 0
    points: tuple[str, ...] = ()
    ended: bool = False
    receipts: int = 0
    padding: str = ""


class Policy(msgspec.Struct, frozen=True):
    failing: str = FAILING


def decide(state: Ledger, event: Event, now: datetime, policy: Policy) -> Decision[Ledger]:
    match event.data:
        case PaymentMissed(instalment_id=instalment) if instalment == policy.failing:
            raise ZeroDivisionError("told to fail")
        case PaymentMissed(instalment_id=instalment, amount_minor=amount):
            episode = state.episode if state.owed else state.episode + 1
            owed = {**state.owed, instalment: amount}
            return Decision(
                replace(state, stage="owing", owed=owed, episode=episode, wake_at=AT_ONCE)
            )
        case PaymentReceived():
            paid = replace(state, stage="idle", owed={}, wake_at=AT_ONCE)
            return Decision(paid, withdraw=(_effect_id(event.subject, state.episode),))
        case CustomerMerged(from_customer_id=ended):
            return Decision(replace(state, ended=event.subject == ended))
        case CustomerUpdated(contact_points=points):
            return Decision(replace(state, points=tuple(point.point_id for point in points)))
        case ProviderReceipt():
            return Decision(replace(state, receipts=state.receipts + 1))
        case Woken(customer_id=customer_id, fresh=fresh):
            return _tick(state, customer_id, now, fresh=fresh)
        case _:
            return Decision(state)


def _tick(state: Ledger, customer_id: str, now: datetime, *, fresh: bool) -> Decision[Ledger]:
    reminder = _effect_id(customer_id, state.episode)
    if not state.owed and state.reminded == state.episode > 0:
        cancelled = FollowUpCancelled(
            customer_id=customer_id, follow_up_id=reminder, kind="contact", reason="paid"
        )
        closed = replace(state, reminded=0, wake_at=None)
        return Decision(closed, (Publish(reminder, cancelled),), withdraw=(reminder,))
    if not fresh:
        return Decision(state)
    if state.owed and state.reminded < state.episode:
        due = FollowUpDue(customer_id=customer_id, follow_up_id=reminder, kind="contact")
        request = {"episode": state.episode, "point_id": "P1", **carried(_permit(reminder, now))}
        effect = Effect(reminder, "contact.sms", request, now, now + WAIT)
        acted = replace(state, reminded=state.episode, wake_at=now + WAIT)
        return Decision(acted, (Publish(reminder, due),), (effect,))
    later = state.wake_at if state.wake_at is not None and state.wake_at > now else None
    return Decision(replace(state, wake_at=later))


def _permit(reminder: str, now: datetime) -> Permit:
    return Permit(
        permit_id=derive(reminder, "permit"),
        channel="sms",
        point_id="P1",
        not_before=now,
        not_after=now + WAIT,
        packs=("firm@1:abc",),
    )


def _effect_id(customer_id: str, episode: int) -> str:
    return derive("scheduler", customer_id, episode)


def ledger(**changes: Any) -> Reactor[Ledger]:
    """The service; it stands in the scheduler's schema, because a schema is a service's."""
    return Reactor(
        **{
            "name": "scheduler",
            "state": Ledger,
            "decide": decide,
            "policy": Policy(),
            "reacts_to": frozenset(
                {
                    "payment.missed",
                    "payment.received",
                    "customer.merged",
                    "customer.updated",
                    "provider.receipt",
                }
            ),
            "publishes": frozenset({"follow_up.due", "follow_up.cancelled"}),
        }
        | changes
    )
