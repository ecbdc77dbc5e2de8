"""What the scheduler's tests are told with: facts in few words, the standard ladder, and how to ask a story."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.scheduler.domain import following
from services.scheduler.policy import Step, Strategy, Way
from services.scheduler.service import SCHEDULER
from shared.events import common, core_banking, declarations, legal, notifier, visits
from shared.events.envelope import Event, Fact
from shared.events.scheduler import FollowUpDue
from shared.services import strategy
from shared.testing import START, Story, days, fact, given, of_type

SHIPPED: Strategy = strategy(None)
"""What a bank gets that chooses nothing: the law of every place, the bank's own rules, the register of texts."""
STANDARD: Strategy = msgspec.structs.replace(
    SHIPPED,
    packs=tuple(pack for pack in SHIPPED.packs if pack.pack == "firm-standard"),
    content=None,
)
"""The standard ladder under the bank's own rules alone: hours, opt-outs, declared times."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
KNOWN = START - days(30)
"""When core banking sent the customer's record, unless a test says otherwise."""
POINTS = (
    ("p-mobile", "mobile"),
    ("p-email", "email"),
    ("p-wechat", "wechat"),
    ("p-post", "postal"),
)


def scheduler(**changes: Any) -> Any:
    """The scheduler with the standard strategy, or a variant of it."""
    return replace(SCHEDULER, policy=_changed(**changes))


def _changed(**changes: Any) -> Strategy:
    return Strategy(
        **{name: getattr(STANDARD, name) for name in STANDARD.__struct_fields__} | changes
    )


def story(*events: Event, **changes: Any) -> Story:
    return given(scheduler(**changes), *events)


def at(day: str, hour: str = "09:30", zone: str = "Asia/Shanghai") -> datetime:
    """The instant of a local time."""
    local = datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), ZoneInfo(zone))
    return local.astimezone(UTC)


def local(instant: datetime, zone: str = "Asia/Shanghai") -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def contact_step(
    name: str, day: int, channel: str = "sms", stage: str = "reminder", **more: Any
) -> Step:
    ways = (Way(channel=channel, template=f"{channel}.overdue"),)  # type: ignore[arg-type]
    return Step(name=name, day=day, stage=stage, ways=ways, **more)  # type: ignore[arg-type]


def customer(
    when: datetime = KNOWN,
    zones: tuple[str, ...] = ("Asia/Shanghai",),
    points: tuple[tuple[str, str], ...] = POINTS,
    party: str = "debtor",
    point_zones: tuple[str, ...] = (),
    **more: Any,
) -> Event:
    kept = tuple(
        core_banking.ContactPoint(point_id=point_id, kind=kind, party=party, zones=point_zones)  # type: ignore[arg-type]
        for point_id, kind in points
    )
    return fact(
        core_banking.CustomerUpdated(
            customer_id="C1", language="zh-CN", time_zones=zones, region="CN-31",
            jurisdiction=core_banking.Jurisdiction(country="CN"), contact_points=kept, **more,
        ),
        when,
    )  # fmt: skip


def account(when: datetime = KNOWN, account_id: str = "A", **more: Any) -> Event:
    told = {"product": "credit_card", "currency": "CNY", "creditor": "BANK"}
    told |= {"collector_role": "first_party"} | more
    data = core_banking.AccountUpdated(customer_id="C1", account_id=account_id, **told)
    return fact(data, when)


def _money(model: type[Any], when: datetime, named: dict[str, Any], event_id: str | None) -> Event:
    told = {"account_id": "A", "instalment_id": "I1", "due_on": "2026-03-01", "amount_minor": 1000}
    told |= {"currency": "CNY", **named}
    told["due_on"] = date.fromisoformat(told["due_on"])
    return fact(model(customer_id="C1", **told), when, event_id=event_id)


def due(when: datetime = KNOWN, *, event_id: str | None = None, **named: Any) -> Event:
    return _money(core_banking.PaymentDue, when, named, event_id)


def missed(when: datetime = START, *, event_id: str | None = None, **named: Any) -> Event:
    """1000 fen of instalment I1 of account A, due on 2026-03-01, are unpaid."""
    return _money(core_banking.PaymentMissed, when, named, event_id)


def changed(
    when: datetime = START, *, cause: str = "rescheduled", event_id: str | None = None, **named: Any
) -> Event:
    return _money(core_banking.InstalmentChanged, when, named | {"cause": cause}, event_id)


def received(
    when: datetime,
    amount: int = 1000,
    *,
    payment_id: str = "P1",
    account_id: str = "A",
    currency: str = "CNY",
    value_on: str = "",
    to: dict[str, int] | None = None,
    event_id: str | None = None,
) -> Event:
    parts = tuple(
        core_banking.Allocation(instalment_id=key, amount_minor=part)
        for key, part in (to or {}).items()
    )
    value = date.fromisoformat(value_on) if value_on else when.astimezone(SHANGHAI).date()
    data = core_banking.PaymentReceived(
        customer_id="C1", payment_id=payment_id, account_id=account_id, amount_minor=amount,
        currency=currency, value_on=value, allocations=parts,
    )  # fmt: skip
    return fact(data, when, event_id=event_id)


def taken_back(when: datetime, payment_id: str = "P1", account_id: str = "A") -> Event:
    """The payment was reversed."""
    data = core_banking.PaymentReversed(
        customer_id="C1", payment_id=payment_id, account_id=account_id, reason="returned debit"
    )
    return fact(data, when)


