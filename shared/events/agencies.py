"""Agencies that collect for the bank: which accounts they have, and the contacts that they report. Legal publishes them."""

from typing import Literal

from shared.events.commands import Happened, Said
from shared.events.contacts import Outcome, Purpose
from shared.events.declarations import Debts
from shared.events.envelope import Fact, Instant, Name
from shared.events.permits import PermitChannel


class AgencyEngaged(Happened, frozen=True, kw_only=True):
    """Somebody gives accounts (none: all) to an agency; `on_public_list` tells whether the bank's list names it."""

    placement_id: Name
    agency: Name
    account_ids: Debts = ()
    on_public_list: bool


class AgencyDismissed(Happened, frozen=True, kw_only=True):
    """Somebody takes a placement back."""

    placement_id: Name


class AgencyReported(Said, frozen=True, kw_only=True):
    """
    A line of an agency's report: a contact at `occurred_at`, under the agency's own `contact_id`.

    Reported again under that id it is the same contact. `account_ids` are the debts it was about (none: all of the
    placement), `contacted` a third person who was asked.
    """

    contact_id: Name
    agency: Name
    occurred_at: Instant
    channel: PermitChannel
    direction: Literal["out", "in"] = "out"
    result: Outcome
    point_id: str = ""
    party: Name = "debtor"
    purpose: Purpose = "collect"
    contacted: str = ""
    account_ids: Debts = ()


class AgencyPlaced(Fact, frozen=True, kw_only=True):
    """An agency collects these accounts (none: all) from `placed_at` on."""

    placement_id: Name
    agency: Name
    account_ids: Debts = ()
    on_public_list: bool
    placed_at: Instant


class AgencyRecalled(Fact, frozen=True, kw_only=True):
    """The agency does not collect under this placement any more, from `recalled_at` on."""

    placement_id: Name
    agency: Name
    recalled_at: Instant


class AgencyContacted(Fact, frozen=True, kw_only=True):
    """An agency contacted somebody about the customer at `occurred_at`: it counts like a contact of the bank."""

    contact_id: Name
    agency: Name
    occurred_at: Instant
    channel: PermitChannel
    direction: Literal["out", "in"] = "out"
    result: Outcome
    point_id: str = ""
    party: Name = "debtor"
    purpose: Purpose = "collect"
    contacted: str = ""
    account_ids: Debts = ()


SAID: dict[str, type[Said]] = {
    "agency.engaged": AgencyEngaged,
    "agency.dismissed": AgencyDismissed,
    "agency.reported": AgencyReported,
}
PUBLISHED: dict[str, type[Fact]] = {
    "agency.placed": AgencyPlaced,
    "agency.recalled": AgencyRecalled,
    "agency.contacted": AgencyContacted,
}
