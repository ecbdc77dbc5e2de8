"""What holds for every story of legal steps, whatever comes in whatever order."""

import msgspec
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from services.legal.domain.state import LegalFile, permit_id
from services.legal.service import LEGAL
from shared.events.common import FollowUpRequested
from shared.events.envelope import Event
from shared.events.legal import LegalAssessed
from shared.events.permits import Permit
from shared.events.registry import TYPE_OF
from shared.events.scheduler import FollowUpDue
from shared.testing import START, Story, days, of_type, tick
from tests.domain.legal.stories import (
    SMALL,
    asked,
    cancelled,
    closed,
    due,
    enforcing,
    filing_on_its_way,
    granted,
    held,
    lifted,
    notice,
    refused,
    situation,
)

OUTCOMES = (
    "sent",
    "delivered",
    "accepted",
    "rejected",
    "granted",
    "dismissed",
    "settled",
    "recovered",
    "no_assets",
    "failed",
    "refused",
    "unknown",
)
TICK = tick()
names = st.sampled_from(("F1", "F2", "F3"))
holds = st.sampled_from(("H1", "H2"))
pictures = st.sampled_from((situation(), situation(), SMALL, None))
dues = st.builds(due, names, episode=st.integers(1, 2), situation=pictures)
wants = st.builds(asked, st.integers(1, 5), names, situation=pictures)
ends = st.one_of(st.builds(cancelled, names), st.builds(closed, st.integers(1, 2)))
holding = st.one_of(st.builds(held, holds), st.builds(lifted, holds))
notices = st.builds(
    notice,
    st.sampled_from(("letter", "filing", "enforcement")),
    st.integers(1, 4),
    st.sampled_from(OUTCOMES),
    names,
    case_no=st.sampled_from(("", "7", "8")),
)
leaves = st.builds(granted, st.integers(1, 4), names) | st.builds(
    refused, st.integers(1, 4), earliest_next=st.sampled_from((None, START + days(1)))
)
hand_overs = st.builds(
    notice, st.sampled_from(("letter", "filing")), st.integers(1, 3), st.just("sent"), names
)
scheduler_facts = st.one_of(dues, wants, wants, ends, holding, leaves)
one_move = st.one_of(
    dues,
    wants,
    wants,
    wants,
    ends,
    holding,
    leaves,
    leaves,
    notices,
    notices,
    hand_overs,
    st.just(TICK),
)
moves = st.one_of(
    st.lists(one_move, max_size=20),
    st.lists(one_move, max_size=12).map(lambda more: [*FAR, *more]),
)
FAR = [
    due(),
    TICK,
    granted(),
    TICK,
    notice("letter", 1, "sent"),
    TICK,
    asked(1),
    TICK,
    notice("filing", 2, "sent"),
    TICK,
]
"""A beginning that leads to the court, where random moves seldom arrive by themselves."""


def run(events: list[Event], state: LegalFile | None = None) -> tuple[Story, list[tuple[str, str]]]:
    story = Story(LEGAL, state=state)
    said = []
    for event in events:
        story.given(event)
        assert story.decision is not None
        said += [(TYPE_OF[type(p.data)], p.about) for p in story.decision.publish]
        if event is TICK:
            assert story.state.wake_at is None
    return story, said


@settings(max_examples=100, deadline=None)
@over(moves)
def test_each_publication_and_each_effect_comes_once(events: list[Event]):
    story, said = run([*events, TICK])

    assert len(said) == len(set(said))
    ids = [effect.effect_id for effect in story.effects]
    assert len(ids) == len(set(ids))


@settings(max_examples=100, deadline=None)
@over(moves, st.lists(scheduler_facts, max_size=5), st.lists(notices, max_size=4), st.randoms())
def test_facts_of_different_topics_commute(before, one_topic, other_topic, random):
    state = run([*before, TICK])[0].state
    ends_of_story = []
    for _ in range(3):
        story = Story(LEGAL, state=state).given(*shuffled_together(one_topic, other_topic, random))
        withdrawn = sorted(set(story.withdrawn))
        facts_only = story.state
        story.when(TICK)
        ends_of_story.append((facts_only, withdrawn, story.state, story.published, story.effects))

    assert all(end == ends_of_story[0] for end in ends_of_story)


CHAINS = [
    ["sent", "accepted", "granted"],
    ["sent", "delivered", "accepted", "dismissed"],
    ["sent", "accepted", "settled"],
    ["sent", "rejected"],
]


