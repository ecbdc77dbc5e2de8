"""The bank's own acts, and what it learned from registers and courts: kinds that need the scope acts:declare."""

from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from services.scheduler.declaring_kinds import (
    Accounts,
    CaseField,
    Declared,
    NewCase,
    SomeAccounts,
    Taking,
)
from shared.events import declarations
from shared.events.commands import Happened
from shared.http.commands import ReferenceField


class Begins(Declared):
    """Something begins for these debts; `case` is what its end will name."""

    case: NewCase = None
    account_ids: SomeAccounts

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"case": self.case or taking.made_id, **taking.accounts(self.account_ids)}


class Ends(Declared):
    """What began under this `case` is over."""

    case: CaseField
    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"case": taking.begun(self.case), **taking.accounts(self.account_ids)}


class Done(Declared):
    """Something was done about these debts, once."""

    account_ids: SomeAccounts

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return taking.accounts(self.account_ids)


class DisputeWrittenTimely(Declared):
    """A written dispute came within the validation period, about these debts (all without)."""

    model: ClassVar[type[Happened]] = declarations.DisputeWrittenTimely
    kind: Literal["dispute_written_timely"]
    case: NewCase = None
    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"case": self.case or taking.made_id, **taking.accounts(self.account_ids)}


class VerificationSent(Ends):
    """The verification that this dispute asked for was sent."""

    model: ClassVar[type[Happened]] = declarations.VerificationSent
    kind: Literal["verification_sent"]


class PlanActive(Begins):
    """An instalment plan was agreed and is kept."""

    model: ClassVar[type[Happened]] = declarations.PlanActive
    kind: Literal["plan_active"]


class PlanBroken(Ends):
    """The plan is not kept, or over."""

    model: ClassVar[type[Happened]] = declarations.PlanBroken
    kind: Literal["plan_broken"]


class BankruptcyClosed(Declared):
    """The insolvency of this number ended without a discharge of the debts."""

    model: ClassVar[type[Happened]] = declarations.BankruptcyClosed
    kind: Literal["bankruptcy_closed"]
    case: CaseField

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"case": taking.begun(self.case)}


class VulnerableCleared(Declared):
    """The customer is not particularly vulnerable (any more)."""

    model: ClassVar[type[Happened]] = declarations.VulnerableCleared
    kind: Literal["vulnerable_cleared"]


class BreathingSpace(Begins):
    """The register tells of a moratorium for these debts."""

    model: ClassVar[type[Happened]] = declarations.BreathingSpaceStart
    kind: Literal["breathing_space"]


class BreathingSpaceEnded(Ends):
    """The moratorium ended before its time."""

    model: ClassVar[type[Happened]] = declarations.BreathingSpaceEnd
    kind: Literal["breathing_space_ended"]


class DefaultNotice(Done):
    """A default notice was served."""

    model: ClassVar[type[Happened]] = declarations.DefaultNoticeServed
    kind: Literal["default_notice"]


class LetterOfClaim(Done):
    """A letter of claim bears this date."""

    model: ClassVar[type[Happened]] = declarations.LetterOfClaimDated
    kind: Literal["letter_of_claim"]


class TransferNotice(Done):
    """The customer was told of the new creditor."""

    model: ClassVar[type[Happened]] = declarations.TransferNoticeSent
    kind: Literal["transfer_notice"]


class Forbearance(Done):
    """Forbearance was considered, with the customer's circumstances."""

    model: ClassVar[type[Happened]] = declarations.ForbearanceAssessed
    kind: Literal["forbearance"]


class ReassignedCheck(Declared):
    """A look-up says that the number was not given to somebody else."""

    model: ClassVar[type[Happened]] = declarations.ReassignedCheckClean
    kind: Literal["reassigned_check"]
    point_id: ReferenceField

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return taking.point(self.point_id)


class Limitation(Done):
    """The last day was worked out on which a court still helps with these debts."""

    model: ClassVar[type[Happened]] = declarations.LimitationStated
    kind: Literal["limitation"]
    until_on: date = Field(
        description="That day, included; one that has passed: the period has run."
    )

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"until_on": self.until_on, **taking.accounts(self.account_ids)}


BankAct = (
    DisputeWrittenTimely
    | VerificationSent
    | PlanActive
    | PlanBroken
    | BankruptcyClosed
    | VulnerableCleared
    | BreathingSpace
    | BreathingSpaceEnded
    | DefaultNotice
    | LetterOfClaim
    | TransferNotice
    | Forbearance
    | ReassignedCheck
    | Limitation
)
