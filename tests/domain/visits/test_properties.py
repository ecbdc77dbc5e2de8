"""What holds for every story of visits, whatever comes in whatever order."""

from datetime import date, timedelta

import msgspec
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from services.visits.domain.state import FieldBook
from services.visits.service import VISITS
from shared.events.common import FollowUpRequested
from shared.events.envelope import Event
from shared.events.permits import Permit
from shared.events.registry import TYPE_OF
from shared.events.scheduler import FollowUpDue
from shared.events.visits import VisitProposed
from shared.testing import START, Story, of_type, tick
from tests.domain.visits.stories import (
    POLICY,
    asked,
    cancelled,
    closed,
    due,
    granted,
    held,
    leave,
    lifted,
    refused,
    report,
    situation,
)

FOLLOW_UPS = ("F1", "F2")
OUTCOMES = (
    "sent",
    "met",
    "absent",
    "moved",
    "promised",
    "hardship",
    "refused_to_talk",
    "failed",
    "refused",
    "unknown",
)
TICK = tick()
names = st.sampled_from(FOLLOW_UPS)
holds = st.sampled_from(("H1", "H2"))
pictures = st.sampled_from((situation(), situation(dpd=5), situation(dpd=100), None))
dues = st.builds(due, names, situation=pictures)
wants = st.builds(asked, st.integers(1, 5), names, situation=pictures)
ends = st.one_of(st.builds(cancelled, names), st.builds(closed, st.integers(1, 2)))
holding = st.one_of(st.builds(held, holds), st.builds(lifted, holds))
leaves = st.builds(granted, st.integers(1, 3), names) | st.builds(
    refused,
    st.integers(1, 3),
    earliest_next=st.sampled_from((None, START + timedelta(days=1))),
)
reports = st.builds(
    report,
    st.sampled_from(OUTCOMES),
    st.integers(1, 3),
    names,
    reason=st.sampled_from(("", "because")),
    promised_on=st.sampled_from((None, date(2026, 3, 20))),
)
scheduler_facts = st.one_of(dues, wants, wants, ends, holding, leaves)
moves = st.lists(
    st.one_of(dues, wants, wants, ends, holding, leaves, leaves, reports, reports, st.just(TICK)),
    max_size=25,
)


def run(events: list[Event], state: FieldBook | None = None) -> tuple[Story, list[tuple[str, str]]]:
    story = Story(VISITS, state=state)
    said = []
    for event in events:
        story.given(event)
        said += [(TYPE_OF[type(p.data)], p.about) for p in story.decision.publish]
        if event is TICK:
            assert story.state.wake_at is None
    return story, said


@settings(max_examples=80, deadline=None)
@over(moves)
def test_each_publication_and_each_effect_comes_once(events: list[Event]):
    story, said = run(events)

    assert len(said) == len(set(said))
    ids = [effect.effect_id for effect in story.effects]
    assert len(ids) == len(set(ids))


@settings(max_examples=80, deadline=None)
@over(moves, st.lists(scheduler_facts, max_size=5), st.lists(reports, max_size=4), st.randoms())
def test_facts_of_different_topics_commute(before, one_topic, other_topic, random):
    state = run([*before, TICK])[0].state
    ends_of_story = []
    for _ in range(3):
        story = Story(VISITS, state=state).given(*shuffled_together(one_topic, other_topic, random))
        withdrawn = sorted(set(story.withdrawn))
        facts_only = story.state
        story.when(TICK)
        ends_of_story.append((facts_only, withdrawn, story.state, story.published, story.effects))

    assert all(end == ends_of_story[0] for end in ends_of_story)


@settings(max_examples=80, deadline=None)
@over(moves, st.randoms())
def test_a_fact_that_is_repeated_changes_nothing(events: list[Event], random):
    doubled: list[Event] = []
    for event in events:
        doubled.append(event)
        if event is not TICK and random.random() < 0.4:
            doubled.append(event)
        opened = [e for e in doubled if isinstance(e.data, FollowUpDue) and e.data.kind == "visit"]
        if opened and random.random() < 0.4:
            doubled.append(random.choice(opened))

    once, twice = run([*events, TICK])[0], run([*doubled, TICK])[0]
    assert visible(once) == visible(twice)


def visible(story: Story) -> tuple:
    return story.state, story.published, story.effects


@settings(max_examples=80, deadline=None)
@over(moves, st.lists(st.one_of(wants, reports, ends, holding, leaves, st.just(TICK)), max_size=12))
def test_nothing_is_begun_after_the_case_closed(before, after):
    story = run([*before, closed(2), TICK])[0]
    said, started = len(story.published), len(story.effects)
    story.given(*after, TICK)

    assert len(story.effects) == started
    assert of_type(story.published[said:], VisitProposed) == []
    assert of_type(story.published[said:], FollowUpRequested) == []
    assert story.state.stage == "idle"


@settings(max_examples=80, deadline=None)
@over(moves)
def test_no_order_is_made_under_a_hold_and_none_that_waits_outlives_one(events):
    story = Story(VISITS)
    for event in events:
        effects = len(story.effects)
        story.given(event)
        if story.state.holds:
            assert len(story.effects) == effects
    story.given(TICK)
    if story.state.holds:
        assert all(
            visit.stage not in ("asked", "scheduled") for visit in story.state.visits.values()
        )


@settings(max_examples=100, deadline=None)
@over(moves)
def test_no_visit_uses_up_more_attempts_than_allowed_and_one_is_under_way(events):
    story = run([*events, TICK])[0]
    visits = story.state.visits.values()

    assert all(visit.made <= POLICY.max_attempts for visit in visits)
    assert sum(visit.stage in ("asked", "scheduled", "ordered") for visit in visits) <= 1


@settings(max_examples=50, deadline=None)
@over(moves)
def test_a_state_survives_being_stored_and_stays_small(events):
    state = run([*events, TICK])[0].state
    stored = msgspec.json.encode(state)

    assert msgspec.json.decode(stored, type=FieldBook) == state
    assert len(stored) < 2_000


def test_a_long_life_of_visits_stays_small():
    story, at = Story(VISITS), START
    for number in range(20):
        name = f"F{number}"
        story.given(due(name, at), tick(at), granted(1, name, at), tick(at))
        story.given(report("met", 1, name, at), tick(at))
        at += timedelta(days=30)

    assert len(story.effects) == 20
    assert len(msgspec.json.encode(story.state)) < 700


@settings(max_examples=100, deadline=None)
@over(moves)
def test_no_order_is_made_but_under_a_permit_that_was_given_for_it(events):
    story = run([*events, TICK])[0]
    given_leave = {e.data.permit for e in events if e.type == "permit.granted"}
    for effect in story.effects:
        permit = msgspec.convert(effect.request["permit"], Permit)
        assert permit in given_leave
        attempt = effect.request["attempt"]
        assert permit.permit_id == leave(attempt, effect.request["follow_up_id"]).permit_id
        assert permit.not_before <= effect.not_before < effect.not_after <= permit.not_after


def shuffled_together(one: list[Event], other: list[Event], random) -> list[Event]:
    """Interleave at random; the order within each topic is kept."""
    left, right, mixed = list(one), list(other), []
    while left or right:
        take_left = bool(left) and (not right or random.random() < 0.5)
        mixed.append(left.pop(0) if take_left else right.pop(0))
    return mixed
