"""What customers declare and the bank does beside the case, one good fact of each type, and what agencies tell."""

from datetime import date, datetime, timedelta
from typing import Any

from shared.events import agencies, contacts, declarations
from shared.events.envelope import Event, Fact
from tests.domain.scheduler.cases import said

BESIDE = {**declarations.TYPES, **contacts.TYPES, **agencies.PUBLISHED}
TABLE_BESIDE = """
consent.given                       -         -         -         -         -         -         -
consent.withdrawn                   -         -         -         -         -         -         -
opt_in.declared                     -         -         -         -         -         -         -
inconvenient.withdrawn              -         -         -         -         -         -         -
third_party.refused                 -         -         -         -         -         -         -
dispute.written_timely              -         -         -         -         -         -         -
verification.sent                   -         -         -         -         -         -         -
plan.active                         -         -         -         -         -         -         -
plan.broken                         -         -         -         -         -         -         -
employer.prohibits                  -         -         -         -         -         -         -
attorney.released                   -         -         -         -         -         -         -
cease.written                       -         -         -         -         -         -         -
cease.withdrawn                     -         -         -         -         -         -         -
stop.said                           -         -         -         -         -         -         -
stop.withdrawn                      -         -         -         -         -         -         -
point.is_work_email                 -         -         -         -         -         -         -
bankruptcy.filed                    -         -         -         -         -         -         -
bankruptcy.closed_without_discharge -         -         -         -         -         -         -
vulnerable.flagged                  -         -         -         -         -         -         -
vulnerable.cleared                  -         -         -         -         -         -         -
breathing_space.start               -         -         -         -         -         -         -
breathing_space.end                 -         -         -         -         -         -         -
default_notice.served               -         -         -         -         -         -         -
letter_of_claim.dated               -         -         -         -         -         -         -
transfer_notice.sent                -         -         -         -         -         -         -
forbearance.assessed                -         -         -         -         -         -         -
reassigned_check.clean              -         -         -         -         -         -         -
limitation.stated                   -         -         -         -         -         -         -
permit.asked                        =r        =g        =g        =g        =g        =g        =g
contact.reported                    -         -         -         -         -         -         -
contact.received                    -         -         -         -         -         -         -
agency.placed                       -         -         -         -         -         -         -
agency.recalled                     -         -         -         -         -         -         -
agency.contacted                    -         -         -         -         -         -         -
"""
"""The rows of these types in the table of test_table.py: idle, open and the stages of the ladder."""
DEBT = {"account_ids": ("A",)}
PERMIT = {"permit_id": "P1"}
POINT = {"point_id": "p-mobile"}
CASE = {"case": "K1"}
CONTACT = {"channel": "call", "result": "effective"}
FIELDS: dict[type[Fact], dict[str, Any]] = {
    declarations.ConsentGiven: {"kind": "quiet_hours"},
    declarations.ConsentWithdrawn: {"kind": "quiet_hours"},
    declarations.OptInDeclared: {"scope": "channel", "channel": "sms"},
    declarations.InconvenientWithdrawn: {},
    declarations.ThirdPartyRefused: {"contacted": "p-friend"},
    declarations.DisputeWrittenTimely: CASE | DEBT,
    declarations.VerificationSent: CASE | DEBT,
    declarations.PlanActive: CASE | DEBT,
    declarations.PlanBroken: CASE,
    declarations.EmployerProhibits: {},
    declarations.AttorneyReleased: {"hold_id": "H1"},
    declarations.CeaseWritten: DEBT,
    declarations.CeaseWithdrawn: DEBT,
    declarations.StopSaid: {},
    declarations.StopWithdrawn: {},
    declarations.PointIsWorkEmail: {"point_id": "p-email"},
    declarations.BankruptcyFiled: CASE,
    declarations.BankruptcyClosed: CASE,
    declarations.VulnerableFlagged: {},
    declarations.VulnerableCleared: {},
    declarations.BreathingSpaceStart: CASE | DEBT,
    declarations.BreathingSpaceEnd: CASE,
    declarations.DefaultNoticeServed: DEBT,
    declarations.LetterOfClaimDated: DEBT,
    declarations.TransferNoticeSent: DEBT,
    declarations.ForbearanceAssessed: DEBT,
    declarations.ReassignedCheckClean: POINT,
    declarations.LimitationStated: DEBT | {"until_on": date(2029, 3, 1)},
    contacts.PermitAsked: PERMIT | POINT | {"channel": "call"},
    contacts.ContactReported: PERMIT | {"result": "no_answer"},
    contacts.ContactReceived: CONTACT | POINT,
    agencies.AgencyPlaced: DEBT | {"placement_id": "L1", "agency": "AG1", "on_public_list": True},
    agencies.AgencyRecalled: {"placement_id": "L1", "agency": "AG1"},
    agencies.AgencyContacted: CONTACT | POINT | {"contact_id": "C1", "agency": "AG1"},
}
"""The fields of one good fact of each type, beside the customer, the caller and the instant."""
INSTANTS = {
    agencies.AgencyPlaced: "placed_at",
    agencies.AgencyRecalled: "recalled_at",
    agencies.AgencyContacted: "occurred_at",
}


def declared(model: type[Fact], when: datetime, **more: Any) -> Event:
    """Answer a good fact of the *model*, told at *when*."""
    fields = FIELDS[model] | more
    if model in INSTANTS:
        return said(model, when, **{INSTANTS[model]: when} | fields)
    return said(model, when, by="u-7", reason="they rang us", **fields)


def conversations(before: datetime, count: int) -> list[Event]:
    """Calls that an agency had with the customer in the minutes before."""
    return [
        said(
            agencies.AgencyContacted, before - timedelta(minutes=number), contact_id=f"X{number}",
            agency="AG", occurred_at=before - timedelta(minutes=number), channel="call",
            result="effective", point_id="p-mobile", account_ids=("A",),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