def stated(
    when: datetime,
    overdue: int = 1000,
    lines: dict[str, tuple[str, int]] | None = None,
    **more: Any,
) -> Event:
    parts = tuple(
        core_banking.StatedInstalment(
            instalment_id=key, due_on=date.fromisoformat(due_on), amount_minor=amount
        )
        for key, (due_on, amount) in (lines or {}).items()
    )
    told = {"account_id": "A", "currency": "CNY", "oldest_due_on": date(2026, 3, 1)} | more
    data = core_banking.AccountStated(
        customer_id="C1", as_of_on=when.astimezone(SHANGHAI).date(), overdue_minor=overdue,
        total_due_minor=overdue, instalments=parts, **told,
    )  # fmt: skip
    return fact(data, when)


def closed(when: datetime, cause: str, account_id: str = "A") -> Event:
    data = core_banking.AccountClosed(customer_id="C1", account_id=account_id, cause=cause)  # type: ignore[arg-type]
    return fact(data, when)


def said(model: type[Fact], when: datetime, **named: Any) -> Event:
    """Any other fact of the customer."""
    return fact(model(customer_id="C1", **named), when)


def permit_of(follow_up_id: str, index: int = 0) -> str:
    """The permit of a choice of a follow-up of C1."""
    return following.permit_id("C1", follow_up_id, index)


def sent(due_: FollowUpDue, when: datetime, effect_id: str = "E1") -> Event:
    choice = due_.choices[0]
    return said(
        notifier.ContactSent, when, follow_up_id=due_.follow_up_id, effect_id=effect_id,
        channel=choice.channel, point_id=choice.point_id, template=choice.template,
        episode=due_.episode, step=due_.step, attempt=due_.attempt,
        permit_id=permit_of(due_.follow_up_id),
    )  # fmt: skip


def _of(model: type[Fact], follow_up_id: str, when: datetime, **named: Any) -> Event:
    """What became of the first choice of a follow-up."""
    first = {"effect_id": "E1", "permit_id": permit_of(follow_up_id)}
    return said(model, when, follow_up_id=follow_up_id, **(first | named))


def delivered(follow_up_id: str, when: datetime) -> Event:
    return _of(notifier.ContactDelivered, follow_up_id, when, channel="sms")


def answered(follow_up_id: str, when: datetime) -> Event:
    told = {"channel": "call", "result": "refused", "right_party": True}
    return _of(notifier.ContactAnswered, follow_up_id, when, **told)


def unknown(follow_up_id: str, when: datetime) -> Event:
    return _of(notifier.ContactUnknown, follow_up_id, when, channel="sms")


def failed(follow_up_id: str, when: datetime, *, final: bool = True, **named: Any) -> Event:
    told = {"channel": "sms", "point_id": "p-mobile", "reason": "unreachable", "final": final}
    return _of(notifier.ContactFailed, follow_up_id, when, **(told | named))


def refused(follow_up_id: str, when: datetime, **named: Any) -> Event:
    return _of(
        notifier.ContactRefused, follow_up_id, when, **({"reason": "permit_expired"} | named)
    )


def invalid(point_id: str, when: datetime) -> Event:
    return said(notifier.ContactPointInvalidated, when, point_id=point_id, reason="invalid_point")


def opted_out(when: datetime, *, point_id: str | None = None, channel: Any = None) -> Event:
    scope = "point" if point_id else "channel"
    return said(notifier.OptOutRecorded, when, scope=scope, point_id=point_id, channel=channel)


def opted_in(when: datetime, *, point_id: str | None = None, channel: Any = None) -> Event:
    """The customer takes an opt-out back."""
    return said(
        declarations.OptInDeclared, when, by="u-7", reason="they rang us",
        scope="point" if point_id else "channel", point_id=point_id, channel=channel,
    )  # fmt: skip


def promised(when: datetime, on: str, promise_id: str = "R1", **more: Any) -> Event:
    return said(
        notifier.PromiseMade, when, promise_id=promise_id, follow_up_id="F",
        promised_on=date.fromisoformat(on), **more,
    )  # fmt: skip


def requested(when: datetime, due_at: datetime, follow_up_id: str = "F1") -> Event:
    named = {"follow_up_id": follow_up_id, "due_at": due_at, "purpose": "visits.plan"}
    return said(common.FollowUpRequested, when, **named)


def withdrawn(when: datetime, follow_up_id: str = "F1") -> Event:
    return said(common.FollowUpWithdrawn, when, follow_up_id=follow_up_id)


def visited(follow_up_id: str, when: datetime, outcome: str = "met") -> Event:
    return said(
        visits.VisitCompleted, when, visit_id="V", follow_up_id=follow_up_id, outcome=outcome
    )


def visit_failed(follow_up_id: str, when: datetime, *, final: bool = True) -> Event:
    named = {"visit_id": "V", "follow_up_id": follow_up_id, "reason": "absent", "final": final}
    return said(visits.VisitFailed, when, **named)


def legal_withdrawn(follow_up_id: str, when: datetime) -> Event:
    return said(legal.LegalWithdrawn, when, follow_up_id=follow_up_id, reason="unfit")


def deceased(when: datetime, *, ended: bool = False) -> Event:
    return said(core_banking.CustomerDeceased, when, ended=ended)


def bankrupt(when: datetime, case_no: str = "N1", *, ended: bool = False) -> Event:
    return said(core_banking.CustomerBankrupt, when, case_no=case_no, ended=ended)


def merged(when: datetime) -> Event:
    return said(core_banking.CustomerMerged, when, from_customer_id="C0")


def follow_ups(told: Story) -> list[FollowUpDue]:
    """All follow-ups of the ladder that were published so far."""
    return [entry for entry in of_type(told.published, FollowUpDue) if entry.kind != "requested"]


def steps_taken(told: Story) -> list[str]:
    """The steps that were taken, each with the local time in Shanghai."""
    return [
        f"{entry.step} {local(entry.not_before)}" for entry in follow_ups(told) if entry.not_before
    ]
