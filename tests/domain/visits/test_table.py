"""What every event does in every stage of a visit: the cells are written by hand."""

from collections.abc import Callable
from datetime import date

import pytest

from services.visits.service import VISITS
from shared.events.envelope import Event
from shared.events.registry import TYPE_OF
from shared.testing import START, Story, days, tick
from tests.domain.visits.stories import (
    STAGES,
    asked,
    cancelled,
    closed,
    due,
    granted,
    held,
    lifted,
    recorded,
    report,
)
from tests.domain.visits.stories import (
    refused as refused_leave,
)

EVENTS: dict[str, Callable[[str], Event]] = {
    "another is due": lambda _: due("F2"),
    "the same is due again": lambda _: due("F1"),
    "what was asked for is due": lambda stage: asked(2 if stage == "waiting" else 1),
    "what nobody asked for is due": lambda _: asked(9),
    "a contact is due": lambda _: due("F9", kind="contact"),
    "cancelled": lambda _: cancelled(),
    "another is cancelled": lambda _: cancelled("F9"),
    "case closed": lambda _: closed(),
    "an older case closed": lambda _: closed(0),
    "hold applied": lambda _: held("H1"),
    "hold lifted": lambda _: lifted("H0"),
    "another hold lifted": lambda _: lifted("H9"),
    "sent": lambda _: report("sent"),
    "met": lambda _: report("met"),
    "absent": lambda _: report("absent"),
    "moved": lambda _: report("moved"),
    "promised": lambda _: report("promised", promised_on=date(2026, 3, 20)),
    "hardship": lambda _: report("hardship"),
    "refused to talk": lambda _: report("refused_to_talk"),
    "failed": lambda _: report("failed"),
    "refused": lambda _: report("refused"),
    "unknown": lambda _: report("unknown"),
    "granted": lambda _: granted(),
    "refused for good": lambda _: refused_leave(),
    "refused until tomorrow": lambda _: refused_leave(earliest_next=START + days(1)),
    "leave for another": lambda _: granted(9),
    "report of another order": lambda _: report("met", attempt=9),
    "a person records met": lambda _: recorded("met"),
    "a person records another visit": lambda _: recorded("met", attempt=9),
}
NOTHING = "-"
PLAN = "visit.proposed permit.requested"
GO = "visit.scheduled follow_up.requested"
DONE = "visit.completed follow_up.withdrawn"
AGAIN = "visit.failed follow_up.withdrawn follow_up.requested"
OVER = "visit.failed follow_up.withdrawn"
OFF = "visit.cancelled follow_up.withdrawn"
OUT = "visit.failed"

