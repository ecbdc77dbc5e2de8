"""
Trace one fact through the services: from core banking's record over decisions and topics to the provider.

Off unless the standard variables ask for it (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER ...); then each
function here costs one comparison. Spans name types, services, partitions and event ids: no customer, no value, no
exception's text. The context travels as W3C `traceparent` in events, outbox, effects and requests.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

MOST_LINKS = 128
"""As many records of a batch are linked to its span: what backends keep by default."""

_PROPAGATOR = TraceContextTextMapPropagator()
_NONE = Context()

Attributes = dict[str, str | int | bool]


class _Tracing:
    """The tracer of this process; None while nobody asked for traces."""

    tracer: trace.Tracer | None = None


def configure_tracing(service: str) -> bool:
    """
    Begin to trace if the environment asks for it; answers whether it does.

    An endpoint (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or OTEL_TRACES_EXPORTER (otlp,
    console) switches it on, OTEL_SDK_DISABLED=true or OTEL_TRACES_EXPORTER=none off. Sampling follows
    OTEL_TRACES_SAMPLER (default: what the caller decided, else all). Raises ValueError for an exporter unknown here.
    """
    wanted = exporter_wanted()
    if not wanted:
        return False
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  costs a start 0.1 s
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SpanExporter,
    )

    exporter: SpanExporter
    if wanted == "console":
        exporter = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        exporter = OTLPSpanExporter()
    name = os.environ.get("OTEL_SERVICE_NAME") or f"arrears-{service}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    use(provider)
    return True


def use(provider: trace.TracerProvider | None) -> None:
    """Trace by this provider from now on; None: trace nothing."""
    _Tracing.tracer = None if provider is None else provider.get_tracer("arrears")


def flush() -> None:
    """Hand over what was traced so far; called when a process stops. Bounded."""
    if _Tracing.tracer is not None and hasattr(
        provider := trace.get_tracer_provider(), "force_flush"
    ):
        provider.force_flush(5000)


def enabled() -> bool:
    """Tell whether anything is traced."""
    return _Tracing.tracer is not None


def exporter_wanted() -> str:
    """Answer otlp, console, or "" where the environment asks for no traces; raises ValueError for another exporter."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    named = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if named == "none":
        return ""
    if named not in {"", "otlp", "console"}:
        raise ValueError(f"OTEL_TRACES_EXPORTER={named} is not known here: otlp, console or none")
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return named or ("otlp" if any(os.environ.get(name) for name in endpoints) else "")


def traceparent_of(span: Span | None) -> str:
    """Answer the context of *span* as it travels; "" for none."""
    if span is None or not span.get_span_context().is_valid:
        return ""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, _NONE))
    return carrier.get("traceparent", "")


def current_traceparent() -> str:
    """Answer the context in which the caller runs; "" for none."""
    return "" if _Tracing.tracer is None else traceparent_of(trace.get_current_span())


def begin(
    name: str,
    kind: SpanKind,
    *,
    parent: str = "",
    links: Iterable[str] = (),
    attributes: Attributes | None = None,
) -> Span | None:
    """
    Begin a span below *parent* (a traceparent; "": a trace of its own), linked to other contexts; None while off.

    The caller ends it; one that is never ended is never told.
    """
    if _Tracing.tracer is None:
        return None
    return _Tracing.tracer.start_span(
        name,
        context=_context(parent),
        kind=kind,
        links=[Link(context) for link in links if (context := _span_context(link)) is not None],
        attributes=attributes,
    )


@contextmanager
def batch(name: str, traceparents: Sequence[str], attributes: Attributes) -> Iterator[None]:
    """Run the body in a span of its own that is linked to what it works on."""
    if _Tracing.tracer is None:
        yield
        return
    links = [text for text in dict.fromkeys(traceparents) if text][:MOST_LINKS]
    span = begin(name, SpanKind.CONSUMER, links=links, attributes=attributes)
    with inside(span):
        yield


@contextmanager
def inside(span: Span | None) -> Iterator[None]:
    """Run the body in *span*, which ends with it, marked where the body raises; None: as it is."""
    if span is None:
        yield
        return
    with trace.use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            failed(span, error)
            raise
        finally:
            span.end()


def failed(span: Span | None, error: BaseException) -> None:
    """Mark *span* as failed: by the error's type; its text may hold values."""
    if span is not None:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", type(error).__name__)


def end(span: Span | None) -> None:
    """End a span that begin() answered."""
    if span is not None:
        span.end()


def _context(traceparent: str) -> Context:
    found = _span_context(traceparent)
    return _NONE if found is None else trace.set_span_in_context(NonRecordingSpan(found), Context())


def _span_context(traceparent: str) -> SpanContext | None:
    if not traceparent:
        return None
    context = _PROPAGATOR.extract({"traceparent": traceparent}, _NONE)
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None
