"""The people who asked for leave to call, in a replay: what came of their contacts, told at once, late, or never."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.decision import CaseState, Decision, Publish, Reactor
from shared.events.contacts import ContactReported, Outcome
from shared.events.envelope import Event, Woken
from shared.events.permits import PermitGranted
from shared.sandbox.chance import Draws

BUSY_LINE = "agent-7"
"""Whom this one calls never answers."""
SOON, LATE = timedelta(minutes=1), timedelta(hours=30)
_TOLD = {SOON: 0.85, LATE: 0.10, None: 0.05}
_CALLED: dict[Outcome, float] = {
    "no_answer": 0.40,
    "busy": 0.08,
    "power_off": 0.07,
    "answered": 0.15,
    "effective": 0.30,
}


class Desk(CaseState, frozen=True):
    """The contacts of which nothing was told yet: by permit_id the instants at which it will be, and what."""

    waiting: dict[str, tuple[datetime, ContactReported]] = {}


def _decide(state: Desk, event: Event, now: datetime, _policy: None) -> Decision[Desk]:
    match event.data:
        case PermitGranted() as data if data.by:
            draws = Draws("people", data.permit.permit_id)
            after = SOON if data.by == BUSY_LINE else draws.one_of(_TOLD)
            if after is None:
                return Decision(state)
            told = _report(
                data, event.time, "no_answer" if data.by == BUSY_LINE else _result(data, draws)
            )
            return Decision(
                _with(state, {**state.waiting, data.permit.permit_id: (event.time + after, told)})
            )
        case Woken():
            due = {key: told for key, (at, told) in sorted(state.waiting.items()) if at <= now}
            left = {key: each for key, each in state.waiting.items() if key not in due}
            return Decision(
                _with(state, left), tuple(Publish(key, told) for key, told in due.items())
            )
        case _:
            return Decision(state)


def _result(data: PermitGranted, draws: Draws) -> Outcome:
    return draws.one_of(_CALLED) if data.permit.channel == "call" else "delivered"


def _report(data: PermitGranted, at: datetime, result: Outcome) -> ContactReported:
    return ContactReported(
        customer_id=data.customer_id, by=data.by, reason="made up by the benchmark",
        permit_id=data.permit.permit_id, result=result, occurred_at=at,
    )  # fmt: skip


def _with(state: Desk, waiting: dict[str, tuple[datetime, ContactReported]]) -> Desk:
    wake_at = min((at for at, _ in waiting.values()), default=None)
    return replace(state, waiting=waiting, wake_at=wake_at)


PEOPLE = Reactor(
    name="people",
    state=Desk,
    decide=_decide,
    policy=None,
    reacts_to=frozenset({"permit.granted"}),
    publishes=frozenset({"contact.reported"}),
)
