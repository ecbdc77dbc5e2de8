"""Agencies: note who is given which accounts and what they report, and tell it on the next tick.

Facts commute: a recall that comes before its placement waits for it, a report does not wait for either.
"""

from datetime import datetime

from msgspec.structs import replace

from services.legal.domain.desk import Desk
from services.legal.domain.state import LegalFile, Placement
from shared.clock import AT_ONCE
from shared.events.agencies import (
    AgencyContacted,
    AgencyDismissed,
    AgencyEngaged,
    AgencyPlaced,
    AgencyRecalled,
    AgencyReported,
)
from shared.events.envelope import Event


def fold(file: LegalFile, event: Event) -> LegalFile:
    """Answer the file after a fact about agencies; any other changes nothing."""
    match event.data:
        case AgencyEngaged() as data:
            return _engaged(file, data, event.time)
        case AgencyDismissed() as data:
            return _dismissed(file, data, event.time)
        case AgencyReported() as data:
            return _reported(file, data)
        case _:
            return file


def _engaged(file: LegalFile, data: AgencyEngaged, at: datetime) -> LegalFile:
    """Note a placement, unless it is known."""
    known = file.placements.get(data.placement_id, Placement())
    if known.placed_at is not None:
        return file
    placed = replace(
        known,
        agency=data.agency,
        account_ids=data.account_ids,
        on_public_list=data.on_public_list,
        placed_at=data.occurred_at or at,
    )
    return _with(file, data.placement_id, placed)


def _dismissed(file: LegalFile, data: AgencyDismissed, at: datetime) -> LegalFile:
    """Note that a placement is over; of two instants the earlier counts until it was told."""
    known = file.placements.get(data.placement_id, Placement())
    over_at = data.occurred_at or at
    if known.recall_told or (known.recalled_at is not None and known.recalled_at <= over_at):
        return file
    return _with(file, data.placement_id, replace(known, recalled_at=over_at))


def _reported(file: LegalFile, data: AgencyReported) -> LegalFile:
    """Note a contact of an agency: it is told on the next tick."""
    told = AgencyContacted(
        customer_id=data.customer_id,
        contact_id=data.contact_id,
        agency=data.agency,
        occurred_at=data.occurred_at,
        channel=data.channel,
        direction=data.direction,
        result=data.result,
        point_id=data.point_id,
        party=data.party,
        purpose=data.purpose,
        contacted=data.contacted,
        account_ids=data.account_ids,
    )
    key = f"{data.agency}/{data.contact_id}"
    return replace(file, reported={**file.reported, key: told}, wake_at=AT_ONCE)


def tell(desk: Desk, file: LegalFile) -> LegalFile:
    """Say what is new of placements and contacts, in a fixed order."""
    placements = {
        key: _tell_one(desk, key, file.placements[key]) for key in sorted(file.placements)
    }
    for key in sorted(file.reported):
        desk.say(key, file.reported[key])
    if not file.reported and placements == file.placements:
        return file
    return replace(file, placements=placements, reported={})


def is_placed(file: LegalFile, agency: str, at: datetime) -> bool:
    """Tell whether the agency had accounts of this customer at that instant."""
    return any(
        each.agency == agency
        and each.placed_at is not None
        and each.placed_at <= at
        and (each.recalled_at is None or at < each.recalled_at)
        for each in file.placements.values()
    )


def _tell_one(desk: Desk, placement_id: str, each: Placement) -> Placement:
    if each.placed_at is None:
        return each
    if not each.told:
        placed = AgencyPlaced(
            customer_id=desk.customer_id,
            placement_id=placement_id,
            agency=each.agency,
            account_ids=each.account_ids,
            on_public_list=each.on_public_list,
            placed_at=each.placed_at,
        )
        desk.say(placement_id, placed)
    if each.recalled_at is not None and not each.recall_told:
        recalled = AgencyRecalled(
            customer_id=desk.customer_id,
            placement_id=placement_id,
            agency=each.agency,
            recalled_at=each.recalled_at,
        )
        desk.say(placement_id, recalled)
    return replace(each, told=True, recall_told=each.recalled_at is not None)


def _with(file: LegalFile, placement_id: str, placement: Placement) -> LegalFile:
    placements = {**file.placements, placement_id: placement}
    return replace(file, placements=placements, wake_at=AT_ONCE)
