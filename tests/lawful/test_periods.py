"""The audit reads legal periods from the same facts as the gate did: the account's record, payments, what legal stated."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from shared.compliance.gate import Gate
from shared.compliance.pack import Clock, Pack
from shared.compliance.rules import Content, When
from shared.events.core_banking import (
    AccountUpdated,
    CustomerUpdated,
    Guarantee,
    PaymentReceived,
    PaymentReversed,
)
from shared.events.declarations import LimitationStated
from shared.lawful.judging import Auditor
from shared.lawful.manner import Manner
from shared.testing import fact
from tests.lawful.test_findings import asked, granted, only, reported
from tests.lawful.told import DAY, MORNING, POLICY, RECORD, judged

LONG_AGO = MORNING - timedelta(days=800)


def account(at=MORNING - 2 * DAY, **changes):
    data = RECORD[1].data
    assert isinstance(data, AccountUpdated)
    return fact(replace(data, **changes), at)


def the_guarantors():
    """The record in which the number is a guarantor's."""
    data = RECORD[0].data
    assert isinstance(data, CustomerUpdated)
    points = tuple(replace(point, party="guarantor") for point in data.contact_points)
    return fact(replace(data, contact_points=points), MORNING - 2 * DAY)


@pytest.mark.parametrize(
    ("guarantee", "finding"),
    [
        (None, "engine_fault"),
        (Guarantee(until_on=MORNING.date()), "lawful"),
        (Guarantee(until_on=MORNING.date() - DAY), "engine_fault"),
    ],
)
def test_a_guarantors_call_is_judged_by_the_guarantee(guarantee, finding):
    told = (the_guarantors(), account(guarantee=guarantee), asked(), granted(), reported())
    assert only(judged(*told)).finding == finding


LATE = Content(
    id="X.LATE", strength="firm", evidence="primary", must_not=("institution_identity",),
    when=When(limitation="expired"),
)  # fmt: skip
LAPSES = Pack(
    pack="x", version="1", calendar="CN", rules=(LATE,),
    clocks={"limitation": Clock(years=3, period="cn_civil_code")},
)  # fmt: skip


def paid(payment_id="P1", account_id="A", **changes):
    data = PaymentReceived(
        customer_id="C1", payment_id=payment_id, account_id=account_id, amount_minor=1, currency="CNY",
        value_on=LONG_AGO.date(),
    )  # fmt: skip
    return fact(replace(data, **changes), LONG_AGO)


def taken_back(payment_id="P1"):
    data = PaymentReversed(
        customer_id="C1", payment_id=payment_id, account_id="A", reason="returned"
    )
    return fact(data, LONG_AGO + DAY)


STATED = fact(
    LimitationStated(
        customer_id="C1", account_ids=("A",), until_on=date(2030, 1, 1), by="u", reason="a suit"
    ),
    MORNING - DAY,
)


@pytest.mark.parametrize(
    ("told", "finding"),
    [
        ((), "engine_fault"),
        ((paid(),), "lawful"),
        ((paid(), taken_back()), "engine_fault"),
        ((paid(inferred=True),), "engine_fault"),
        ((paid(account_id="B"),), "engine_fault"),
        ((STATED,), "lawful"),
    ],
)
def test_a_call_that_needs_limitation_is_judged_by_what_is_known_of_it(told, finding):
    policy = replace(POLICY, packs=(*POLICY.packs, LAPSES))
    auditor = Auditor(Gate(policy.packs), Manner.of(policy), exact=True)
    leave = granted().data.permit
    given = fact(
        replace(granted().data, permit=replace(leave, packs=tuple(p.name for p in policy.packs))),
        MORNING,
    )
    events = (*RECORD, account(last_due_on=date(2022, 6, 1)), *told, asked(), given, reported())
    assert only(list(auditor.judge(auditor.person(events)))).finding == finding
