"""Draw lives of a customer: moves, not events, so that outcomes belong to follow-ups that were really published."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from services.scheduler.domain import hours, ledger
from shared.events.envelope import Event
from shared.events.registry import EVENT_TYPES, WOKEN
from shared.testing import START, Story, tick
from tests.domain.scheduler.cases import (
    STANDARD,
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

MOVES = ["pay", "pay", "miss", "miss", "reverse", "announce", "outcome", "outcome", "outcome", "outcome", "promise", "hold", "lift", "record", "invalid", "close", "request", "withdraw", "halt", "halt", "let go", "claim", "shut", "word", "state", "wait", "wait", "wait", "tick", "tick", "stale"]  # fmt: skip


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


def live(moves: list[Move]) -> tuple[Story, list[Event]]:
    """Play the moves; answer the story, and every fact and tick of it in order."""
    told, events, now = _Recorder(story().reactor), [], START
    told.events = events
    told.given(customer())
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
        failed(follow_up_id, now, final=False),
    )[n % 6]  # fmt: skip


def topic(event: Event) -> str:
    """Where the event travels; ticks travel nowhere, and each HTTP request by itself."""
    if event.type == WOKEN:
        return ""
    return min(EVENT_TYPES[event.type].topics, default=f"http {event.id}")


def overdue(state: Any, now: Any) -> bool:
    today = hours.business_date(now, STANDARD)
    return any(entry.owed and entry.due_on < today for entry in ledger.unpaid(state.accounts))
