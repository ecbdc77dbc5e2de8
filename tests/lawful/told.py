"""A customer of Shanghai with a card, a text that was permitted, and how it left: events as the bus has them."""

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from shared.compliance.gate import Gate
from shared.events.core_banking import AccountUpdated, ContactPoint, CustomerUpdated, Jurisdiction
from shared.events.notifier import ContactSent
from shared.events.permits import Permit
from shared.events.scheduler import Amount, Choice, FollowUpDue, Situation
from shared.lawful.judging import Auditor
from shared.lawful.manner import Manner
from shared.services import strategy
from shared.testing import fact

POLICY = strategy(None)
MANNER = Manner.of(POLICY)
MORNING = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""
EVENING = datetime(2026, 3, 2, 13, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACKS = tuple(pack.name for pack in POLICY.packs)
RECORD = (
    fact(
        CustomerUpdated(
            customer_id="C1", language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-SH",
            jurisdiction=Jurisdiction(country="CN"),
            contact_points=(
                ContactPoint(point_id="mobile-1", kind="mobile", zones=("Asia/Shanghai",), party="debtor"),
                ContactPoint(point_id="family-1", kind="mobile", zones=("Asia/Shanghai",), party="contact_person"),
            ),
        ),
        MORNING - 9 * DAY,
    ),
    fact(
        AccountUpdated(
            customer_id="C1", account_id="A", product="credit_card", currency="CNY", creditor="bank",
            collector_role="first_party",
        ),
        MORNING - 9 * DAY,
    ),
)  # fmt: skip


def permit(**changes) -> Permit:
    """Answer leave for a text to the mobile, from 09:30 to 21:00."""
    given = Permit(
        permit_id="permit-1", channel="sms", point_id="mobile-1", not_before=MORNING, not_after=EVENING, packs=PACKS
    )  # fmt: skip
    return replace(given, **changes)


def due(leave: Permit | None = None, at: datetime = MORNING, **changes):
    """Answer the step that bears the permit."""
    leave = leave or permit()
    data = FollowUpDue(
        customer_id="C1", follow_up_id="f-1", kind="contact", episode=1, stage="contact", step="sms_1",
        choices=(
            Choice(channel=leave.channel, point_id=leave.point_id, template="sms.overdue", permit=leave),
        ),
        not_before=MORNING, not_after=EVENING,
        situation=Situation(
            dpd=3, bucket="M1", overdue=(Amount(currency="CNY", amount_minor=100),), oldest_due_on=date(2026, 2, 27),
            accounts=("A",), time_zones=("Asia/Shanghai",), country="CN", products=("credit_card",), creditor="bank",
        ),
    )  # fmt: skip
    return fact(replace(data, **changes), at)


def sent(at: datetime = MORNING + MINUTE, **changes):
    """Answer what the notifier says when it was handed over."""
    data = ContactSent(
        customer_id="C1", follow_up_id="f-1", effect_id="e-1", channel="sms", point_id="mobile-1",
        template="sms.overdue", episode=1, step="sms_1", attempt=1, permit_id="permit-1",
    )  # fmt: skip
    return fact(replace(data, **changes), at)


def judged(*events, packs=POLICY.packs, exact=True):
    """Judge the contacts that *events*, in the order of knowing, tell of."""
    auditor = Auditor(Gate(packs), MANNER, exact=exact)
    return list(auditor.judge(auditor.person([*RECORD, *events])))
