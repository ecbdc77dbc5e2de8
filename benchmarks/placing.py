"""Move a portfolio to another country and other years: whose law applies, who collects, and who else stands in the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Guarantee,
    Jurisdiction,
    Party,
    PaymentMissed,
)
from shared.events.envelope import Event
from shared.sandbox.chance import Draws

FAMILY, GUARANTOR = "family-1", "guarantor-1"
OTHERS: dict[str, Party] = {FAMILY: "contact_person", GUARANTOR: "guarantor"}
"""Points that every moved customer has beside their own, and whose they are."""
Day = TypeVar("Day", date, datetime)
_MISSED_AT = datetime(2027, 1, 20, 22, tzinfo=UTC)
_SOLD, _SOON_BARRED, _UNKNOWN, _CALLED = 0.5, 0.1, 0.05, 0.2
"""Shares of accounts that were sold, whose limitation is near, of which nobody knows it, whose guarantor was called on."""


@dataclass(frozen=True)
class Place:
    """Where cardholders are said to live, who collects, and whether their debts are `secured`, whatever the tape says."""

    jurisdiction: Jurisdiction
    region: str
    zones: tuple[str, ...]
    role: str = "first_party"
    language: str = "en"
    secured: bool = False


_SHANGHAI = Place(Jurisdiction(country="CN"), "CN-SH", ("Asia/Shanghai",), language="zh-CN")
_XINJIANG = Place(Jurisdiction(country="CN"), "XJ", ("Asia/Shanghai",), language="zh-CN")
_FOR_OTHERS = Place(Jurisdiction(country="CN"), "CN-GD", ("Asia/Shanghai",), "third_party", "zh-CN")
_NEW_YORK = Place(
    Jurisdiction(country="US", state="NY"), "NYC", ("America/New_York",), "third_party"
)
_CALIFORNIA = Place(
    Jurisdiction(country="US", state="CA"), "US-CA", ("America/Los_Angeles", "America/New_York"), "third_party",
)  # fmt: skip
_BOSTON = Place(Jurisdiction(country="US", state="MA"), "US-MA", ("America/New_York",))
PLACES: dict[str, tuple[Place, ...]] = {
    "cn": (*(_SHANGHAI,) * 6, *(_XINJIANG,) * 3, _FOR_OTHERS),
    "us": (_NEW_YORK, _CALIFORNIA, _BOSTON),
    "gb": (
        Place(Jurisdiction(country="GB"), "GB-LND", ("Europe/London",)),
        Place(Jurisdiction(country="GB"), "GB-SCT", ("Europe/London",), secured=True),
    ),
    "eu": (
        Place(Jurisdiction(country="FR"), "FR-IDF", ("Europe/Paris",)),
        Place(Jurisdiction(country="IE"), "IE-D", ("Europe/Dublin",)),
    ),
}
"""Rules by the name of the option, and where their customers live, in turn."""


def home_hour(rules: str) -> int:
    """Answer an hour of UTC at which it is late morning, or noon, in all places of these rules."""
    return {"cn": 3, "us": 16, "gb": 11, "eu": 10}[rules]


def moved(event: Event, place: Place, years: int) -> Event:
    """Answer the event as if the customer lived there, so many *years* later."""
    data = _later(event.data, years)
    if isinstance(data, CustomerUpdated):
        points = [point for point in data.contact_points if point.point_id not in OTHERS]
        points += [
            ContactPoint(
                point_id=point_id, kind="mobile", party=party, obtained_via="application_form"
            )
            for point_id, party in OTHERS.items()
        ]
        data = replace(
            data, jurisdiction=place.jurisdiction, region=place.region, time_zones=place.zones,
            language=place.language,
            contact_points=tuple(replace(point, zones=place.zones) for point in points),
        )  # fmt: skip
    elif isinstance(data, AccountUpdated):
        data = replace(
            data,
            collector_role=place.role,
            secured=True if place.secured else data.secured,
            **_periods(data.account_id, event.time.year + years),
        )
    return replace(event, time=_shift(event.time, years), data=data)


def first_missed(events: Iterable[Event]) -> Event | None:
    """Answer the first missed payment of a customer, if any."""
    missed = [event for event in events if isinstance(event.data, PaymentMissed)]
    return min(missed, key=lambda event: event.time, default=None)


def missed_at_last(events: Iterable[Event]) -> Iterator[Event]:
    """Answer that an instalment of each account is missed in January 2027."""
    for event in events:
        if isinstance(event.data, AccountUpdated):
            missed = PaymentMissed(
                customer_id=event.subject, account_id=event.data.account_id, instalment_id="2027-01",
                due_on=_MISSED_AT.date() - timedelta(days=1), amount_minor=500_000, currency=event.data.currency,
            )  # fmt: skip
            yield replace(
                event, id=f"{event.id}/2027-01", type="payment.missed", time=_MISSED_AT, data=missed
            )


def _periods(account_id: str, year: int) -> dict[str, Any]:
    """Make up what the bank's books say of a claim: who has it, since when it is due, and how long a court helps."""
    draws = Draws("periods", account_id)
    due = date(year, 1, 1) + timedelta(days=draws.within(-90, 500))
    drawn = draws.share()
    until = date(year, 1, 1) + timedelta(
        days=draws.within(-200, 300 if drawn < _SOON_BARRED else 1500)
    )
    return {
        "creditor_kind": "credit_purchaser" if draws.share() < _SOLD else "originator",
        "last_due_on": due,
        "limitation_on": None if drawn > 1 - _UNKNOWN else until,
        "guarantee": Guarantee(called_on=due if draws.share() < _CALLED else None),
    }


def _later(data: Struct, years: int) -> Struct:
    dates = {name: value for name, value in asdict(data).items() if isinstance(value, date)}
    return replace(data, **{name: _shift(value, years) for name, value in dates.items()})


def _shift(day: Day, years: int) -> Day:
    return day.replace(year=day.year + years) if years else day
