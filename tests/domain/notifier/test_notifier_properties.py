"""What holds whatever the order, the repetition and the delay of what the notifier hears."""

from collections import Counter

import msgspec
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.notifier.service import NOTIFIER
from shared.events.envelope import Event, Fact
from shared.events.permits import Permit
from shared.testing import Story, fact, tick
from tests.domain.notifier.told import (
    CHOICES,
    PROMISED_ON,
    cancelled,
    due,
    effect,
    granted,
    minutes,
    receipt,
    taken_back,
)

END = minutes(500)
OUTCOMES = [
    ("sent", {}),
    ("delivered", {}),
    ("answered", {"result": "hardship"}),
    ("answered", {"result": "promised", "promised_on": PROMISED_ON}),
    ("answered", {"result": "wrong_party"}),
    ("answered", {"result": "opt_out"}),
    ("failed", {"reason": "unreachable"}),
    ("failed", {"reason": "invalid_point"}),
    ("refused", {"reason": "expired"}),
    ("unknown", {}),
]
OTHER_POINTS = tuple(
    msgspec.structs.replace(choice, point_id=f"Q{index}") for index, choice in enumerate(CHOICES)
)
steps = st.sampled_from(["S1", "S2"])
receipts = st.builds(
    lambda step, index, told: receipt(effect(index, step), told[0], **told[1]),
    steps,
    st.integers(0, len(CHOICES) - 1),
    st.sampled_from(OUTCOMES),
)
grants = st.builds(
    lambda index, step: granted(index, step, point_id=f"{'P' if step == 'S1' else 'Q'}{index}"),
    st.integers(1, len(CHOICES) - 1),
    steps,
)
refusals = st.builds(taken_back, st.integers(0, len(CHOICES) - 1), steps)
failures = st.builds(
    lambda step, index: receipt(effect(index, step), "failed", reason="blocked"),
    steps,
    st.integers(0, len(CHOICES) - 1),
)


def timed(data: Fact, minute: int) -> Event:
    """The same fact always has the same time: it is when the source recorded it."""
    return fact(data, minutes(minute))


@st.composite
def histories(draw) -> list[Event]:
    """Any facts about two steps, in any order and repeated, each with its own time."""
    told: list[Fact] = [due("S1"), due("S2", OTHER_POINTS)]
    told += draw(st.lists(receipts | failures | grants, max_size=10))
    told += draw(st.lists(refusals, max_size=1))
    told += draw(st.lists(st.builds(cancelled, steps), max_size=1))
    facts = [timed(data, minute) for minute, data in enumerate(told)]
    again = draw(st.lists(st.sampled_from(facts), max_size=4))
    return draw(st.permutations([*facts, *again]))


def tell(events: list[Event], ticks: set[int]) -> Story:
    """Tell the facts one by one, look at the case after some of them, and at the end."""
    story = Story(NOTIFIER)
    for place, event in enumerate(events):
        story.given(event)
        if place in ticks:
            story.given(tick(minutes(20 + place)))
    return story.given(tick(minutes(499)), tick(END))


def canonical(story: Story) -> bytes:
    return msgspec.json.encode(story.state, order="sorted")


ticks = st.sets(st.integers(0, 14))


@for_all(histories(), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_facts_commute_between_two_ticks(events, chance):
    shuffled = list(events)
    chance.shuffle(shuffled)
    told, otherwise = tell(events, set()), tell(shuffled, set())
    assert canonical(told) == canonical(otherwise)
    assert told.published == otherwise.published
    assert told.effects == otherwise.effects


def is_receipt(event: Event) -> bool:
    return event.type == "provider.receipt"


@for_all(histories(), ticks, ticks, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_receipts_in_any_order_with_any_delay_end_in_the_same_state(events, looks, other, chance):
    """But for a cancellation, which cannot take back what left before it."""
    dues = [event for event in events if event.type == "follow_up.due"]
    told = [event for event in events if is_receipt(event)]
    shuffled = list(told)
    chance.shuffle(shuffled)
    one, two = tell([*dues, *told], looks), tell([*dues, *shuffled, *told[:2]], other)
    assert canonical(one) == canonical(two)
    assert len(one.published) == len(two.published)
    assert identities(one) == identities(two)


def identities(story: Story) -> frozenset[str]:
    """All that was published, but for which of two contradicting contents was told first."""
    return frozenset(
        f"{type(told).__name__} {getattr(told, 'effect_id', '')} {getattr(told, 'point_id', '')}"
        for told in story.published
    )


@for_all(histories(), ticks)
@settings(max_examples=300)
def test_each_thing_is_published_and_each_contact_leaves_at_most_once(events, looks):
    story = tell(events, looks)
    published = Counter(msgspec.json.encode([type(p).__name__, p]) for p in story.published)
    assert set(published.values()) <= {1}
    left = [leaving.effect_id for leaving in story.effects]
    assert len(left) == len(set(left))


@for_all(histories(), ticks)
@settings(max_examples=300)
def test_the_choices_leave_in_their_order_and_only_after_a_failure(events, looks):
    story = tell(events, looks)
    for step in ("S1", "S2"):
        ours = [e.effect_id for e in story.effects if e.request["step"] == step]
        places = [next(i for i in range(len(CHOICES)) if effect(i, step) == e) for e in ours]
        assert places == sorted(places)
        assert not places or places[0] == 0
        failures = {p.effect_id for p in story.published if type(p).__name__ == "ContactFailed"}
        assert all(before in failures for before in ours[:-1])


@for_all(histories(), ticks)
@settings(max_examples=300)
def test_nothing_leaves_but_under_a_permit_for_its_channel_and_point_and_within_it(events, looks):
    given_leave = {e.data.choices[0].permit for e in events if e.type == "follow_up.due"}
    given_leave |= {e.data.permit for e in events if e.type == "permit.granted"}
    story = tell(events, looks)
    permits = [msgspec.convert(e.request["permit"], Permit) for e in story.effects]
    assert len({each.permit_id for each in permits}) == len(permits), "each is used once"
    for leaving, permit in zip(story.effects, permits, strict=True):
        assert permit in given_leave
        assert leaving.kind == f"contact.{permit.channel}"
        assert leaving.request["point_id"] == permit.point_id
        assert permit.not_before <= leaving.not_before < leaving.not_after <= permit.not_after


@for_all(histories(), ticks, st.lists(receipts | failures, max_size=6))
@settings(max_examples=300)
def test_nothing_leaves_after_a_cancellation(events, looks, later):
    story = tell(events, looks)
    story.given(timed(cancelled("S1"), 30), timed(cancelled("S2"), 31), tick(END))
    so_far = len(story.effects)
    for minute, data in enumerate(later):
        story.given(timed(data, 40 + minute), tick(END))
    assert len(story.effects) == so_far


@for_all(histories(), ticks)
def test_what_was_told_twice_or_looked_at_twice_changes_nothing(events, looks):
    story = tell(events, looks)
    settled, published = canonical(story), len(story.published)
    story.given(*events, tick(END))
    assert (canonical(story), len(story.published)) == (settled, published)
