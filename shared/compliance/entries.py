"""What the gate knows of a person: a log of facts, each with when it happened and when it was recorded."""

from datetime import date, datetime
from typing import Literal

import msgspec

Channel = Literal["call", "sms", "email", "im", "voicemail", "letter", "visit"]
"""Ways of contact as the rules name them; WeChat is `im`."""
Result = Literal[
    "pending",
    "not_connected",
    "no_answer",
    "busy",
    "power_off",
    "voicemail",
    "answered",
    "effective",
    "delivered",
    "failed",
]

READ = frozenset(
    {
        *("contact", "consent", "consent.withdrawn", "optout", "optin", "person.merged"),
        *("inconvenient.declared", "inconvenient.withdrawn", "point.known", "point.invalidated"),
    }
)
"""The types of facts that the gate reads whatever the packs are; packs name more."""


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}
):
    """
    One fact of the log; `type` says which: `contact`, `consent`, `consent.withdrawn`, `optout`, `optin`,
    `inconvenient.declared`, `person.merged`, or a starting or ending event that a pack names.

    `at` is when it happened, `rec` when the bank recorded it (none: at once). `src` and `id` make it one
    fact, however often it is told; of two versions the one that is not `pending`, then the one recorded
    later, counts. What does not apply to the type keeps its default; what applies and is unknown blocks
    where it matters. `expires` ends a reservation (a pending contact) that was never used. `until` (an
    instant), `until_on` (a local date, included) or `days` (local dates, the first counted) end a consent.
    `local` holds local times "HH:MM-HH:MM", `weekdays` restricts them (ISO, 1 is Monday; none: all), `place` too; `until`,
    `until_on` and `days` end them as they end a consent.
    """

    id: str
    type: str
    at: datetime
    src: str = ""
    rec: datetime | None = None
    person: str = ""
    contacted: str = ""
    debts: tuple[str, ...] = ()
    point: str = ""
    channel: str = ""
    direction: str = ""
    result: str = ""
    party: str = ""
    purpose: str = ""
    creditor: str = ""
    collector: str = ""
    expires: datetime | None = None
    case: str = ""
    kind: str = ""
    until: datetime | None = None
    until_on: date | None = None
    days: int | None = None
    scope: str = ""
    topic: str = ""
    place: str = ""
    local: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    from_: str = ""
    to: str = ""