@settings(max_examples=100, deadline=None)
@over(st.sampled_from(CHAINS), st.data())
def test_notices_late_twice_and_out_of_order_end_the_same(chain, data):
    ordered = filing_on_its_way()
    mixed = filing_on_its_way()
    doubled = data.draw(st.permutations([*chain, *chain]))
    for name in chain:
        ordered.given(notice("filing", 2, name), TICK)
    for name in doubled:
        mixed.given(notice("filing", 2, name))
        if data.draw(st.booleans()):
            mixed.given(TICK)
    mixed.given(TICK)

    assert mixed.state == ordered.state
    assert sorted(map(repr, mixed.published)) == sorted(map(repr, ordered.published))


@settings(max_examples=50, deadline=None)
@over(st.permutations(["sent", "recovered", "recovered", "sent"]), st.lists(st.booleans()))
def test_notices_of_enforcement_out_of_order_end_the_same(outcomes, ticks):
    mixed = enforcing()
    for index, name in enumerate(outcomes):
        mixed.given(notice("enforcement", 3, name))
        if index < len(ticks) and ticks[index]:
            mixed.given(TICK)
    mixed.given(TICK)
    straight = enforcing().given(
        notice("enforcement", 3, "sent"), TICK, notice("enforcement", 3, "recovered"), TICK
    )

    assert (mixed.state, mixed.published) == (straight.state, straight.published)


@settings(max_examples=80, deadline=None)
@over(moves, st.randoms())
def test_a_fact_that_is_repeated_changes_nothing(events: list[Event], random):
    doubled: list[Event] = []
    for event in events:
        doubled.append(event)
        if event is not TICK and random.random() < 0.4:
            doubled.append(event)
        opened = [e for e in doubled if isinstance(e.data, FollowUpDue) and e.data.kind == "legal"]
        if opened and random.random() < 0.4:
            doubled.append(random.choice(opened))

    once, twice = run([*events, TICK])[0], run([*doubled, TICK])[0]
    assert (once.state, once.published, once.effects) == (
        twice.state,
        twice.published,
        twice.effects,
    )


@settings(max_examples=80, deadline=None)
@over(moves, st.lists(st.one_of(wants, notices, ends, holding, leaves, st.just(TICK)), max_size=12))
def test_nothing_is_begun_after_the_case_closed(before, after):
    story = run([*before, closed(2), TICK])[0]
    said, started = len(story.published), len(story.effects)
    story.given(*after, TICK)

    assert len(story.effects) == started
    assert of_type(story.published[said:], LegalAssessed) == []
    assert of_type(story.published[said:], FollowUpRequested) == []
    assert story.state.stage == "idle"


@settings(max_examples=80, deadline=None)
@over(moves)
def test_nothing_is_sent_under_a_hold_and_nothing_that_waits_outlives_one(events):
    story = Story(LEGAL)
    for event in events:
        effects = len(story.effects)
        story.given(event)
        if story.state.holds:
            assert len(story.effects) == effects
    story.given(TICK)
    if story.state.holds:
        assert not any(each.current for each in story.state.proceedings.values())


@settings(max_examples=50, deadline=None)
@over(moves)
def test_a_state_survives_being_stored_and_stays_small(events):
    state = run([*events, TICK])[0].state
    stored = msgspec.json.encode(state)

    assert msgspec.json.decode(stored, type=LegalFile) == state
    assert len(stored) < 4_000


@settings(max_examples=80, deadline=None)
@over(moves)
def test_no_letter_is_started_but_under_a_permit_that_was_given_for_it(events):
    story = run([*events, TICK])[0]
    given_leave = {e.data.permit for e in events if e.type == "permit.granted"}
    for effect in story.effects:
        if effect.kind == "legal.letter":
            permit = msgspec.convert(effect.request["permit"], Permit)
            assert permit in given_leave
            assert permit.permit_id == permit_id("C1", effect.effect_id)
            assert (effect.not_before, effect.not_after) == (permit.not_before, permit.not_after)


def test_a_whole_way_through_the_court_stays_small():
    assert len(msgspec.json.encode(enforcing().state)) < 1_500


def shuffled_together(one: list[Event], other: list[Event], random) -> list[Event]:
    """Interleave at random; the order within each topic is kept."""
    left, right, mixed = list(one), list(other), []
    while left or right:
        take_left = bool(left) and (not right or random.random() < 0.5)
        mixed.append(left.pop(0) if take_left else right.pop(0))
    return mixed
