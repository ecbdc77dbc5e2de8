"""What the gate has to know of a customer and nobody else says: what they declare, and the bank's own acts.

Facts that enter by HTTP (POST /customers/{id}/declarations). Where a rule pack names the fact, the event has the
same name. `account_ids` are the debts concerned (none, where it may be: every debt of the customer), `case` joins
what starts with what ends it. `Happened` says when it happened.
"""

from typing import Annotated

from msgspec import Meta

from shared.events.commands import Happened, OptOutScope
from shared.events.envelope import DateOn, Instant, Name
from shared.events.scheduler import Channel

Kind = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
"""The word by which rules name a consent: quiet_hours, callback, time, attempts, work_email, renewed ..."""
Debts = Annotated[tuple[Name, ...], Meta(max_length=100)]
SomeDebts = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=100)]


class ConsentGiven(Happened, frozen=True, kw_only=True):
    """
    The customer allows what a rule forbids without it, for some debts, a point or a topic (all without).

    It ends with the local date `until_on` (included), at the instant `until` (not included), or after `days`
    local dates of which the day of consent is the first; without any of them when it is withdrawn.
    """

    kind: Kind
    account_ids: Debts = ()
    point_id: Name | None = None
    topic: str = ""
    until_on: DateOn | None = None
    until: Instant | None = None
    days: Annotated[int, Meta(ge=1, le=36_500)] | None = None


class ConsentWithdrawn(Happened, frozen=True, kw_only=True):
    """The consent of this kind ends, for these debts (all without)."""

    kind: Kind
    account_ids: Debts = ()


class OptInDeclared(Happened, frozen=True, kw_only=True):
    """An opt-out of the same scope is over; an opt-out of the same instant is stronger."""

    scope: OptOutScope
    point_id: Name | None = None
    channel: Channel | None = None
    topic: str = ""


class InconvenientWithdrawn(Happened, frozen=True, kw_only=True):
    """All times that were named inconvenient before are convenient again."""


class ThirdPartyRefused(Happened, frozen=True, kw_only=True):
    """A person whom we asked about the customer (`contacted`: the point's or person's id) wants no more contact."""

    contacted: Name


class DisputeWrittenTimely(Happened, frozen=True, kw_only=True):
    """A written dispute (or request for the original creditor) came within the validation period."""

    case: Name
    account_ids: Debts = ()


class VerificationSent(Happened, frozen=True, kw_only=True):
    """The verification that the dispute `case` asked for was sent."""

    case: Name
    account_ids: Debts = ()


class PlanActive(Happened, frozen=True, kw_only=True):
    """An instalment plan `case` for these debts was agreed and is kept."""

    case: Name
    account_ids: SomeDebts


class PlanBroken(Happened, frozen=True, kw_only=True):
    """The instalment plan `case` is not kept, or over."""

    case: Name
    account_ids: Debts = ()


class EmployerProhibits(Happened, frozen=True, kw_only=True):
    """The customer's employer does not allow such contact at work."""


class AttorneyReleased(Happened, frozen=True, kw_only=True):
    """The customer is not represented any more: ends `attorney.appointed` of this hold, for these debts (all without)."""

    hold_id: Name
    account_ids: Debts = ()


class CeaseWritten(Happened, frozen=True, kw_only=True):
    """The customer wrote that they refuse to pay these debts (all without), or want no more communication."""

    account_ids: Debts = ()


class CeaseWithdrawn(Happened, frozen=True, kw_only=True):
    """The customer takes such a letter back, for these debts (all without)."""

    account_ids: Debts = ()


class StopSaid(Happened, frozen=True, kw_only=True):
    """The customer said that we should stop; rules may let a person look at what follows."""


class StopWithdrawn(Happened, frozen=True, kw_only=True):
    """The customer takes that back."""


class PointIsWorkEmail(Happened, frozen=True, kw_only=True):
    """The address is the employer's."""

    point_id: Name


class BankruptcyFiled(Happened, frozen=True, kw_only=True):
    """Somebody learned of the insolvency `case` before core banking said so."""

    case: Name


class BankruptcyClosed(Happened, frozen=True, kw_only=True):
    """The insolvency `case` ended, and the debts were not discharged."""

    case: Name


class VulnerableFlagged(Happened, frozen=True, kw_only=True):
    """The customer is, or seems, particularly vulnerable; what makes them so does not belong here."""


class VulnerableCleared(Happened, frozen=True, kw_only=True):
    """The customer is not particularly vulnerable (any more)."""


class BreathingSpaceStart(Happened, frozen=True, kw_only=True):
    """A moratorium `case` for these debts began."""

    case: Name
    account_ids: SomeDebts


class BreathingSpaceEnd(Happened, frozen=True, kw_only=True):
    """The moratorium `case` ended before its time."""

    case: Name
    account_ids: Debts = ()


class DefaultNoticeServed(Happened, frozen=True, kw_only=True):
    """A default notice for these debts was served."""

    account_ids: SomeDebts


class LetterOfClaimDated(Happened, frozen=True, kw_only=True):
    """A letter of claim for these debts bears this date."""

    account_ids: SomeDebts


class TransferNoticeSent(Happened, frozen=True, kw_only=True):
    """The customer was told that these debts have a new creditor."""

    account_ids: SomeDebts


class ForbearanceAssessed(Happened, frozen=True, kw_only=True):
    """Forbearance on these debts was considered, with the customer's circumstances."""

    account_ids: SomeDebts


class LimitationStated(Happened, frozen=True, kw_only=True):
    """
    Somebody worked out the last day, `until_on`, on which a court still helps with these debts; past days have run.

    Suits, acknowledgements and demands that begin the period anew are worked in; the latest statement counts.
    """

    account_ids: SomeDebts
    until_on: DateOn


class ReassignedCheckClean(Happened, frozen=True, kw_only=True):
    """A look-up says that the number was not given to somebody else."""

    point_id: Name


TYPES: dict[str, type[Happened]] = {
    "consent.given": ConsentGiven,
    "consent.withdrawn": ConsentWithdrawn,
    "opt_in.declared": OptInDeclared,
    "inconvenient.withdrawn": InconvenientWithdrawn,
    "third_party.refused": ThirdPartyRefused,
    "dispute.written_timely": DisputeWrittenTimely,
    "verification.sent": VerificationSent,
    "plan.active": PlanActive,
    "plan.broken": PlanBroken,
    "employer.prohibits": EmployerProhibits,
    "attorney.released": AttorneyReleased,
    "cease.written": CeaseWritten,
    "cease.withdrawn": CeaseWithdrawn,
    "stop.said": StopSaid,
    "stop.withdrawn": StopWithdrawn,
    "point.is_work_email": PointIsWorkEmail,
    "bankruptcy.filed": BankruptcyFiled,
    "bankruptcy.closed_without_discharge": BankruptcyClosed,
    "vulnerable.flagged": VulnerableFlagged,
    "vulnerable.cleared": VulnerableCleared,
    "breathing_space.start": BreathingSpaceStart,
    "breathing_space.end": BreathingSpaceEnd,
    "default_notice.served": DefaultNoticeServed,
    "letter_of_claim.dated": LetterOfClaimDated,
    "transfer_notice.sent": TransferNoticeSent,
    "forbearance.assessed": ForbearanceAssessed,
    "reassigned_check.clean": ReassignedCheckClean,
    "limitation.stated": LimitationStated,
}
