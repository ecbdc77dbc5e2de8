"""One trace from core banking's `payment.missed` to the SMS and back, over the real services and a real exporter."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from rich.console import Console

from shared.demo.run import step
from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentMissed,
)
from shared.local.cluster import Cluster
from shared.testing import fact
from tests.system.collector import Collector, collecting

CUSTOMER, PHONE = "C900001", "13800138123"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
AT = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """What the services told a collector of a payment that was missed on a Monday, until two days later."""
    customer = CustomerUpdated(
        customer_id=CUSTOMER, language="zh-CN", time_zones=("Asia/Shanghai",), region="CN-SH",
        jurisdiction=Jurisdiction(country="CN"),
        contact_points=(
            ContactPoint(point_id="P1", kind="mobile", value=PHONE, party="debtor"),
        ),
    )  # fmt: skip
    account = AccountUpdated(
        customer_id=CUSTOMER, account_id="A1", product="consumer_loan", currency="CNY", creditor="BANK",
        collector_role="first_party",
    )  # fmt: skip
    missed = PaymentMissed(
        customer_id=CUSTOMER, account_id="A1", instalment_id="I1", due_on=date(2026, 3, 1),
        amount_minor=120_000, currency="CNY",
    )  # fmt: skip
    begun = f"00-{TRACE}-00f067aa0ba902b7-01"
    events = [
        fact(customer, AT - timedelta(hours=1), source="/core"),
        fact(account, AT - timedelta(hours=1), source="/core"),
        msgspec.structs.replace(fact(missed, AT, source="/core"), traceparent=begun),
    ]
    with collecting() as collector:
        cluster = Cluster(
            tmp_path_factory.mktemp("traced"),
            stepped=True,
            extra_env={
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
            },
        )
        try:
            cluster.start()
            asyncio.run(step(cluster, events, AT + timedelta(days=2), Console(quiet=True)))
        finally:
            cluster.stop()
    return collector


def test_one_trace_leads_from_the_missed_payment_to_the_sms_and_its_outcome(traced):
    spans = [span for span in traced.spans if span.trace_id == TRACE]
    told = {(span.service, span.name) for span in spans}
    assert told >= {
        ("arrears-scheduler", "decide payment.missed"),
        ("arrears-scheduler", "tick scheduler"),
        ("arrears-notifier", "decide follow_up.due"),
        ("arrears-notifier", "tick notifier"),
        ("arrears-notifier", "hand over contact.sms"),
        ("arrears-notifier", "decide provider.receipt"),
        ("arrears-scheduler", "decide contact.sent"),
    }
    names = {span.span_id: span.name for span in spans}
    parents = {(names.get(span.parent_id, "core banking"), span.name) for span in spans}
    assert parents >= {
        ("core banking", "decide payment.missed"),
        ("decide payment.missed", "tick scheduler"),
        ("tick scheduler", "decide follow_up.due"),
        ("decide follow_up.due", "tick notifier"),
        ("tick notifier", "hand over contact.sms"),
        ("hand over contact.sms", "decide provider.receipt"),
    }


def test_batches_are_linked_to_the_records_that_they_handle(traced):
    ours = {span.span_id for span in traced.spans if span.trace_id == TRACE}
    batches = [span for span in traced.spans if span.name == "handle batch notifier"]
    assert any(batch.links & ours for batch in batches)


def test_b2_25_no_span_holds_a_customer_or_a_contact_value(traced):
    said = "\n".join(span.text for span in traced.spans)
    assert "payment.missed" in said
    assert PHONE not in said
    assert CUSTOMER not in said
