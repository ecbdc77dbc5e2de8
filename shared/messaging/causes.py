"""What brought a decision about: the thread by which logs and traces are followed from service to service. Pure.

A case keeps the cause of its last fact, so that the tick that time brings a night later still belongs to the payment
that was missed. It decides nothing, and is no part of the state.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.events.envelope import Event

ONE_TRACE = timedelta(days=3)
"""A step so long after its cause begins a trace of its own, linked to the old one: backends keep no trace open for weeks."""
OF_OUR_EFFECTS = ("/providers/", "/effects/")


@dataclass(frozen=True, slots=True)
class Cause:
    """`correlationid` is the id of the first event of the thread, `traceparent` the span (W3C), `at` when (UTC)."""

    correlationid: str = ""
    traceparent: str = ""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def stored(self) -> str:
        """Write it as the text of a column."""
        return f"{self.at.isoformat()}\n{self.traceparent}\n{self.correlationid}"

    @classmethod
    def read(cls, text: str) -> "Cause":
        """Read what stored() wrote; "" is no cause."""
        if not text:
            return NOTHING
        at, traceparent, correlationid = text.split("\n", 2)
        return cls(correlationid, traceparent, datetime.fromisoformat(at))

    def parent_at(self, now: datetime) -> str:
        """Answer the span below which something at *now* belongs; "" when that was too long ago."""
        return self.traceparent if now - self.at <= ONE_TRACE else ""


NOTHING = Cause()


def cause_of(event: Event, before: Cause, now: datetime, traceparent: str = "") -> Cause:
    """
    Answer the cause that *event* is, decided at *now* in the span *traceparent* (default: the event's own).

    An outcome of an effect that bears no thread (a provider's own call) goes on in the case's.
    """
    follows = not event.correlationid and event.source.startswith(OF_OUR_EFFECTS)
    thread = before.correlationid if follows and before.correlationid else ""
    return Cause(
        correlationid=event.correlationid or thread or event.id,
        traceparent=traceparent or event.traceparent or (before.traceparent if thread else ""),
        at=now,
    )


def going_on(cause: Cause, tick: Event, now: datetime, traceparent: str = "") -> Cause:
    """Answer the cause of what a tick at *now* brings forth, in the span *traceparent*; a case without a cause begins one."""
    return Cause(
        correlationid=cause.correlationid or tick.id,
        traceparent=traceparent or cause.parent_at(now),
        at=now,
    )
