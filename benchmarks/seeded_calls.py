"""What people at the phone and agencies do, made up by a seed: they ask for leave rightly and wrongly, and call again and again."""

from datetime import datetime, timedelta
from typing import Any

from benchmarks.people import BUSY_LINE
from benchmarks.placing import FAMILY, GUARANTOR
from benchmarks.seeded_life import DAY, HOUR, Life
from shared.events import agencies, contacts
from shared.ids import derive

AGENCY = "agency-1"
TAGS = ["institution_identity", "debt_collector_disclosure"]
LOCATING = [*TAGS, "caller_name", "locate_statement"]
AT_THE_DOOR = {"recording": True, "id_shown": True, "staff_min": 2, "staff": 2, "entry_consent_or_outside": True}  # fmt: skip
_GOOD: dict[str, Any] = {
    "channel": "call",
    "point_id": "mobile-1",
    "tags": TAGS,
    "conduct": {"recording": True, "agency_on_public_list": True},
}
_FAMILY: dict[str, Any] = {"point_id": FAMILY, "purpose": "locate", "tags": LOCATING}
_WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"purpose": "reply"},
    {"purpose": "callback"},
    {"conduct": {"recording": False}},
    {"conduct": {"recording": True}},
    {"conduct": {"recording": True, "agency_on_public_list": False}},
    {"tags": [*TAGS, "threat"]},
    {"tags": [*TAGS, "threat_suit"]},
    {"tags": []},
    {"place": "work"},
    {"point_id": FAMILY},
    {"point_id": GUARANTOR},
    _FAMILY,
    {**_FAMILY, "tags": TAGS},
    {**_FAMILY, "tags": [*LOCATING, "debt_existence"]},
    {"channel": "sms"},
    {"channel": "email", "point_id": "email-1"},
    {"channel": "letter", "point_id": "postal-1", "purpose": "collect"},
    {"channel": "visit", "point_id": "postal-1", "conduct": AT_THE_DOOR},
    {"channel": "visit", "point_id": "postal-1"},
)
"""How people go about it: rightly, without recording, with words that are forbidden, to whom they may not ..."""
_AGAIN, _PAUSE = 9, timedelta(minutes=6)


def ask(life: Life, at: datetime, name: str | int, **way: Any) -> None:
    """Somebody asks for leave at an instant; what is not said is right."""
    permit_id = derive("seeded", life.customer_id, "permit", name)
    life.tell(at, contacts.PermitAsked, permit_id=permit_id, **{**_GOOD, **way})


def asks(life: Life) -> None:
    """Several people ask for leave, on any day and mostly by day."""
    for number in range(life.draws.within(3, 8)):
        way = _WAYS[life.draws.within(0, len(_WAYS) - 1)]
        at = life.at(2, 45)
        if life.draws.share() > 0.3:
            at = life.morning(at, 0) + life.draws.within(0, 200) * timedelta(minutes=1)
        ask(life, at, number, **way)


def insists(life: Life) -> None:
    """One whom nobody answers calls nine times within the hour: the debtor, or the guarantor."""
    first = life.morning(life.at(2, 30), 0)
    point = ("mobile-1", "mobile-1", GUARANTOR)[life.draws.within(0, 2)]
    by = BUSY_LINE if life.draws.share() < 0.8 else "agent-1"
    for number in range(_AGAIN):
        at = first + number * _PAUSE
        ask(life, at, f"again {number}", by=by, point_id=point)


def locates(life: Life) -> None:
    """Whom three calls do not reach is asked for in the family the day after, and again; or asked where they live now."""
    first = life.morning(life.at(2, 30), 0)
    for number in range(3):
        ask(life, first + number * HOUR, f"lost {number}", by=BUSY_LINE)
    whom = _FAMILY if life.draws.share() < 0.7 else {**_FAMILY, "point_id": "mobile-1"}
    for number in range(2):
        ask(life, first + (number + 1) * DAY, f"locate {number}", **whom)


def agencies_call(life: Life) -> None:
    """An agency calls three times a day, and tells so at once, a day later or too early; its calls count with the bank's."""
    placed = life.at(1, 10)
    life.tell(placed, agencies.AgencyEngaged, placement_id="p1", agency=AGENCY, on_public_list=True)
    day = life.morning(placed, life.draws.within(2, 20))
    for number in range(3):
        called = day + 40 * number * timedelta(minutes=1)
        drawn = life.draws.share()
        delay = 5 if drawn < 0.65 else 1500 if drawn < 0.95 else -600
        life.tell(
            called + timedelta(minutes=delay), agencies.AgencyReported, contact_id=f"k{number}",
            agency=AGENCY, occurred_at=called, channel="call", result="effective",
            point_id="mobile-1", account_ids=[life.account_id],
        )  # fmt: skip
    ask(life, day + 3 * HOUR, "after the agency")
    if life.draws.share() < 0.5:
        life.tell(placed + 40 * DAY, agencies.AgencyDismissed, placement_id="p1")
