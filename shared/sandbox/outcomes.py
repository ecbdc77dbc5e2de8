"""Decide what becomes of everything that leaves the system: one pure function of seed, effect and kind.

The shares below are plausible, not measured; none is a promise. Of 100 that leave:

    contact.sms      93 delivered, 2 invalid_point, 3 unreachable, 1 blocked, 1 the provider fails at once
    contact.email    91 delivered (1 of them bounces later, 3 are answered), 4 invalid, 2 blocked, 2 full, 1 provider
    contact.wechat   89 delivered (5 of them are answered), 4 invalid_point, 6 blocked, 1 provider
    contact.call     35 answered, 50 unreachable, 3 invalid_point, 10 blocked, 2 provider
    contact.letter   92 delivered in 2 to 6 days, 5 come back (invalid_point), 2 are lost, 1 provider
    visit.order      met 28, absent 37, moved 8, promised 15, hardship 7, refused_to_talk 4, 1 without staff
    legal.letter     93 delivered in 3 to 7 days, 5 come back, 2 are lost
    court.filing     5 rejected; 95 accepted in 5 to 10 days, then in 40 to 55: granted 70 %, settled 22 %, dismissed 8 %
    court.enforcement  recovered 45, no_assets 55, in 25 to 40 days

Then the wire does its worst: of what follows the hand-over, 2 % of what providers and the post tell is
lost (people's reports and courts' notices are late, never lost), 4 % comes days late, 4 % twice, and
3 % of the SMS that were told unreachable are told delivered after all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from shared.events.envelope import Fact
from shared.events.legal import CourtNotice
from shared.events.notifier import ProviderReceipt
from shared.events.visits import FieldReport
from shared.ids import derive
from shared.sandbox.chance import Draws

GRID = (time(1, 30), time(4), time(10), time(22))
"""The times of day (UTC) at which outcomes arrive: 09:30, 12:00, 18:00 and 06:00 in Shanghai."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
AT_HAND_OVER = timedelta()
_MODELS: Mapping[str, Callable[..., Fact]] = {
    "provider.receipt": ProviderReceipt,
    "field.report": FieldReport,
    "court.notice": CourtNotice,
}
_TYPE_OF = {
    "contact.sms": "provider.receipt",
    "contact.email": "provider.receipt",
    "contact.wechat": "provider.receipt",
    "contact.call": "provider.receipt",
    "contact.letter": "provider.receipt",
    "visit.order": "field.report",
    "legal.letter": "court.notice",
    "court.filing": "court.notice",
    "court.enforcement": "court.notice",
}
KINDS = frozenset(_TYPE_OF)
"""The kinds of effects that the sandbox takes."""

