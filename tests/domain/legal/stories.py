"""Facts and beginnings of stories about proceedings against customer C1."""

from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from services.legal.domain.state import Kind, effect_id, permit_id
from services.legal.policy import LegalPolicy
from services.legal.service import LEGAL
from shared.events.agencies import AgencyDismissed, AgencyEngaged, AgencyReported
from shared.events.commands import CourtOutcomeRecorded
from shared.events.common import FollowUpRequested
from shared.events.envelope import Event
from shared.events.legal import CourtNotice, LegalAssessed, LegalWithdrawn
from shared.events.permits import InTheWay, Permit, PermitGranted, PermitRefused, PermitRequested
from shared.events.scheduler import (
    Amount,
    CaseClosed,
    FollowUpCancelled,
    FollowUpDue,
    HoldApplied,
    HoldLifted,
    Situation,
)
from shared.ids import derive
from shared.testing import START, Story, days, fact, given, tick

C1 = "C1"
BY = {"by": "u-7", "reason": "as agreed"}
POLICY = LegalPolicy()
SITUATION = Situation(
    dpd=120,
    bucket="M4",
    overdue=(Amount(currency="CNY", amount_minor=800_000),),
    oldest_due_on=date(2025, 11, 2),
    accounts=("A1",),
    region="Beijing",
    time_zones=("Asia/Shanghai",),
    country="CN",
    risk_grade="C",
    creditor="BANK",
    address_point_id="P1",
)
SMALL = replace(SITUATION, overdue=(Amount(currency="CNY", amount_minor=1),))


def situation(**changes: Any) -> Situation:
    return replace(SITUATION, **changes)


def due(follow_up_id: str = "F1", at: datetime = START, **fields: Any) -> Event:
    values = {"kind": "legal", "episode": 1, "situation": SITUATION, **fields}
    return fact(FollowUpDue(customer_id=C1, follow_up_id=follow_up_id, **values), at)


def ask(number: int, follow_up_id: str = "F1") -> str:
    return derive("legal", C1, follow_up_id, "ask", number)


def asked(number: int, follow_up_id: str = "F1", at: datetime = START, **fields: Any) -> Event:
    """The requested follow-up with that number comes due."""
    values = {"kind": "requested", "episode": 0, "situation": None, **fields}
    return due(ask(number, follow_up_id), at, **values)


def cancelled(follow_up_id: str = "F1", at: datetime = START, reason: str = "paid up") -> Event:
    data = FollowUpCancelled(customer_id=C1, follow_up_id=follow_up_id, kind="legal", reason=reason)
    return fact(data, at)


def closed(episode: int = 1, at: datetime = START) -> Event:
    return fact(CaseClosed(customer_id=C1, episode=episode, cause="cured"), at)


def held(hold_id: str = "H1", at: datetime = START, reason: str = "dispute") -> Event:
    return fact(HoldApplied(customer_id=C1, hold_id=hold_id, reason=reason), at)


def lifted(hold_id: str = "H1", at: datetime = START, reason: str = "dispute") -> Event:
    return fact(HoldLifted(customer_id=C1, hold_id=hold_id, reason=reason), at)


def effect(kind: Kind, number: int, follow_up_id: str = "F1") -> str:
    return effect_id(C1, follow_up_id, kind, number)


def notice(
    kind: Kind,
    number: int,
    outcome: str,
    follow_up_id: str = "F1",
    at: datetime = START,
    **fields: Any,
) -> Event:
    data = CourtNotice(
        customer_id=C1, effect_id=effect(kind, number, follow_up_id), outcome=outcome, **fields
    )
    return fact(data, at)


def letter(outcome: str, number: int = 1, **fields: Any) -> Event:
    return notice("letter", number, outcome, **fields)


def leave(number: int = 1, follow_up_id: str = "F1", **fields: Any) -> Permit:
    usual = {
        "permit_id": permit_id(C1, effect("letter", number, follow_up_id)),
        "channel": "letter",
        "point_id": "P1",
        "not_before": START,
        "not_after": START + days(1),
        "packs": ("firm@1:abc",),
    }
    return Permit(**{**usual, **fields})


def granted(number: int = 1, follow_up_id: str = "F1", at: datetime = START, **f: Any) -> Event:
    permit = leave(number, follow_up_id, **f)
    data = PermitGranted(customer_id=C1, permit=permit, follow_up_id=follow_up_id)
    return fact(data, at)


def refused(number: int = 1, at: datetime = START, earliest_next: datetime | None = None) -> Event:
    data = PermitRefused(
        customer_id=C1, permit_id=leave(number).permit_id, channel="letter", point_id="P1",
        follow_up_id="F1", reasons=(InTheWay(rule="CN.TIME.QUIET"),), earliest_next=earliest_next,
    )  # fmt: skip
    return fact(data, at)


