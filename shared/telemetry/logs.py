"""Write logs: one line an event, with stable names; never the values that a program held when it failed."""

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO, cast

import structlog
from opentelemetry import trace

from shared.telemetry.scrub import scrub

LogFormat = Literal["text", "json"]


def configure_logs(form: LogFormat, *, level: int = logging.INFO) -> None:
    """
    Write to standard error from now on, as text or as one JSON object a line; what libraries log as well.

    Every record is one line, whatever its values hold. Tracebacks name places, not local variables: those
    hold contact values. What still looks like personal data is blotted out.
    """
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_the_trace,
        structlog.processors.format_exc_info,
        _blot_out,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    stream = cast("TextIO", _Losing(sys.stderr))
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)


class _Losing:
    """Standard error that loses a line rather than raise: a full disk of the logs must not stop the service."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what can be handed on."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def _name_the_trace(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the trace that the line was written in, so that one finds the other."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def _blot_out(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in line.items():
        line[name] = _clean(value)
    return line


def _clean(value: Any) -> Any:
    """Scrub texts, also inside of lists and mappings; what is neither text nor number is written out first."""
    match value:
        case str():
            return scrub(value)
        case bool() | int() | float() | None:
            return value
        case dict():
            return {scrub(str(key)): _clean(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case _:
            return scrub(repr(value))
