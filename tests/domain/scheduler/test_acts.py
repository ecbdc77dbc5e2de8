"""Legal's acts wait for the gate: a claim for its letter's 30 days, enforcement for forbearance; and sold debts for their notice."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from services.legal.domain.state import Step
from services.scheduler.domain.acting import ACTS
from shared.events import core_banking, declarations
from shared.events.common import FollowUpRequested
from shared.events.core_banking import ContactPoint, Jurisdiction
from shared.events.permits import PermitRefused
from shared.events.scheduler import FollowUpDue
from shared.testing import days, of_type, tick
from tests.domain.scheduler.cases import SHIPPED, at, contact_step, missed, said, story, withdrawn
from tests.domain.scheduler.commanded import disputed
from tests.domain.scheduler.declared import declared

LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
ZONES = {"GB": "Europe/London", "ES": "Europe/Madrid", "CN": "Asia/Shanghai", "DE": "Europe/Berlin"}


def facts(country, **record):
    """A customer of *country* who owes since 100 days."""
    before = NOW - days(200)
    person = said(
        core_banking.CustomerUpdated, before, language="en", time_zones=(ZONES[country],), region="R",
        jurisdiction=Jurisdiction(country=country),
        contact_points=(ContactPoint(point_id="p-email", kind="email", party="debtor"),),
    )  # fmt: skip
    told = {"product": "mortgage", "creditor": "BANK", "collector_role": "first_party"} | record
    debt = said(core_banking.AccountUpdated, before, account_id="A", currency="EUR", **told)
    return person, debt, missed(NOW - days(99), due_on="2026-08-16", currency="EUR")


def wants(purpose="legal.file", due_at=NOW):
    return said(FollowUpRequested, NOW, follow_up_id="F1", due_at=due_at, purpose=purpose)


def looked(country, *events, purpose="legal.file", **record):
    """The case of which the act falls due now."""
    told = story(
        *facts(country, **record), *events, wants(purpose), ladder=(contact_step("x", 900),), **LAW
    )
    return told.when(tick(NOW))


def fired(told):
    return [due.follow_up_id for due in of_type(told.published, FollowUpDue)]


def refusals(told):
    return [
        [(reason.rule, reason.needs_fact) for reason in refused.reasons]
        for refused in of_type(told.published, PermitRefused)
    ]


def letter(ago):
    return declared(declarations.LetterOfClaimDated, NOW - days(ago))


def test_the_acts_are_those_that_legal_asks_a_follow_up_for():
    assert set(ACTS) == {f"legal.{step}" for step in get_args(Step)} - {"legal.assess"}


def test_a_claim_waits_until_the_time_to_answer_the_letter_is_over():
    told = looked("GB", letter(10))
    assert (fired(told), refusals(told)) == ([], [[("UK.PAP30", "")]])
    (refused,) = of_type(told.published, PermitRefused)
    free = datetime(2026, 12, 15, tzinfo=UTC)
    assert (refused.channel, refused.step, refused.earliest_next) == (None, "legal.file", free)
    assert refused.inputs["actions"] == ["issue_claim", "enforce"]
    assert refused.inputs["follow_up_id"] == "F1"
    told.run_until(free - timedelta(seconds=1))
    assert fired(told) == []
    told.run_until(free)
    assert fired(told) == ["F1"]
    assert "F1" in told.state.spent


def test_a_claim_without_a_letter_waits_for_one_and_nobody_looks_in_vain():
    told = looked("GB")
    assert refusals(told) == [[("UK.PAP30", "")]]
    assert told.state.wake_at is None or told.state.wake_at > NOW
    told.when(tick(SOON)).then()
    told.given(letter(31)).when(tick(SOON + timedelta(minutes=5)))
    assert fired(told) == ["F1"]
    assert not any(key.startswith("~act/") for key in told.state.refusals)


def test_what_is_lawful_is_due_at_once():
    assert (fired(looked("GB", letter(31))), refusals(looked("GB", letter(31)))) == (["F1"], [])


def test_every_rule_is_asked_not_only_those_on_the_act():
    told = looked("GB", letter(31), disputed(NOW - days(1)))
    assert (fired(told), refusals(told)) == ([], [[("UK.DISPUTE", "")]])


def test_where_no_rule_is_on_the_act_the_gate_is_not_asked():
    told = looked("CN", disputed(NOW - days(1)))
    assert (fired(told), refusals(told)) == (["F1"], [])


def test_other_follow_ups_are_no_acts():
    assert fired(looked("GB", purpose="legal.assess")) == ["F1"]


@pytest.mark.parametrize("purpose", ACTS)
def test_enforcement_in_the_union_waits_until_forbearance_was_considered(purpose):
    told = looked("ES", purpose=purpose)
    assert (fired(told), refusals(told)) == ([], [[("EU.CCD2.35", "")]])
    told.given(declared(declarations.ForbearanceAssessed, SOON)).when(tick(SOON))
    assert fired(told) == ["F1"]


def test_a_security_is_enforced_only_after_a_default_notice():
    free = looked("GB", purpose="legal.enforce")
    assert fired(free) == ["F1"]
    told = looked("GB", purpose="legal.enforce", secured=True)
    assert (fired(told), refusals(told)) == ([], [[("UK.CCA88", "")]])
    served = declared(declarations.DefaultNoticeServed, NOW - days(14))
    assert fired(looked("GB", served, purpose="legal.enforce", secured=True)) == ["F1"]


def test_an_act_that_is_not_wanted_any_more_is_forgotten():
    told = looked("GB").given(withdrawn(SOON)).when(tick(SOON))
    assert (fired(told), told.state.refusals) == ([], {})


def test_an_act_of_an_unknown_customer_waits_for_the_record():
    told = story(missed(NOW - days(9), due_on="2026-08-16"), wants(), **LAW).when(tick(NOW))
    assert (fired(told), refusals(told)) == ([], [[("CASE.NO_RECORD", "party")]])


def test_paid_in_the_meantime_is_for_legal_to_see():
    (person, debt, _) = facts("GB")
    told = story(person, debt, wants(), **LAW).when(tick(NOW))
    assert fired(told) == ["F1"]


def mailed(*events, **record):
    told = story(
        *facts("DE", **record), *events, ladder=(contact_step("mail", 100, "email"),), **LAW
    )
    return told.run_until(at("2026-11-26"))


def test_who_bought_a_debt_writes_only_after_the_notice_of_the_transfer():
    told = mailed(creditor_kind="credit_purchaser")
    assert (fired(told), refusals(told)) == ([], [[("EU.NPL.10_2", "")]])
    notice = declared(declarations.TransferNoticeSent, NOW - days(9))
    assert len(fired(mailed(notice, creditor_kind="credit_purchaser"))) == 1
    assert len(fired(mailed(creditor_kind="originator"))) == 1
    assert len(fired(mailed())) == 1