_LOST, _LATE, _TWICE, _AFTER_ALL = 0.02, 0.04, 0.04, 0.03
_REACHED = {
    "contact.sms": {"delivered": 0.93, "invalid_point": 0.02, "unreachable": 0.03, "blocked": 0.01, "provider": 0.01},
    "contact.email": {"delivered": 0.91, "invalid_point": 0.04, "blocked": 0.02, "unreachable": 0.02, "provider": 0.01},
    "contact.wechat": {"delivered": 0.89, "invalid_point": 0.04, "blocked": 0.06, "provider": 0.01},
    "contact.call": {"answered": 0.35, "unreachable": 0.50, "invalid_point": 0.03, "blocked": 0.10, "provider": 0.02},
    "contact.letter": {"delivered": 0.92, "invalid_point": 0.05, "lost": 0.02, "provider": 0.01},
    "legal.letter": {"delivered": 0.93, "invalid_point": 0.05, "lost": 0.02},
}  # fmt: skip
_DAYS_OF_POST = {"contact.letter": (2, 6), "legal.letter": (3, 7)}
_CALL = {"promised": 0.40, "no_commitment": 0.25, "refused": 0.13, "hardship": 0.12, "wrong_party": 0.10}  # fmt: skip
_REPLY = {"promised": 0.40, "hardship": 0.30, "no_commitment": 0.30}
_REPLIES = {"contact.email": 0.03, "contact.wechat": 0.05}
_BOUNCES = 0.01
_ARRIVED = ("delivered", "answered")
_ANSWERED_AT_ONCE = 0.6
_DOOR = {
    "met": 0.28, "absent": 0.37, "moved": 0.08, "promised": 0.15, "hardship": 0.07, "refused_to_talk": 0.04,
    "provider": 0.01,
}  # fmt: skip
_REJECTED = 0.05
_JUDGED = {"granted": 0.70, "settled": 0.22, "dismissed": 0.08}
_ENFORCED = {"recovered": 0.45, "no_assets": 0.55}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One answer: `delay` after the hand-over, the event type, and its data but for the ids and dates.

    A promise has `promised_in_days`, counted from the local day of the answer in Shanghai.
    """

    delay: timedelta
    type: str
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def outcomes(
    seed: int, effect_id: str, kind: str, valid_for: timedelta | None = None
) -> tuple[Outcome, ...]:
    """
    Answer what becomes of an effect; the first is its hand-over (sent or failed, no delay).

    What would be delivered *valid_for* after the hand-over or later is dropped, and told as failed
    (expired). Raises KeyError for a kind that is none of KINDS.
    """
    of_type = _TYPE_OF[kind]
    draws = Draws(seed, effect_id, kind)
    if kind == "visit.order":
        story = _visit(draws)
    elif kind == "court.filing":
        story = _filing(draws, effect_id)
    elif kind == "court.enforcement":
        story = [(_days(draws, 25, 40), {"outcome": draws.one_of(_ENFORCED)})]
    else:
        story = _message(draws, kind)
        if valid_for is not None:
            story = _while_valid(story, valid_for)
    if story is None:
        is_late = valid_for is not None and valid_for <= AT_HAND_OVER
        failed = {"outcome": "failed", "reason": "expired" if is_late else "provider"}
        return (Outcome(AT_HAND_OVER, of_type, MappingProxyType(failed)),)
    may_be_lost = kind == "legal.letter" or kind.startswith("contact.")
    wire = _on_the_wire(draws, story, may_be_lost=may_be_lost)
    told = [(AT_HAND_OVER, {"outcome": "sent"}), *sorted(wire, key=lambda pair: pair[0])]
    return tuple(Outcome(delay, of_type, MappingProxyType(fields)) for delay, fields in told)


def due_at(left_at: datetime, delay: timedelta) -> datetime:
    """Answer when an outcome arrives: at once without a delay, else on the grid, never too early."""
    return next_on_grid(left_at + delay) if delay else left_at


def next_on_grid(instant: datetime) -> datetime:
    """Answer the first instant of the grid that is not before *instant*."""
    today = instant.astimezone(UTC).date()
    days = (today, today + timedelta(days=1))
    on_grid = (datetime.combine(day, at, tzinfo=UTC) for day in days for at in GRID)
    return next(candidate for candidate in on_grid if candidate >= instant)


def facts(
    seed: int,
    customer_id: str,
    effect_id: str,
    kind: str,
    left_at: datetime,
    valid_until: datetime | None = None,
    schedule: Callable[[datetime, timedelta], datetime] = due_at,
) -> list[tuple[datetime, Fact]]:
    """
    Answer the facts that tell the outcomes, each with its instant, in order; the hand-over first.

    A fact that is told twice stands here twice, the same each time. Of one effect an outcome has
    one content only, so its event id is fact_id(effect_id, outcome).
    """
    told: dict[str, Fact] = {}
    timetable = []
    valid_for = None if valid_until is None else valid_until - left_at
    for outcome in outcomes(seed, effect_id, kind, valid_for):
        at = schedule(left_at, outcome.delay)
        name = outcome.fields["outcome"]
        if name not in told:
            told[name] = _fact(outcome, customer_id, effect_id, at)
        timetable.append((at, told[name]))
    return timetable


def arrives_at(seed: int, effect_id: str, kind: str, left_at: datetime) -> datetime | None:
    """Answer when a message or call reaches somebody if nobody stops it; None where it never does."""
    if not kind.startswith("contact."):
        return None
    story = _message(Draws(seed, effect_id, kind), kind) or []
    reached = [left_at + delay for delay, fields in story if fields["outcome"] in _ARRIVED]
    return reached[0] if reached else None


def fact_id(effect_id: str, outcome: str) -> str:
    """Answer the id of the event that tells this outcome of this effect."""
    return derive(effect_id, outcome)


def _fact(outcome: Outcome, customer_id: str, effect_id: str, at: datetime) -> Fact:
    fields = dict(outcome.fields)
    days = fields.pop("promised_in_days", None)
    if days is not None:
        fields["promised_on"] = _local_date(at) + timedelta(days=days)
    return _MODELS[outcome.type](customer_id=customer_id, effect_id=effect_id, at=at, **fields)


def _local_date(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


_Story = list[tuple[timedelta, dict[str, Any]]]


def _message(draws: Draws, kind: str) -> _Story | None:
    """Tell the story of a message, call or letter; None if the provider fails at the hand-over."""
    reached = draws.one_of(_REACHED[kind])
    delay = _arrival(draws, kind)
    if reached == "provider":
        return None
    if reached == "lost":
        return []
    if reached == "answered":
        at_once = draws.share() < _ANSWERED_AT_ONCE
        return [(AT_HAND_OVER if at_once else delay, _answer(draws, _CALL))]
    if reached != "delivered":
        story: _Story = [(delay, {"outcome": "failed", "reason": reached})]
        if kind == "contact.sms" and reached == "unreachable" and draws.share() < _AFTER_ALL:
            story.append((delay + _days(draws, 1, 2), {"outcome": "delivered"}))
        return story
    story = [(delay, {"outcome": "delivered"})]
    fate = draws.share()
    if fate < _REPLIES.get(kind, 0):
        story.append((delay + _days(draws, 0, 2), _answer(draws, _REPLY)))
    elif kind == "contact.email" and fate > 1 - _BOUNCES:
        bounced = {"outcome": "failed", "reason": "invalid_point"}
        story.append((delay + _days(draws, 0, 2), bounced))
    return story


def _while_valid(story: _Story | None, valid_for: timedelta) -> _Story | None:
    """Tell the story of a message that is not delivered from *valid_for* on: what followed from that falls away."""
    if story is None or valid_for <= AT_HAND_OVER:
        return None
    reached = [delay for delay, fields in story if fields["outcome"] in _ARRIVED]
    if not reached or reached[0] < valid_for:
        return story
    failed = [entry for entry in story if entry[1]["outcome"] == "failed" and entry[0] < reached[0]]
    return failed or [(valid_for, {"outcome": "failed", "reason": "expired"})]


def _arrival(draws: Draws, kind: str) -> timedelta:
    if kind in _DAYS_OF_POST:
        return _days(draws, *_DAYS_OF_POST[kind])
    return timedelta(minutes=draws.within(1, 60))


def _answer(draws: Draws, results: Mapping[str, float]) -> dict[str, Any]:
    answer: dict[str, Any] = {"outcome": "answered", "result": draws.one_of(results)}
    if answer["result"] == "promised":
        answer["promised_in_days"] = draws.within(2, 10)
    return answer


def _visit(draws: Draws) -> _Story | None:
    outcome = draws.one_of(_DOOR)
    if outcome == "provider":
        return None
    report: dict[str, Any] = {"outcome": outcome}
    if outcome == "promised":
        report["promised_in_days"] = draws.within(3, 14)
    return [(_days(draws, 1, 3), report)]


def _filing(draws: Draws, effect_id: str) -> _Story:
    at_court = _days(draws, 5, 10)
    if draws.share() < _REJECTED:
        return [(at_court, {"outcome": "rejected", "reason": "formal_defect"})]
    number = int(derive(effect_id, "case_no")[:8], 16) % 1_000_000
    accepted = {"outcome": "accepted", "case_no": f"MC-{number:06d}"}
    return [(at_court, accepted), (_days(draws, 40, 55), {"outcome": draws.one_of(_JUDGED)})]


def _on_the_wire(draws: Draws, story: _Story, *, may_be_lost: bool) -> _Story:
    told: _Story = []
    for delay, fields in story:
        fate = draws.share()
        if fate < _LOST:
            told += [] if may_be_lost else [(delay + _days(draws, 2, 9), fields)]
        elif fate < _LOST + _LATE:
            told.append((delay + _days(draws, 2, 9), fields))
        elif fate < _LOST + _LATE + _TWICE:
            told += [(delay, fields), (delay + _days(draws, 0, 3), fields)]
        else:
            told.append((delay, fields))
    return told


def _days(draws: Draws, least: int, most: int) -> timedelta:
    return timedelta(days=draws.within(least, most), hours=draws.within(1, 12))
