"""Draw lives of a customer: moves, not events, so that outcomes belong to follow-ups that were really published."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from services.scheduler.domain import hours, ledger
from shared.events import contacts, permits
from shared.events.envelope import Event
from shared.events.registry import EVENT_TYPES, WOKEN
from shared.testing import START, Story, tick
from tests.domain.scheduler.cases import (
    STANDARD,
    account,
    bankrupt,
    closed,
    customer,
    deceased,
    delivered,
    due,
    failed,
    follow_ups,
    invalid,
    legal_withdrawn,
    missed,
    promised,
    received,
    refused,
    requested,
    said,
    sent,
    stated,
    story,
    taken_back,
    visit_failed,
    visited,
    withdrawn,
)
from tests.domain.scheduler.commanded import (
    complained,
    declared_opt_out,
    disputed,
    do_not_call,
    in_hardship,
    inconvenient,
    let_go,
    noted,
    placed,
    promise_taken,
    represented,
    says_paid,
    shut,
)
from tests.domain.scheduler.declared import FIELDS, declared

ASKS = (contacts.PermitAsked, contacts.ContactReported)
MOVES = ["pay", "pay", "miss", "miss", "reverse", "announce", "outcome", "outcome", "outcome", "outcome", "promise", "hold", "lift", "record", "invalid", "close", "request", "withdraw", "halt", "halt", "let go", "claim", "shut", "word", "declare", "ask", "plan", "state", "wait", "wait", "wait", "tick", "tick", "stale"]  # fmt: skip


@dataclass(frozen=True)
class Move:
    """What happens after how many hours; `number` says to which instalment, follow-up ... it happens."""

    what: str
    hours: int
    number: int


LIVES = st.lists(
    st.builds(
        Move,
        what=st.sampled_from(MOVES),
        hours=st.sampled_from([0, 0, 3, 12, 24, 24 * 4, 24 * 15, 24 * 40]),
        number=st.integers(0, 60),
    ),
    min_size=3,
    max_size=25,
)


def live(moves: list[Move], **changes: Any) -> tuple[Story, list[Event]]:
    """Play the moves, under a variant of the strategy; answer the story, and every fact and tick of it in order."""
    told, events, now = _Recorder(story(**changes).reactor), [], START
    told.events = events
    told.given(customer(), account(), account(account_id="B"))
    for move in moves:
        now += timedelta(hours=move.hours)
        if move.what == "wait":
            told.run_until(now)
            told.given(tick(now))
        else:
            event = _event(move, now, told)
            told.given(*([event] if event else []))
    return told, events


class _Recorder(Story):
    events: list[Event]

    def _decide(self, event: Event) -> None:
        self.events.append(event)
        super()._decide(event)


def _event(move: Move, now: Any, told: Story) -> Event | None:
    n = move.number
    ago = (now - timedelta(days=n % 40)).date().isoformat()
    ahead = (now + timedelta(days=n % 9)).date().isoformat()
    hold = deceased if n % 2 else bankrupt
    halt = (placed, disputed, in_hardship, represented)[n % 4]
    makes: dict[str, Callable[[], Event | None]] = {
        "pay": lambda: received(now, 500 * (1 + n % 4), payment_id=f"P{n}", value_on=ago),
        "miss": lambda: missed(now, instalment_id=f"I{n % 5}", due_on=ago),
        "reverse": lambda: taken_back(now, f"P{n}"),
        "announce": lambda: due(now, instalment_id=f"I{n % 5}", due_on=ahead),
        "promise": lambda: promised(now, ahead, f"R{n % 6}"),
        "hold": lambda: hold(now),
        "lift": lambda: hold(now, ended=True),
        "record": lambda: customer(now),
        "invalid": lambda: invalid(("p-mobile", "p-email", "p-wechat")[n % 3], now),
        "close": lambda: closed(now, ("written_off", "written_off", "sold")[n % 3]),
        "request": lambda: requested(now, now + timedelta(days=n % 9), f"F{n % 4}"),
        "withdraw": lambda: withdrawn(now, f"F{n % 4}"),
        "halt": lambda: halt(now, f"{halt.__name__} {n} {now}"),
        "let go": lambda: _let_go(n, now, told),
        "claim": lambda: says_paid(now, f"claim {n} {now}", paid_on=ago if n % 2 else ""),
        "shut": lambda: shut(now),
        "word": lambda: _word(n, now, ahead),
        "declare": lambda: _declared(n, now),
        "ask": lambda: _asked(n, now),
        "plan": lambda: _planned(n, now),
        "state": lambda: stated(now, 500 * (n % 4), {}, account_id="AB"[n % 2]),
        "tick": lambda: tick(now),
        "stale": lambda: tick(now, fresh=False),
        "outcome": lambda: _outcome(n, now, told),
    }
    return makes[move.what]()


def _let_go(n: int, now: Any, told: Story) -> Event:
    """Release a hold that was placed, over or not, or one that nobody placed."""
    ids = [key for event in told.events if (key := getattr(event.data, "hold_id", ""))]  # type: ignore[attr-defined]
    return let_go(now, ids[n % len(ids)] if ids else "H")


def _word(n: int, now: Any, ahead: str) -> Event:
    """What a customer declares, or a person notes."""
    return (
        do_not_call(now), noted(now), promise_taken(now, ahead, f"T{now}"), complained(now, f"word {n} {now}"),
        declared_opt_out(now, channel="sms"), declared_opt_out(now, point_id="p-email"),
        inconvenient(now, ("09:00", "11:00"), ("20:30", "08:30")),
    )[n % 7]  # fmt: skip


def _declared(n: int, now: Any) -> Event:
    """Anything else that is told beside the case, often of the time before."""
    models = sorted(FIELDS, key=lambda model: model.__name__)
    more: dict[str, Any] = {"permit_id": f"P{n % 5}"} if models[n % len(models)] in ASKS else {}
    return declared(models[n % len(models)], now, **more)


def _asked(n: int, now: Any) -> Event:
    """A person wants to call now, or tells what came of it."""
    model = contacts.PermitAsked if n % 3 else contacts.ContactReported
    return declared(model, now, permit_id=f"P{n % 5}")


def _planned(n: int, now: Any) -> Event:
    """Visits plans something for the next days."""
    return said(
        permits.PermitRequested, now, permit_id=f"V{n % 5}", follow_up_id="F", channel="visit",
        point_id="p-post", not_before=now + timedelta(days=n % 3), not_after=now + timedelta(days=4),
        conduct={"recording": True, "id_shown": True, "staff": 2, "entry_consent_or_outside": True},
    )  # fmt: skip


def _outcome(n: int, now: Any, told: Story) -> Event | None:
    """Any outcome of any follow-up ever published, again and late too."""
    published = follow_ups(told)
    if not published:
        return None
    chosen = published[-1 - (n // 6) % len(published)]
    follow_up_id = chosen.follow_up_id
    if chosen.kind == "visit":
        return (visited if n % 2 else visit_failed)(follow_up_id, now)
    if chosen.kind == "legal":
        return legal_withdrawn(follow_up_id, now)
    return (
        delivered(follow_up_id, now), failed(follow_up_id, now), refused(follow_up_id, now),
        sent(chosen, now, f"E-{follow_up_id}"), sent(chosen, now, f"E-{follow_up_id}"),
        failed(follow_up_id, now, final=False, **_turn(told, follow_up_id)),
    )[n % 6]  # fmt: skip


def _turn(told: Story, follow_up_id: str) -> dict[str, str]:
    """The permit of the choice that has its turn."""
    step = told.state.open.get(follow_up_id)
    return {"permit_id": step.permit_id} if step is not None else {}


def topic(event: Event) -> str:
    """Where the event travels; ticks travel nowhere, and each HTTP request by itself."""
    if event.type == WOKEN:
        return ""
    return min(EVENT_TYPES[event.type].topics, default=f"http {event.id}")


def overdue(state: Any, now: Any) -> bool:
    today = hours.business_date(now, STANDARD)
    return any(entry.owed and entry.due_on < today for entry in ledger.unpaid(state.accounts))
