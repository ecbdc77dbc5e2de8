"""What a process tells of itself: logs, always; traces, when the standard OTEL variables ask for them."""

from shared.telemetry.logs import configure_logs
from shared.telemetry.tracing import configure_tracing

__all__ = ["configure_logs", "configure_tracing"]
