"""Legal periods in the case: a guarantor is asked while their guarantee runs, and no suit is threatened on expired debt."""

from datetime import date, timedelta

import pytest
from msgspec import structs

from services.scheduler.policy import Step, Way
from shared.compliance.pack import Clock, Pack
from shared.compliance.rules import Content, When
from shared.events import contacts, core_banking, declarations
from shared.events.core_banking import ContactPoint, Guarantee, Jurisdiction
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import FollowUpCancelled
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    KNOWN,
    SHIPPED,
    account,
    at,
    customer,
    follow_ups,
    missed,
    received,
    said,
    story,
    taken_back,
)
from tests.domain.scheduler.declared import declared

LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content}
MISS = missed(at("2026-03-01", "06:00"))
SOON = START + timedelta(minutes=10)
MAIL = Step(
    name="mail", day=1, stage="reminder", ways=(Way(channel="email", template="email.final"),)
)


def call_the_guarantor(*records):
    """What a person is answered who wants to call the guarantor."""
    wanted = said(
        contacts.PermitAsked, SOON, by="u-7", reason="to call", permit_id="P1", channel="call",
        point_id="p-mobile", tags=("institution_identity",),
    )  # fmt: skip
    told = story(customer(party="guarantor"), *records, MISS, tick(START), wanted, **LAW)
    return told.when(tick(SOON)).published


def test_a_guarantor_is_called_when_core_banking_told_of_a_guarantee_that_runs():
    (refused,) = of_type(call_the_guarantor(account()), PermitRefused)
    assert ("CN.WHO.PARTY", "clocks.guarantee_period") in {
        (each.rule, each.needs_fact) for each in refused.reasons
    }
    record = account(guarantee=Guarantee(until_on=date(2026, 3, 2)))
    assert of_type(call_the_guarantor(record), PermitGranted)


def test_a_guarantee_that_is_over_is_no_missing_fact():
    record = account(guarantee=Guarantee(until_on=date(2026, 3, 1)))
    (refused,) = of_type(call_the_guarantor(record), PermitRefused)
    assert [(each.rule, each.needs_fact) for each in refused.reasons] == [("CN.WHO.PARTY", "")]


def test_the_later_record_takes_the_guarantee_back():
    first = account(KNOWN, guarantee=Guarantee(until_on=date(2026, 5, 1)))
    assert of_type(call_the_guarantor(account(KNOWN + days(1)), first), PermitRefused)


LATER = START + days(3)
MORNING = at("2026-03-02", "09:35", "America/New_York")


def american(*events, until=LATER, **record):
    """The case of a debtor in New Jersey whose debt a third party collects, by one e-mail that threatens to sue."""
    person = said(
        core_banking.CustomerUpdated, KNOWN, language="en", time_zones=("America/New_York",), region="US-NJ",
        jurisdiction=Jurisdiction(country="US", state="NJ"),
        contact_points=(ContactPoint(point_id="p-email", kind="email", party="debtor"),),
    )  # fmt: skip
    debt = said(
        core_banking.AccountUpdated, KNOWN, account_id="A", product="credit_card", currency="USD", creditor="BANK",
        collector_role="third_party", **record,
    )  # fmt: skip
    told = story(
        person,
        debt,
        missed(at("2026-03-01", "06:00"), currency="USD"),
        *events,
        ladder=(MAIL,),
        **LAW,
    )
    return told.run_until(until)


YESTERDAY = START - days(1)


def stated(until_on, when=YESTERDAY, **more):
    return declared(
        declarations.LimitationStated, when, until_on=date.fromisoformat(until_on), **more
    )


def refusals(told):
    return [
        (reason.rule, reason.needs_fact)
        for refused in of_type(told.published, PermitRefused)
        for reason in refused.reasons
    ]


def test_no_suit_is_threatened_while_nobody_knows_of_limitation():
    told = american()
    assert refusals(told) == [("REGF.TIMEBARRED", "limitation")]
    assert not follow_ups(told)


@pytest.mark.parametrize(
    ("events", "record"),
    [
        ((), {"limitation_on": date(2030, 1, 1)}),
        ((stated("2030-01-01"),), {}),
        ((stated("2030-01-01"),), {"limitation_on": date(2020, 1, 1)}),
        ((stated("2020-01-01", START - days(2)), stated("2030-01-01")), {}),
    ],
)
def test_while_limitation_runs_it_is(events, record):
    assert len(follow_ups(american(*events, **record))) == 1


def test_on_expired_debt_it_is_not_and_the_rule_is_named():
    for events, record in (
        ((stated("2026-01-01"),), {}),
        ((), {"limitation_on": date(2026, 1, 1)}),
    ):
        assert refusals(american(*events, **record)) == [("REGF.TIMEBARRED", "")]


def test_a_statement_calls_a_mail_off_that_has_not_left_and_lets_a_waiting_one_go():
    told = american(stated("2030-01-01"), until=MORNING)
    later = MORNING + timedelta(minutes=5)
    told.given(stated("2020-01-01", later)).when(tick(later))
    (called_off,) = of_type(told.published, FollowUpCancelled)
    assert called_off.reason == "REGF.TIMEBARRED"
    last = later + timedelta(minutes=5)
    told.given(stated("2030-01-01", last)).when(tick(last))
    assert len(follow_ups(told)) == 2


def test_an_old_statement_told_late_by_its_own_day_does_not_replace_a_newer_one():
    old = stated("2020-01-01", START - days(1), occurred_at=START - days(9))
    assert len(follow_ups(american(stated("2030-01-01", START - days(5)), old))) == 1


LATE = Content(
    id="X.LATE", strength="firm", evidence="primary", must_not=("overdue_status",),
    when=When(limitation="expired"),
)  # fmt: skip
LAPSES = Pack(
    pack="x", version="1", calendar="CN", rules=(LATE,),
    clocks={"limitation": Clock(years=3, period="cn_civil_code")},
)  # fmt: skip


def chinese(*payments):
    """What is in the way of a mail about a debt of a contract that ended in 2022."""
    packs = (*SHIPPED.packs, LAPSES)
    told = story(
        customer(), account(last_due_on=date(2022, 6, 1)), MISS, *payments,
        packs=packs, content=SHIPPED.content, ladder=(MAIL,),
    )  # fmt: skip
    return refusals(told.run_until(START + days(3)))


def test_a_payment_that_stands_and_was_seen_begins_limitation_anew():
    unknown = [("X.LATE", "limitation")]
    paid = received(at("2024-01-10"), 10, value_on="2024-01-10")
    assert chinese() == unknown
    assert chinese(paid) == []
    assert chinese(paid, taken_back(at("2024-02-01"))) == unknown
    inferred = structs.replace(paid, data=structs.replace(paid.data, inferred=True))
    assert chinese(inferred) == unknown