def wanted_leave(number: int = 1, at: datetime = START) -> PermitRequested:
    return PermitRequested(
        customer_id=C1, permit_id=leave(number).permit_id, follow_up_id="F1", channel="letter",
        point_id="P1", not_before=at, not_after=at + days(10), purpose="legal_process",
        template="legal.letter",
    )  # fmt: skip


def gets_its_letter(story: Story, number: int = 1, follow_up_id: str = "F1") -> Story:
    """The last tick asked leave for a letter and started none; with leave it starts."""
    assert "permit.requested" in story.types()
    story.then_effects().given(granted(number, follow_up_id))
    return story.when(tick(story.now)).then_effects("legal.letter")


def filing(outcome: str, number: int = 2, **fields: Any) -> Event:
    return notice("filing", number, outcome, **fields)


def enforcement(outcome: str, number: int = 3, **fields: Any) -> Event:
    return notice("enforcement", number, outcome, **fields)


def recorded(outcome: str, at: datetime = START, **fields: Any) -> Event:
    """A person records what a court date brought."""
    data = CourtOutcomeRecorded(
        customer_id=C1, by="u-7", reason="hearing attended", filing_id=effect("filing", 2), outcome=outcome, **fields,
    )  # fmt: skip
    return fact(data, at)


def assessed(number: int, *reasons: str, final: bool = False) -> LegalAssessed:
    return LegalAssessed(
        customer_id=C1,
        assessment_id=derive("legal", C1, "F1", "assessment", number),
        follow_up_id="F1",
        episode=1,
        fit=not reasons,
        reasons=reasons,
        final=final,
    )


def wanted(number: int, due_at: datetime, purpose: str) -> FollowUpRequested:
    return FollowUpRequested(
        customer_id=C1, follow_up_id=ask(number), due_at=due_at, purpose=purpose
    )


def withdrawn(reason: str, permit_id: str = "") -> LegalWithdrawn:
    return LegalWithdrawn(customer_id=C1, follow_up_id="F1", reason=reason, permit_id=permit_id)


def stage(story: Story) -> str:
    return story.state.proceedings["F1"].stage


def effect_ids(story: Story) -> list[str]:
    return [each.effect_id for each in story.effects]


def idle() -> Story:
    return given(LEGAL)


def due_under_hold() -> Story:
    return given(LEGAL, held("H0"), due(), tick())


def unfit() -> Story:
    return given(LEGAL, due(situation=SMALL), tick())


def asking() -> Story:
    return given(LEGAL, due(), tick())


def letter_on_its_way() -> Story:
    return asking().given(granted(), tick())


def demanded() -> Story:
    return letter_on_its_way().given(letter("sent"), tick())


def filing_on_its_way() -> Story:
    return demanded().given(asked(1), tick())


def filed() -> Story:
    return filing_on_its_way().given(filing("sent"), tick())


def accepted() -> Story:
    return filed().given(filing("accepted", case_no="(2026) 1"), tick())


def judged() -> Story:
    return accepted().given(filing("granted"), tick())


def enforcing() -> Story:
    return judged().given(asked(2), tick())


def ended() -> Story:
    return enforcing().given(enforcement("recovered"), tick())


def stopped() -> Story:
    return demanded().given(cancelled(), tick())


STAGES = {
    "idle": idle,
    "due": due_under_hold,
    "unfit": unfit,
    "asked": asking,
    "letter": letter_on_its_way,
    "demanded": demanded,
    "filing": filing_on_its_way,
    "filed": filed,
    "accepted": accepted,
    "judged": judged,
    "enforcing": enforcing,
    "ended": ended,
    "stopped": stopped,
}


def engaged(placement_id: str = "L1", at: datetime = START, **fields: Any) -> Event:
    """Accounts are given to the agency AG1."""
    values = {"agency": "AG1", "on_public_list": True, **BY, **fields}
    return fact(AgencyEngaged(customer_id=C1, placement_id=placement_id, **values), at)


def dismissed(placement_id: str = "L1", at: datetime = START, **fields: Any) -> Event:
    return fact(AgencyDismissed(customer_id=C1, placement_id=placement_id, **BY, **fields), at)


def reported(contact_id: str = "K1", at: datetime = START, **fields: Any) -> Event:
    """The agency AG1 tells of a call that nobody answered."""
    values = {"agency": "AG1", "occurred_at": at, "channel": "call", "result": "no_answer"}
    told = AgencyReported(customer_id=C1, contact_id=contact_id, **BY, **{**values, **fields})
    return fact(told, at)
