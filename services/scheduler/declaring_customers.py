"""What else customers say: kinds of declarations that everybody may take down who speaks with customers."""

from typing import Any, ClassVar, Literal

from typing_extensions import override

from services.scheduler.declaring_kinds import Accounts, Declared, NewCase, Taking
from shared.events import commands, contacts, declarations
from shared.events.commands import Happened
from shared.events.contacts import InboundChannel
from shared.http.commands import ReferenceField
from shared.http.problems import ProblemError


class Dispute(Declared):
    """The debt of an account (all without one) is contested."""

    model: ClassVar[type[Happened]] = commands.DisputeRaised
    kind: Literal["dispute"]
    account_id: ReferenceField | None = None
    written: bool = False

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {
            "hold_id": taking.made_id,
            "written": self.written,
            **taking.account(self.account_id),
        }


class Attorney(Declared):
    """The customer is represented; names of attorneys are personal data and do not belong here."""

    model: ClassVar[type[Happened]] = commands.AttorneyAppointed
    kind: Literal["attorney"]
    represented: Literal[True]
    point_id: ReferenceField | None = None

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        # Not compared with the customer's points: an attorney's point may be one that we do not know.
        return {"hold_id": taking.made_id, "point_id": self.point_id}


class AttorneyReleased(Declared):
    """The customer is not represented any more (for these debts; all without); `hold_id` is the declaration's."""

    model: ClassVar[type[Happened]] = declarations.AttorneyReleased
    kind: Literal["attorney_released"]
    hold_id: ReferenceField
    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        if self.hold_id not in taking.case.halts and self.hold_id not in taking.case.spent:
            raise ProblemError("not-found", "This case has no such hold.")
        return {"hold_id": self.hold_id, **taking.accounts(self.account_ids)}


class ThirdPartyRefused(Declared):
    """The person behind this contact point, who is not the customer, wants no more contact."""

    model: ClassVar[type[Happened]] = declarations.ThirdPartyRefused
    kind: Literal["third_party_refused"]
    point_id: ReferenceField

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"contacted": taking.point(self.point_id)["point_id"]}


class EmployerProhibits(Declared):
    """The customer's employer does not allow such contact at work."""

    model: ClassVar[type[Happened]] = declarations.EmployerProhibits
    kind: Literal["employer_prohibits"]


class OfDebts(Declared):
    """Something about these debts; without any, about all."""

    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return taking.accounts(self.account_ids)


class Cease(OfDebts):
    """The customer wrote that they refuse to pay, or want no more communication."""

    model: ClassVar[type[Happened]] = declarations.CeaseWritten
    kind: Literal["cease"]


class CeaseWithdrawn(OfDebts):
    """The customer takes such a letter back."""

    model: ClassVar[type[Happened]] = declarations.CeaseWithdrawn
    kind: Literal["cease_withdrawn"]


class WorkEmail(Declared):
    """The address is the employer's; consent `work_email` for it allows it again."""

    model: ClassVar[type[Happened]] = declarations.PointIsWorkEmail
    kind: Literal["work_email"]
    point_id: ReferenceField

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return taking.point(self.point_id)


class Bankruptcy(Declared):
    """The customer says that insolvency proceedings were opened; `case` is the court's number, where it is known."""

    model: ClassVar[type[Happened]] = declarations.BankruptcyFiled
    kind: Literal["bankruptcy"]
    case: NewCase = None

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"case": self.case or taking.made_id}


class Vulnerable(Declared):
    """The customer is, or seems, particularly vulnerable; why does not belong here."""

    model: ClassVar[type[Happened]] = declarations.VulnerableFlagged
    kind: Literal["vulnerable"]


class ContactReceived(Declared):
    """The customer (or another `party`) contacted us; a text from a number is fresh evidence that it is theirs."""

    model: ClassVar[type[Happened]] = contacts.ContactReceived
    kind: Literal["contact_received"]
    channel: InboundChannel
    point_id: ReferenceField | None = None
    party: Literal["debtor", "co_debtor", "guarantor", "contact_person", "attorney", "spouse"] = (
        "debtor"
    )
    result: Literal["effective", "answered", "voicemail", "delivered"] = "delivered"
    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "party": self.party,
            "result": self.result,
            **taking.point(self.point_id),
            **taking.accounts(self.account_ids),
        }


CustomersWord = (
    Dispute
    | Attorney
    | AttorneyReleased
    | ThirdPartyRefused
    | EmployerProhibits
    | Cease
    | CeaseWithdrawn
    | WorkEmail
    | Bankruptcy
    | Vulnerable
    | ContactReceived
)
