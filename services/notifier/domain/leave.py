"""Leave to contact: the permits that the scheduler gave, and what the notifier knows better than they do.

A permit is necessary, not sufficient. Whatever is known later than it was given, here or there, takes it back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.notifier.domain.correspondence import (
    Barred,
    Contact,
    Correspondence,
    Grant,
    Receipt,
    Refusal,
)
from services.notifier.policy import NotifierPolicy
from shared.events.permits import Permit, PermitRefused

PERMIT_EXPIRED = "permit_expired"
PERMIT_REFUSED = "permit_refused"
NO_PERMIT = "no_permit"
MISMATCH = "permit_mismatch"
PACKS_CHANGED = "packs_changed"
OPTED_OUT = "opted_out"
INVALID_POINT = "invalid_point"
RULES: Mapping[str, tuple[str, ...]] = {
    PERMIT_EXPIRED: ("permit.window",),
    NO_PERMIT: ("permit.required",),
    MISMATCH: ("permit.scope",),
    PACKS_CHANGED: ("permit.packs",),
    OPTED_OUT: ("notifier.opted_out",),
    INVALID_POINT: ("notifier.invalid_point",),
}
"""Which rule is in the way where it is none of the gate's: of the permit itself, or of what the notifier knows."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a contact is refused, as contact.refused says it."""

    reason: str
    rules: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    earliest_next: datetime | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """What is known of leave in one look, or at one fact; fields as in Correspondence."""

    grants: Mapping[str, Grant]
    refusals: Mapping[str, Refusal]
    barred: Mapping[str, Barred]
    policy: NotifierPolicy

    def granted(self, follow_up_id: str, contact: Contact, used: Collection[str]) -> Grant | None:
        """Answer the leave that a choice got and that stands: for its channel and point, and for no choice before it."""
        for permit_id in sorted(self.grants):
            grant = self.grants[permit_id]
            if (
                grant.follow_up_id == follow_up_id
                and permit_id not in used
                and suits(grant.permit, contact)
                and not self._is_taken_back(permit_id, grant.at)
            ):
                return grant
        return None

    def against(self, contact: Contact) -> Why | None:
        """Answer what speaks against a contact whose permit was given at its `granted_at`, if anything is newer."""
        if self._is_taken_back(contact.permit_id, contact.granted_at):
            refusal = self.refusals[contact.permit_id]
            return Why(PERMIT_REFUSED, refusal.rules, refusal.inputs, refusal.earliest_next)
        barred = self.barred.get(contact.point_id)
        if barred is None:
            return None
        given = contact.granted_at
        if given is not None and given >= barred.at + self.policy.fresher:
            return None
        inputs = {"point_id": contact.point_id, "known_at": barred.at.isoformat()}
        return Why(barred.reason, RULES[barred.reason], inputs)

    def _is_taken_back(self, permit_id: str, given: datetime | None) -> bool:
        refusal = self.refusals.get(permit_id)
        return refusal is not None and (given is None or refusal.at >= given)


def suits(permit: Permit, contact: Contact) -> bool:
    """Tell whether a permit is for this channel and this point."""
    return (permit.channel, permit.point_id) == (contact.channel, contact.point_id)


def of_permit(
    reason: str, contact: Contact, permit: Permit | None, at: datetime, policy: NotifierPolicy
) -> Why:
    """Say what is wrong with the permit of a contact at *at*, and how long asking again is no use."""
    pauses = {
        PACKS_CHANGED: policy.packs_pause,
        NO_PERMIT: policy.defect_pause,
        MISMATCH: policy.defect_pause,
    }
    inputs: dict[str, Any] = {
        "at": at.isoformat(),
        "channel": contact.channel,
        "point_id": contact.point_id,
    }
    if permit is not None:
        inputs |= {
            "not_before": permit.not_before.isoformat(),
            "not_after": permit.not_after.isoformat(),
            "permit_channel": permit.channel,
            "permit_point_id": permit.point_id,
        }
    waits = reason in pauses or reason == PERMIT_EXPIRED
    earliest_next = at + pauses[reason] if reason in pauses else at
    return Why(reason, RULES.get(reason, ()), inputs, earliest_next if waits else None)


def refusal_of(data: PermitRefused, at: datetime) -> Refusal:
    """Keep of a refusal what a contact.refused needs."""
    return Refusal(
        at=at,
        rules=tuple(sorted({reason.rule for reason in data.reasons})),
        inputs=data.inputs,
        earliest_next=data.earliest_next,
    )


def newly_barred(state: Correspondence, receipts: Iterable[Receipt]) -> dict[str, Barred]:
    """Answer the points that must not be used: those known so far, and those that *receipts* speak of."""
    barred = dict(state.barred)
    for receipt in receipts:
        reason = barring(receipt.outcome, receipt.reason, receipt.result)
        point_id = state.point_of(receipt.effect_id) if reason else ""
        if point_id:
            told = Barred(at=receipt.time, reason=reason)
            known = barred.get(point_id, told)
            barred[point_id] = max(told, known, key=lambda each: (each.at, each.reason))
    return barred


def barring(outcome: str, reason: str, result: str) -> str:
    """Answer why a receipt bars its point, "" if it does not."""
    if outcome == "failed" and reason == INVALID_POINT:
        return INVALID_POINT
    return OPTED_OUT if outcome == "answered" and result == "opt_out" else ""
