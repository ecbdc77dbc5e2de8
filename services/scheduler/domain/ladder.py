"""Walk the ladder: which step is next, when it may be taken at the earliest, and by which contact points."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.scheduler.domain import hours
from services.scheduler.domain.state import CollectionCase, Customer
from services.scheduler.policy import Step, Strategy, Way
from shared.events.scheduler import Channel, Choice

KINDS_OF_POINT: dict[Channel, tuple[str, ...]] = {
    "sms": ("mobile",),
    "call": ("mobile", "landline"),
    "email": ("email",),
    "wechat": ("wechat",),
    "letter": ("postal",),
}
ELECTRONIC: tuple[Channel, ...] = ("sms", "call", "email", "wechat")
ASKED_TO_PAY = frozenset({"debtor", "co_debtor"})
"""Parties whose points the ladder uses (a guarantor is addressed by legal steps, third persons never)."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A step and the earliest instant (UTC) at which it may be taken."""

    step: Step
    at: datetime


def upcoming(
    case: CollectionCase, customer: Customer, oldest_due_on: date, now: datetime, strategy: Strategy
) -> list[Timed]:
    """
    Answer the steps that are due or come next, each at its earliest allowed instant, in the ladder's order.

    A step whose day has passed may be taken from its hour on, today or the next day. Once no electronic point of
    the customer works, the next stage that needs none is brought forward to now. Of what lies
    ahead only the nearest day is answered: the case is looked at again then.
    """
    zones = zones_of(customer, strategy)
    forward = _brought_forward(case, customer, strategy)
    timed: list[Timed] = []
    nearest: int | None = None
    for step in strategy.ladder:
        if step is not forward and nearest is not None and step.day > nearest:
            if forward is None:
                break
            continue
        if step.day < 1 or not is_open(case, step, strategy):
            continue
        at = now if step is forward else _anchor(step, oldest_due_on, zones, strategy)
        if at > now and nearest is None:
            nearest = step.day
        allowed = _at_its_hour(step, max(at, now), zones, strategy)
        if step.kind == "contact":
            allowed = _convenient(case, allowed, zones, strategy)
        if allowed is not None:
            timed.append(Timed(step, allowed))
    return timed


def zones_of(customer: Customer, strategy: Strategy) -> hours.Zones:
    """Answer every zone in which a contact may reach the customer: theirs, then those of their points."""
    names = customer.time_zones
    for point in customer.points.values():
        if point.party in ASKED_TO_PAY and not set(point.zones).issubset(names):
            names += tuple(name for name in point.zones if name not in names)
    return hours.known_zones(names, strategy.business_zone)


def is_open(case: CollectionCase, step: Step, strategy: Strategy) -> bool:
    """Whether the step is still to be taken in this episode."""
    taken = case.steps.get(step.name)
    return taken is None or (taken.again and taken.attempt < strategy.max_attempts)


def reminder_at(
    case: CollectionCase,
    step: Step,
    due_on: date,
    customer: Customer,
    now: datetime,
    strategy: Strategy,
) -> datetime | None:
    """Answer when to remind of an instalment before it falls due; None when that day has passed."""
    zones = zones_of(customer, strategy)
    at = _anchor(step, due_on, zones, strategy)
    allowed = _convenient(case, _at_its_hour(step, max(at, now), zones, strategy), zones, strategy)
    if allowed is None or hours.business_date(allowed, strategy) >= due_on:
        return None
    return allowed


def choices(case: CollectionCase, customer: Customer, step: Step) -> tuple[Choice, ...]:
    """Answer the ways to make the contact, in the order in which they are tried."""
    return tuple(
        Choice(channel=way.channel, point_id=point_id, template=way.template)
        for way in _preferred_first(step.ways, customer)
        for point_id in _points(case, customer, way.channel)
        if not is_opted_out(case, way.channel, point_id)
    )


def is_opted_out(case: CollectionCase, channel: str, point_id: str) -> bool:
    """Whether the customer does not want contact by this channel, or at this point."""
    return f"channel:{channel}" in case.opt_outs or f"point:{point_id}" in case.opt_outs


def exhausted(case: CollectionCase, customer: Customer) -> bool:
    """Whether no electronic contact point of the debtor works (any more)."""
    return not any(any(_points(case, customer, channel)) for channel in ELECTRONIC)


def address_point(case: CollectionCase, customer: Customer) -> str | None:
    """Answer the postal point of the debtor that visits and filings use, if any."""
    return next(_points(case, customer, "letter"), None)


def _points(case: CollectionCase, customer: Customer, channel: Channel) -> Iterator[str]:
    for point_id, point in sorted(customer.points.items()):
        if (
            point.kind in KINDS_OF_POINT[channel]
            and point.party in ASKED_TO_PAY
            and f"point:{point_id}" not in case.opt_outs
            and not _invalid(case, customer, point_id)
        ):
            yield point_id


def _invalid(case: CollectionCase, customer: Customer, point_id: str) -> bool:
    """Whether the point was found not to work since core banking last sent the record."""
    found_at = case.invalid.get(point_id)
    return found_at is not None and found_at >= customer.time


def _preferred_first(ways: tuple[Way, ...], customer: Customer) -> list[Way]:
    return sorted(ways, key=lambda way: way.channel != customer.preferred_channel)


def _brought_forward(case: CollectionCase, customer: Customer, strategy: Strategy) -> Step | None:
    """The first step that needs no electronic point, if none of those is left."""
    if not exhausted(case, customer):
        return None
    return next((step for step in strategy.ladder if step.kind != "contact"), None)


def _anchor(step: Step, due_on: date, zones: hours.Zones, strategy: Strategy) -> datetime:
    """The step's own instant: its day counted from the due date, at its hour in the customer's first zone."""
    return hours.at_local(due_on + timedelta(days=step.day), step.at or strategy.at, zones[0])


def windows_of(case: CollectionCase) -> hours.Windows:
    """Answer the local times that the customer declared inconvenient."""
    return tuple(window for windows in case.inconvenient.values() for window in windows)


def _convenient(
    case: CollectionCase, at: datetime | None, zones: hours.Zones, strategy: Strategy
) -> datetime | None:
    """Put a contact off to where the customer's own windows allow it."""
    if at is None or not case.inconvenient:
        return at
    return hours.convenient_from(at, zones, windows_of(case), strategy)


def _at_its_hour(
    step: Step, at: datetime, zones: hours.Zones, strategy: Strategy
) -> datetime | None:
    """
    Answer the first allowed instant from *at* on that is not before the step's hour of its day.

    So what a night or an outage held up leaves together with what is due that morning, not at the
    end of the quiet hours and again at the ladder's hour.
    """
    allowed = hours.allowed_from(at, zones, strategy)
    if allowed is None:
        return None
    day = hours.local_date(allowed, zones[0])
    return hours.allowed_from(
        max(allowed, hours.at_local(day, step.at or strategy.at, zones[0])), zones, strategy
    )