TABLE: dict[str, dict[str, str]] = {
    "idle": {
        "another is due": "none: " + PLAN,
        "the same is due again": "asked: " + PLAN,
        "what was asked for is due": NOTHING,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": NOTHING,
        "another is cancelled": NOTHING,
        "case closed": NOTHING,
        "an older case closed": NOTHING,
        "hold applied": "none:",
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": NOTHING,
        "met": NOTHING,
        "absent": NOTHING,
        "moved": NOTHING,
        "promised": NOTHING,
        "hardship": NOTHING,
        "refused to talk": NOTHING,
        "failed": NOTHING,
        "refused": NOTHING,
        "unknown": NOTHING,
        "report of another order": NOTHING,
    },
    "due": {
        "another is due": "due:",
        "the same is due again": NOTHING,
        "what was asked for is due": NOTHING,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": "ended:",
        "another is cancelled": NOTHING,
        "case closed": "ended:",
        "an older case closed": NOTHING,
        "hold applied": "due:",
        "hold lifted": "waiting: follow_up.requested",
        "another hold lifted": NOTHING,
        "sent": NOTHING,
        "met": NOTHING,
        "absent": NOTHING,
        "moved": NOTHING,
        "promised": NOTHING,
        "hardship": NOTHING,
        "refused to talk": NOTHING,
        "failed": NOTHING,
        "refused": NOTHING,
        "unknown": NOTHING,
        "report of another order": NOTHING,
    },
    "asked": {
        "another is due": "asked: " + OUT,
        "the same is due again": NOTHING,
        "what was asked for is due": NOTHING,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": "ended: visit.cancelled",
        "another is cancelled": NOTHING,
        "case closed": "ended: visit.cancelled",
        "an older case closed": NOTHING,
        "hold applied": "due: visit.cancelled",
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": "asked:",
        "met": "ended: visit.completed",
        "absent": "asked: visit.completed",
        "moved": "ended: visit.completed",
        "promised": "ended: visit.completed visit.promise_made",
        "hardship": "ended: visit.completed",
        "refused to talk": "ended: visit.completed",
        "failed": "asked:",
        "refused": "asked:",
        "unknown": "asked:",
        "report of another order": NOTHING,
    },
    "scheduled": {
        "another is due": "scheduled: " + OUT,
        "the same is due again": NOTHING,
        "what was asked for is due": "ended: " + OUT,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": "ended: " + OFF,
        "another is cancelled": NOTHING,
        "case closed": "ended: " + OFF,
        "an older case closed": NOTHING,
        "hold applied": "due: " + OFF,
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": "ordered:",
        "met": "ended: " + DONE,
        "absent": "waiting: visit.completed " + AGAIN,
        "moved": "ended: visit.completed " + OVER,
        "promised": "ended: visit.completed visit.promise_made follow_up.withdrawn",
        "hardship": "ended: " + DONE,
        "refused to talk": "ended: " + DONE,
        "failed": "waiting: " + AGAIN,
        "refused": "waiting: " + AGAIN,
        "unknown": "ended: " + OVER,
        "report of another order": NOTHING,
    },
    "ordered": {
        "another is due": "ordered: " + OUT,
        "the same is due again": NOTHING,
        "what was asked for is due": "ended: " + OUT,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": "ended: follow_up.withdrawn",
        "another is cancelled": NOTHING,
        "case closed": "ended: follow_up.withdrawn",
        "an older case closed": NOTHING,
        "hold applied": "ordered:",
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": NOTHING,
        "met": "ended: " + DONE,
        "absent": "waiting: visit.completed " + AGAIN,
        "moved": "ended: visit.completed " + OVER,
        "promised": "ended: visit.completed visit.promise_made follow_up.withdrawn",
        "hardship": "ended: " + DONE,
        "refused to talk": "ended: " + DONE,
        "failed": "waiting: " + AGAIN,
        "refused": "waiting: " + AGAIN,
        "unknown": "ended: " + OVER,
        "report of another order": NOTHING,
    },
    "waiting": {
        "another is due": "waiting: " + OUT,
        "the same is due again": NOTHING,
        "what was asked for is due": "asked: " + PLAN,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": "ended: follow_up.withdrawn",
        "another is cancelled": NOTHING,
        "case closed": "ended: follow_up.withdrawn",
        "an older case closed": NOTHING,
        "hold applied": "waiting:",
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": NOTHING,
        "met": NOTHING,
        "absent": NOTHING,
        "moved": NOTHING,
        "promised": NOTHING,
        "hardship": NOTHING,
        "refused to talk": NOTHING,
        "failed": NOTHING,
        "refused": NOTHING,
        "unknown": NOTHING,
        "report of another order": NOTHING,
    },
    "ended": {
        "another is due": "ended: " + PLAN,
        "the same is due again": NOTHING,
        "what was asked for is due": NOTHING,
        "what nobody asked for is due": NOTHING,
        "a contact is due": NOTHING,
        "cancelled": NOTHING,
        "another is cancelled": NOTHING,
        "case closed": NOTHING,
        "an older case closed": NOTHING,
        "hold applied": "ended:",
        "hold lifted": NOTHING,
        "another hold lifted": NOTHING,
        "sent": NOTHING,
        "met": NOTHING,
        "absent": NOTHING,
        "moved": NOTHING,
        "promised": NOTHING,
        "hardship": NOTHING,
        "refused to talk": NOTHING,
        "failed": NOTHING,
        "refused": NOTHING,
        "unknown": NOTHING,
        "report of another order": NOTHING,
    },
}
LEAVE = ("granted", "refused for good", "refused until tomorrow", "leave for another")
_ANSWERS = {
    "asked": ("scheduled: " + GO, "ended: visit.failed", "waiting: follow_up.requested", NOTHING),
    "scheduled": (NOTHING, "ended: " + OVER, f"waiting: {OFF} follow_up.requested", NOTHING),
}
for _stage, _row in TABLE.items():
    _row |= dict(zip(LEAVE, _ANSWERS.get(_stage, (NOTHING,) * 4), strict=True))
for _row in TABLE.values():  # what a person records is read like the staff's report
    _row["a person records met"] = _row["met"]
    _row["a person records another visit"] = _row["report of another order"]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_event_in_every_stage_does_what_the_table_says(stage: str, event: str):
    story = STAGES[stage]()
    before = story.state
    facts_said = len(story.published)
    story.given(EVENTS[event](stage))
    if TABLE[stage][event] == NOTHING:
        assert story.state == before  # it wakes nobody either
    story.given(tick())

    assert answer(story, before, facts_said) == TABLE[stage][event]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stale_tick_changes_nothing_in_any_stage(stage: str):
    STAGES[stage]().given(due("F5"), report("met")).when(tick(fresh=False)).then_nothing()


@pytest.mark.parametrize("stage", STAGES)
def test_a_tick_in_which_nothing_is_due_changes_nothing_in_any_stage(stage: str):
    story = STAGES[stage]()
    before = story.state
    story.when(tick()).then_nothing()

    assert story.state == before


def test_the_table_answers_every_event_that_visits_reacts_to():
    types = {TYPE_OF[type(make("idle").data)] for make in EVENTS.values()}

    assert types == VISITS.reacts_to
    assert all(set(row) == set(EVENTS) for row in TABLE.values())


def answer(story: Story, before: object, facts_said: int) -> str:
    if story.state == before:
        assert len(story.published) == facts_said
        return NOTHING
    known = story.state.visits.get("F1")
    types = " ".join(TYPE_OF[type(f)] for f in story.published[facts_said:])
    return f"{known.stage if known else 'none'}: {types}".strip()
