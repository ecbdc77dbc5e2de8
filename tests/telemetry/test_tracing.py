"""Spans of the shell, told to a real provider of spans in memory: one thread from fact to publication."""

import pytest
from msgspec.structs import replace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_trace_id

from shared.messaging import spans
from shared.telemetry import tracing
from shared.testing import START, fact
from tests.database.conftest import *  # noqa: F403  the fixtures of the shell on a database
from tests.database.ledger import FAILING
from tests.database.support import always, missed, record

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CORE = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def told():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter.get_finished_spans
    tracing.use(None)


def traced(instalment: str = "I1", customer: str = "C1"):
    return replace(fact(missed(customer, instalment)), traceparent=CORE)


async def handle(shell, *events):
    batch = [record(event, offset) for offset, event in enumerate(events)]
    with spans.of_batch("scheduler", batch):
        return await shell.handle(batch, fresh=always)


async def test_a_fact_its_tick_and_what_they_publish_are_one_trace(shell, db, told):
    await handle(shell, traced())
    decided, tick, batch = told()
    assert [decided.name, tick.name, batch.name] == [
        "decide payment.missed", "tick scheduler", "handle batch scheduler",
    ]  # fmt: skip
    assert {format_trace_id(span.context.trace_id) for span in (decided, tick)} == {TRACE}
    assert tick.parent.span_id == decided.context.span_id
    assert await db.one("SELECT traceparent FROM outbox WHERE type = 'follow_up.due'") == (
        _traceparent(tick)
    )


async def test_a_batch_is_linked_to_its_records_and_they_to_it(shell, told):
    await handle(shell, traced("I1", "C1"), traced("I2", "C2"))
    by_name = {span.name: span for span in told()}
    batch = by_name["handle batch scheduler"]
    assert [format_trace_id(link.context.trace_id) for link in batch.links] == [TRACE]
    assert batch.attributes["messaging.batch.message_count"] == 2
    links = by_name["decide payment.missed"].links
    assert [link.context.span_id for link in links] == [batch.context.span_id]


async def test_the_tick_of_the_alarm_goes_on_in_the_trace_that_the_case_remembers(
    make_shell, db, told
):
    shell = make_shell(fused_ticks=False)
    await handle(shell, traced())
    await shell.tick_due(START, None, fresh=always)
    tick = told()[-1]
    assert (tick.name, format_trace_id(tick.context.trace_id)) == ("tick scheduler", TRACE)
    assert await db.one("SELECT correlationid FROM outbox WHERE type = 'follow_up.due'") == (
        traced().id
    )


async def test_a_decision_that_fails_is_marked_with_the_type_of_the_error_alone(shell, told):
    await handle(shell, traced(FAILING))
    span = next(span for span in told() if span.name == "decide payment.missed")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "ZeroDivisionError"
    assert span.status.description is None
    assert span.events == ()


async def test_no_span_names_a_customer(shell, told):
    await handle(shell, traced(customer="C77"), traced(FAILING, "C78"))
    said = " ".join(span.to_json() for span in told())
    assert "C77" not in said
    assert "C78" not in said
    assert "payment.missed" in said


async def test_while_off_contexts_travel_and_no_span_is_made(shell, db):
    await handle(shell, traced())
    assert tracing.begin("x", 0) is None
    assert await db.one("SELECT traceparent FROM outbox WHERE type = 'follow_up.due'") == CORE


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, ""),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, ""),
    ],
)
def test_the_standard_variables_decide(environment, wanted, monkeypatch):
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing.exporter_wanted() == wanted


def test_an_unknown_exporter_is_named(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(ValueError, match=r"OTEL_TRACES_EXPORTER=zipkin.*otlp, console or none"):
        tracing.configure_tracing("scheduler")


def _traceparent(span) -> str:
    context = span.context
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
