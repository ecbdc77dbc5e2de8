"""Words in which the stories about the notifier are told."""

from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.notifier.service import NOTIFIER
from shared.events.envelope import Event
from shared.events.notifier import (
    ContactAnswered,
    ContactDelivered,
    ContactFailed,
    ContactPointCounted,
    ContactPointInvalidated,
    ContactRefused,
    ContactSent,
    ContactUnknown,
    OptOutRecorded,
    PromiseMade,
    ProviderReceipt,
)
from shared.events.permits import InTheWay, Permit, PermitGranted, PermitRefused
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


def permit(index: int, step: str = "S1", **fields: Any) -> Permit:
    """Leave for a choice, for the whole window unless told otherwise."""
    choice = CHOICES[index]
    usual = {
        "permit_id": derive("scheduler", "C1", f"F-{step}", "permit", index),
        "channel": choice.channel,
        "point_id": choice.point_id,
        "not_before": START,
        "not_after": START + WINDOW,
        "packs": ("firm@1:abc",),
    }
    return Permit(**{**usual, **fields})


def granted(index: int, step: str = "S1", **fields: Any) -> PermitGranted:
    return PermitGranted(
        customer_id="C1", permit=permit(index, step, **fields), follow_up_id=f"F-{step}"
    )


def taken_back(index: int, step: str = "S1", **fields: Any) -> PermitRefused:
    """The scheduler takes a permit back, because of a dispute."""
    return PermitRefused(
        customer_id="C1",
        permit_id=permit(index, step).permit_id,
        channel=CHOICES[index].channel,
        follow_up_id=f"F-{step}",
        reasons=(InTheWay(rule="CN.HOLD.DISPUTE", pack="cn@1:abc"),),
        **fields,
    )


def with_permit(choices: tuple[Choice, ...], step: str, **fields: Any) -> tuple[Choice, ...]:
    """The first choice with its permit."""
    if not choices:
        return ()
    first = choices[0]
    about = {"channel": first.channel, "point_id": first.point_id, **fields}
    return (replace(first, permit=permit(0, step, **about)), *choices[1:])


def due(step: str = "S1", choices: tuple[Choice, ...] = CHOICES, **fields: Any) -> FollowUpDue:
    window = {k: fields[k] for k in ("not_before", "not_after") if fields.get(k)}
    told: dict[str, Any] = {
        "follow_up_id": f"F-{step}",
        "kind": "contact",
        "episode": 1,
        "step": step,
        "choices": with_permit(choices, step, **window),
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


def counted(k: int, rank: int, point_id: str = "P0") -> ContactPointCounted:
    return ContactPointCounted(customer_id="C1", point_id=point_id, k=k, rank=rank)


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
        "permit_id": permit(index, step).permit_id,
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


def refused(
    index: int, reason: str = "permit_expired", step: str = "S1", **fields: Any
) -> ContactRefused:
    about_it = about(index, step)
    del about_it["channel"]
    return ContactRefused(**about_it, reason=reason, **fields)


def why_expired(index: int, at: datetime, **inputs: Any) -> dict[str, Any]:
    """What a refusal for a permit that is over says beside."""
    judged = {
        "at": at.isoformat(),
        "channel": CHOICES[index].channel,
        "point_id": CHOICES[index].point_id,
        **inputs,
    }
    return {"rules": ("permit.window",), "inputs": judged, "earliest_next": at}


def opted_out(index: int) -> OptOutRecorded:
    return OptOutRecorded(customer_id="C1", scope="point", point_id=CHOICES[index].point_id)


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
