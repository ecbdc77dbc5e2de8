"""What every event does in every stage of proceedings: the cells are written by hand."""

from collections.abc import Callable

import pytest

from services.legal.service import LEGAL
from shared.events.envelope import Event
from shared.events.registry import TYPE_OF
from shared.testing import START, Story, days, tick
from tests.domain.legal.expected import BEFORE_COURT, NOTHING
from tests.domain.legal.expected_at_court import AT_COURT
from tests.domain.legal.stories import (
    SMALL,
    STAGES,
    asked,
    cancelled,
    closed,
    dismissed,
    due,
    enforcement,
    engaged,
    filing,
    granted,
    held,
    letter,
    lifted,
    recorded,
    reported,
)
from tests.domain.legal.stories import (
    refused as refused_leave,
)

TABLE = {**BEFORE_COURT, **AT_COURT}
AWAITED = {"judged": 2}
EVENTS: dict[str, Callable[[str], Event]] = {
    "a legal step is due": lambda _: due("F2"),
    "the same is due again": lambda _: due("F1"),
    "a step of the next episode is due": lambda _: due("F3", episode=2),
    "what was asked for is due": lambda stage: asked(AWAITED.get(stage, 1)),
    "it is due and the case is small now": lambda s: asked(AWAITED.get(s, 1), situation=SMALL),
    "what nobody asked for is due": lambda _: asked(9),
    "a visit is due": lambda _: due("F9", kind="visit"),
    "cancelled": lambda _: cancelled(),
    "another is cancelled": lambda _: cancelled("F9"),
    "case closed": lambda _: closed(),
    "an older case closed": lambda _: closed(0),
    "hold applied": lambda _: held("H1"),
    "hold lifted": lambda _: lifted("H0"),
    "another hold lifted": lambda _: lifted("H9"),
    "letter sent": lambda _: letter("sent"),
    "letter delivered": lambda _: letter("delivered"),
    "letter failed": lambda _: letter("failed"),
    "letter refused": lambda _: letter("refused"),
    "letter unknown": lambda _: letter("unknown"),
    "leave for the letter": lambda _: granted(),
    "no leave for the letter": lambda _: refused_leave(),
    "no leave until tomorrow": lambda _: refused_leave(earliest_next=START + days(1)),
    "leave for another letter": lambda _: granted(9),
    "filing sent": lambda _: filing("sent"),
    "filing delivered": lambda _: filing("delivered"),
    "filing accepted": lambda _: filing("accepted", case_no="(2026) 1"),
    "filing rejected": lambda _: filing("rejected"),
    "filing granted": lambda _: filing("granted"),
    "filing settled": lambda _: filing("settled"),
    "filing dismissed": lambda _: filing("dismissed"),
    "filing failed": lambda _: filing("failed"),
    "filing refused": lambda _: filing("refused"),
    "filing unknown": lambda _: filing("unknown"),
    "enforcement sent": lambda _: enforcement("sent"),
    "enforcement recovered": lambda _: enforcement("recovered"),
    "enforcement found no assets": lambda _: enforcement("no_assets"),
    "enforcement failed": lambda _: enforcement("failed"),
    "enforcement refused": lambda _: enforcement("refused"),
    "enforcement unknown": lambda _: enforcement("unknown"),
    "notice of another's letter": lambda _: letter("sent", 9),
    "an agency is engaged": lambda _: engaged(),
    "an unknown placement is over": lambda _: dismissed("L9"),
    "an agency reports": lambda _: reported(),
    "a person records granted": lambda _: recorded("granted"),
    "a person records recovered": lambda _: recorded("recovered"),
}
ANSWERS = {
    "asked": ("letter:", "ended: legal.withdrawn", "due: follow_up.requested"),
    "letter": (NOTHING, "ended: legal.withdrawn", "due: follow_up.requested"),
}
for _stage, _row in TABLE.items():  # what a person records is read like the court's notice
    _here = {"idle": "none", "stopped": "ended", "asked": "letter"}.get(_stage, _stage)
    _leave = ("leave for the letter", "no leave for the letter", "no leave until tomorrow")
    _row |= dict(zip(_leave, ANSWERS.get(_stage, (NOTHING,) * 3), strict=True))
    _row["leave for another letter"] = NOTHING
    _row["an agency is engaged"] = f"{_here}: agency.placed"  # in any stage, and nothing else
    _row["an unknown placement is over"] = f"{_here}:"
    _row["an agency reports"] = f"{_here}: agency.contacted"
    _row["a person records granted"] = _row["filing granted"]
    _row["a person records recovered"] = _row["enforcement recovered"]


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
    story = STAGES[stage]().given(due("F5", episode=3), letter("sent"), filing("sent"))
    story.when(tick(fresh=False)).then_nothing()


@pytest.mark.parametrize("stage", STAGES)
def test_a_tick_in_which_nothing_is_due_changes_nothing_in_any_stage(stage: str):
    story = STAGES[stage]()
    before = story.state
    story.when(tick()).then_nothing()

    assert story.state == before


def test_the_table_answers_every_event_that_legal_reacts_to():
    types = {TYPE_OF[type(make("idle").data)] for make in EVENTS.values()}

    assert types == LEGAL.reacts_to
    assert set(TABLE) == set(STAGES)
    assert all(set(row) == set(EVENTS) for row in TABLE.values())


def answer(story: Story, before: object, facts_said: int) -> str:
    if story.state == before and len(story.published) == facts_said:
        return NOTHING
    known = story.state.proceedings.get("F1")
    types = " ".join(TYPE_OF[type(f)] for f in story.published[facts_said:])
    return f"{known.stage if known else 'none'}: {types}".strip()
