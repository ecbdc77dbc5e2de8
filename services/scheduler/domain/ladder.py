"""Walk the ladder: which step is next, when it is its time, and by which contact points. The gate has its say later."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.scheduler.domain import hours, logbook
from services.scheduler.domain.state import CollectionCase, Customer, Offer
from services.scheduler.policy import Step, Strategy, Way
from shared.events.scheduler import Channel

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
    """A step and the instant (UTC) at which it is its time."""

    step: Step
    at: datetime


def upcoming(
    case: CollectionCase, customer: Customer, oldest_due_on: date, now: datetime, strategy: Strategy
) -> list[Timed]:
    """
    Answer the steps whose time it is or comes next, each with its instant, in the ladder's order.

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
        taken = case.steps.get(step.name)
        if taken is not None and taken.after is not None:
            at = max(at, taken.after)
        if at > now and nearest is None:
            nearest = step.day
        timed.append(Timed(step, at_its_hour(step, max(at, now), zones, strategy)))
    return timed


def zones_of(customer: Customer, strategy: Strategy) -> hours.Zones:
    """Answer the zones of the customer and the debtor's points, by which steps have their hours; without any the bank's."""
    names = customer.time_zones
    for point in customer.points.values():
        if point.party in ASKED_TO_PAY and not set(point.zones).issubset(names):
            names += tuple(name for name in point.zones if name not in names)
    return hours.known_zones(names) or (strategy.business_zone,)


def is_open(case: CollectionCase, step: Step, strategy: Strategy) -> bool:
    """Whether the step is still to be taken in this episode."""
    taken = case.steps.get(step.name)
    return taken is None or (taken.again and taken.attempt < strategy.max_attempts)


def reminder_at(
    step: Step,
    due_on: date,
    customer: Customer,
    now: datetime,
    strategy: Strategy,
) -> datetime | None:
    """Answer when it is time to remind of an instalment before it falls due; None when that day has passed."""
    zones = zones_of(customer, strategy)
    at = at_its_hour(step, max(_anchor(step, due_on, zones, strategy), now), zones, strategy)
    return None if hours.business_date(at, strategy) >= due_on else at


def ways(case: CollectionCase, customer: Customer, step: Step) -> tuple[Offer, ...]:
    """Answer the ways to make the contact by points that work, in the order in which they are tried."""
    return tuple(
        Offer(channel=way.channel, point_id=point_id, template=way.template)
        for way in _preferred_first(step.ways, customer)
        for point_id in _points(case, customer, way.channel)
    )


def works(case: CollectionCase, customer: Customer, offer: Offer) -> bool:
    """Whether the point of the choice still stands in the record, and works."""
    return offer.point_id in _points(case, customer, offer.channel)


def exhausted(case: CollectionCase, customer: Customer) -> bool:
    """Whether no electronic contact point of the debtor works (any more), or all that do were taken back."""
    working = {each for channel in ELECTRONIC for each in _points(case, customer, channel)}
    return not working or working <= logbook.opted_out_points(case)


def address_point(case: CollectionCase, customer: Customer) -> str | None:
    """Answer the postal point of the debtor that visits and filings use, if any."""
    return next(_points(case, customer, "letter"), None)


def _points(case: CollectionCase, customer: Customer, channel: Channel) -> Iterator[str]:
    for point_id, point in sorted(customer.points.items()):
        if (
            point.kind in KINDS_OF_POINT[channel]
            and point.party in ASKED_TO_PAY
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


def at_its_hour(step: Step, at: datetime, zones: hours.Zones, strategy: Strategy) -> datetime:
    """
    Answer *at*, but not before the step's hour of its day where the customer is.

    So what a night or an outage held up leaves together with what is due that morning, not at the
    end of the quiet hours and again at the ladder's hour.
    """
    day = hours.local_date(at, zones[0])
    return max(at, hours.at_local(day, step.at or strategy.at, zones[0]))
