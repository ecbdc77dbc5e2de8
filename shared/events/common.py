"""Facts that any service may publish on its own topic: requests to the clock, and parked customers."""

import msgspec

from shared.events.envelope import Fact, Instant, Name


class FollowUpRequested(Fact, frozen=True, kw_only=True):
    """
    Somebody wants to be woken at `due_at`: only the scheduler has a calendar.

    A follow_up_id is used once, and its withdrawal wins for ever, before or after the request.
    """

    follow_up_id: Name
    due_at: Instant
    purpose: Name


class FollowUpWithdrawn(Fact, frozen=True, kw_only=True):
    """The follow-up is not wanted any more."""

    follow_up_id: Name


class CaseParked(Fact, frozen=True, kw_only=True):
    """`service` cannot decide this customer's events: nobody may tick or act for them until released."""

    service: Name
    reason: str


class CaseReleased(Fact, frozen=True, kw_only=True):
    """`service` decided what it had parked."""

    service: Name


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """
    A control record (`arrears.progress`) without a customer: the scheduler saved every core-banking
    record of this partition below `offset`, and its withdrawals stand before this record.
    """

    offset: int


PROGRESS = "arrears.progress"

TYPES: dict[str, type[Fact]] = {
    "follow_up.requested": FollowUpRequested,
    "follow_up.withdrawn": FollowUpWithdrawn,
    "case.parked": CaseParked,
    "case.released": CaseReleased,
}
