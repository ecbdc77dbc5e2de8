"""Words in which the stories about the notifier are told."""

from datetime import date, datetime, timedelta
from typing import Any

from services.notifier.service import NOTIFIER
from shared.events.envelope import Event
from shared.events.notifier import (
    ContactAnswered,
    ContactDelivered,
    ContactFailed,
    ContactPointInvalidated,
    ContactRefused,
    ContactSent,
    ContactUnknown,
    PromiseMade,
    ProviderReceipt,
)
from shared.events.scheduler import Amount, Choice, FollowUpCancelled, FollowUpDue, Situation
from shared.ids import derive
from shared.testing import START, Story, fact, given, tick

POLICY = NOTIFIER.policy
CHOICES = (
    Choice(channel="sms", point_id="P0", template="sms.overdue"),
    Choice(channel="call", point_id="P1", template="call.first"),
    Choice(channel="letter", point_id="P2", template="letter.first"),
)
SITUATION = Situation(
    dpd=4,
    bucket="M1",
    overdue=(Amount(currency="CNY", amount_minor=123450),),
    oldest_due_on=date(2026, 2, 26),
    accounts=("6222-0001",),
    language="en-GB",
    creditor="BANK-1",
)
WINDOW = timedelta(hours=10)
PROMISED_ON = date(2026, 3, 9)


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def effect(index: int, step: str = "S1") -> str:
    return derive("notifier", "C1", 1, step, 1, index, "contact")


SMS, CALL, LETTER = effect(0), effect(1), effect(2)


def due(step: str = "S1", choices: tuple[Choice, ...] = CHOICES, **fields: Any) -> FollowUpDue:
    told: dict[str, Any] = {
        "follow_up_id": f"F-{step}",
        "kind": "contact",
        "episode": 1,
        "step": step,
        "choices": choices,
        "not_before": START,
        "not_after": START + WINDOW,
        "situation": SITUATION,
        **fields,
    }
    return FollowUpDue(customer_id="C1", **told)


def cancelled(step: str = "S1", kind: Any = "contact") -> FollowUpCancelled:
    return FollowUpCancelled(
        customer_id="C1", follow_up_id=f"F-{step}", kind=kind, reason="paid_up"
    )


def receipt(effect_id: str, outcome: Any, **fields: Any) -> ProviderReceipt:
    return ProviderReceipt(customer_id="C1", effect_id=effect_id, outcome=outcome, **fields)


def at(minute: float, *facts: Any) -> list[Event]:
    """The facts at that minute of the story, and the tick after them."""
    return [*(fact(told, minutes(minute)) for told in facts), tick(minutes(minute))]


def contacting(choices: tuple[Choice, ...] = CHOICES) -> Story:
    """The first choice of step S1 is under way."""
    return given(NOTIFIER, *at(0, due(choices=choices)))


def about(index: int, step: str = "S1") -> dict[str, Any]:
    return {
        "customer_id": "C1",
        "follow_up_id": f"F-{step}",
        "effect_id": effect(index, step),
        "channel": CHOICES[index].channel,
    }


def sent(index: int, step: str = "S1") -> ContactSent:
    choice = CHOICES[index]
    return ContactSent(
        **about(index, step),
        point_id=choice.point_id,
        template=choice.template,
        episode=1,
        step=step,
        attempt=1,
    )


def delivered(index: int) -> ContactDelivered:
    return ContactDelivered(**about(index))


def answered(index: int, result: str, *, right_party: bool = True) -> ContactAnswered:
    return ContactAnswered(**about(index), result=result, right_party=right_party)


def failed(index: int, reason: Any, *, final: bool = False) -> ContactFailed:
    return ContactFailed(
        **about(index), point_id=CHOICES[index].point_id, reason=reason, final=final
    )


def refused(index: int, reason: str = "permit_expired", step: str = "S1") -> ContactRefused:
    return ContactRefused(
        customer_id="C1",
        follow_up_id=f"F-{step}",
        effect_id=effect(index, step),
        reason=reason,
    )


def unknown(index: int) -> ContactUnknown:
    return ContactUnknown(**about(index))


def promise(index: int) -> PromiseMade:
    return PromiseMade(
        customer_id="C1",
        promise_id=derive("notifier", "C1", effect(index), "promise"),
        follow_up_id="F-S1",
        promised_on=PROMISED_ON,
    )


def invalid(index: int) -> ContactPointInvalidated:
    return ContactPointInvalidated(
        customer_id="C1", point_id=CHOICES[index].point_id, reason="invalid_point"
    )
