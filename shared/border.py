"""Take contact values out of `customer.updated` at the border; pure, the same in every shell and in the replay."""

from dataclasses import dataclass

from msgspec.structs import replace
from phonenumbers import NumberParseException, is_possible_number, parse
from phonenumbers.timezone import time_zones_for_geographical_number
from typing_extensions import override

from shared.events.core_banking import ContactPoint, CustomerUpdated
from shared.events.envelope import Event

PHONES = frozenset({"mobile", "landline"})
UNKNOWN_ZONE = "Etc/Unknown"


@dataclass(frozen=True, slots=True)
class PointValue:
    """A contact point's value on its way to the vault; personal data, never logged. `country` reads its number."""

    point_id: str
    kind: str
    value: str
    country: str = ""

    @override
    def __repr__(self) -> str:
        """Keep the value out of logs and tracebacks."""
        return f"PointValue({self.point_id!r}, {self.kind!r})"


def strip(data: CustomerUpdated) -> tuple[CustomerUpdated, tuple[PointValue, ...]]:
    """
    Answer *data* without contact values and with the time zones of each point, and the values taken out.

    A point that came without zones gets those of its telephone number; where the number tells
    none, and for other kinds, the customer's. Stripping again changes nothing.
    """
    if not data.contact_points:
        return data, ()
    values = tuple(
        PointValue(point.point_id, point.kind, point.value, data.jurisdiction.country)
        for point in data.contact_points
        if point.value
    )
    points = tuple(
        replace(point, value="", zones=point.zones or _zones(point, data))
        for point in data.contact_points
    )
    return replace(data, contact_points=points), values


def strip_event(event: Event) -> tuple[Event, tuple[PointValue, ...]]:
    """Strip a `customer.updated`; any other event comes back as it is."""
    if not isinstance(event.data, CustomerUpdated):
        return event, ()
    data, values = strip(event.data)
    return replace(event, data=data), values


def _zones(point: ContactPoint, data: CustomerUpdated) -> tuple[str, ...]:
    if point.kind in PHONES and point.value:
        try:
            number = parse(point.value, data.jurisdiction.country)
        except NumberParseException:
            return data.time_zones
        if is_possible_number(number):
            zones = (
                zone for zone in time_zones_for_geographical_number(number) if zone != UNKNOWN_ZONE
            )
            return tuple(sorted(zones)) or data.time_zones
    return data.time_zones
