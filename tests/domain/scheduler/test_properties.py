"""What holds in every life: whatever happens in whatever order, however often it is told."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduler.domain.view import View
from services.scheduler.policy import STAGES
from shared.canonical import digest
from shared.events.envelope import Event
from shared.events.registry import TYPE_OF, WOKEN
from shared.events.scheduler import CaseClosed, FollowUpCancelled, FollowUpDue, StepRegretted
from shared.testing import START, Story
from tests.domain.scheduler.cases import story
from tests.domain.scheduler.lives import LIVES, live, overdue, topic

ORDER = ("idle", "open", *STAGES)
for_all = settings(max_examples=120, deadline=None)


def retell(events: list[Event]) -> Story:
    return story(*events)


def said(told: Story) -> list[str]:
    return [f"{TYPE_OF[type(data)]} {data}" for data in told.published]


@for_all
@given(LIVES)
def test_nothing_is_ever_said_twice(moves):
    told, seen = story(), set()
    for event in live(moves)[1]:
        told.given(event)
        for entry in told.decision.publish:
            key = (type(entry.data), entry.about)
            assert key not in seen, "its event id would be the same"
            seen.add(key)


@for_all
@given(LIVES)
def test_no_contact_while_nothing_is_overdue_and_no_step_of_an_older_episode(moves):
    told = story()
    for event in live(moves)[1]:
        told.given(event)
        for entry in told.decision.publish:
            if isinstance(entry.data, FollowUpDue) and entry.data.step and entry.data.episode:
                assert overdue(told.state, event.time)
                assert entry.data.episode == told.state.episode


@for_all
@given(LIVES)
def test_the_stage_never_falls_but_by_closing(moves):
    told = story()
    for event in live(moves)[1]:
        before = told.state.stage
        told.given(event)
        falls = ORDER.index(told.state.stage) < ORDER.index(before)
        closes = any(isinstance(entry.data, CaseClosed) for entry in told.decision.publish)
        assert not falls or closes
        assert not closes or told.state.stage == "idle"


@for_all
@given(LIVES)
def test_each_step_of_an_episode_has_at_most_the_allowed_attempts(moves):
    told, _ = live(moves)
    for entry in told.published:
        if isinstance(entry, FollowUpDue) and entry.kind != "requested":
            assert 1 <= entry.attempt <= told.reactor.policy.max_attempts


@for_all
@given(LIVES)
def test_only_what_was_due_is_cancelled_and_only_what_was_cancelled_is_regretted(moves):
    due, cancelled = set(), set()
    for entry in live(moves)[0].published:
        if isinstance(entry, FollowUpDue):
            due.add(entry.follow_up_id)
        elif isinstance(entry, FollowUpCancelled):
            assert entry.follow_up_id in due
            cancelled.add(entry.follow_up_id)
        elif isinstance(entry, StepRegretted):
            assert entry.follow_up_id in cancelled


@for_all
@given(LIVES)
def test_after_a_tick_nothing_is_under_way_for_a_paid_up_customer(moves):
    told = story()
    for event in live(moves)[1]:
        told.given(event)
        if event.type == WOKEN and not overdue(told.state, event.time):
            assert not [step for step in told.state.open.values() if not step.about]


@for_all
@given(LIVES)
def test_a_fresh_tick_leaves_nothing_due(moves):
    told = story()
    for event in live(moves)[1]:
        told.given(event)
        if event.type == WOKEN and event.data.fresh:
            assert told.state.wake_at is None or told.state.wake_at > event.time


@for_all
@given(LIVES)
def test_a_stale_tick_only_cancels_and_keeps_the_wake(moves):
    told = story()
    for event in live(moves)[1]:
        told.given(event)
        if event.type == WOKEN and not event.data.fresh:
            assert {type(entry.data) for entry in told.decision.publish} <= {FollowUpCancelled}
            assert told.state.wake_at == told.before.wake_at


@for_all
@given(LIVES, st.data())
def test_facts_told_again_within_ninety_days_change_nothing(moves, data):
    """After forget_days the inbox alone knows repetitions."""
    told, events = live(moves)
    facts = [event for event in events if event.type != WOKEN]
    again = list(events)
    remembered = START + timedelta(days=told.reactor.policy.forget_days)
    for fact in data.draw(st.lists(st.sampled_from(facts), max_size=5)):
        first = again.index(fact) + 1
        last = max(first, sum(event.time <= remembered for event in again))
        again.insert(data.draw(st.integers(first, last)), fact)
    retold = retell(again)
    assert said(retold) == said(told)
    assert digest(retold.state) == digest(told.state)


@for_all
@given(LIVES)
def test_nobody_is_contacted_while_a_hold_stands(moves):
    told = story()
    for event in live(moves)[1]:
        told.given(event)
        due = [
            e.data
            for e in told.decision.publish
            if isinstance(e.data, FollowUpDue) and e.data.kind != "requested"
        ]
        view = View("C1", told.state, event.time, told.reactor.policy)
        assert not due or not view.held()
        accounts = {name for entry in due for name in entry.situation.accounts}
        assert not accounts & view.diverged.keys()


@for_all
@given(LIVES)
def test_looking_twice_changes_nothing(moves):
    told, events = live(moves)
    twice = [
        again for event in events for again in ([event] * 2 if event.type == WOKEN else [event])
    ]
    retold = retell(twice)
    assert said(retold) == said(told)
    assert digest(retold.state) == digest(told.state)


@for_all
@given(LIVES, st.randoms(use_true_random=False))
def test_facts_of_different_topics_commute_between_ticks(moves, random):
    told, events = live(moves)
    mixed: list[Event] = []
    waiting: list[Event] = []
    for event in [*events, None]:
        if event is not None and event.type != WOKEN:
            waiting.append(event)
            continue
        queues: dict[str, list[Event]] = {}
        for fact in waiting:
            queues.setdefault(topic(fact), []).append(fact)
        while queues:
            name = random.choice(sorted(queues))
            mixed.append(queues[name].pop(0))
            if not queues[name]:
                del queues[name]
        waiting = []
        mixed += [event] if event is not None else []
    retold = retell(mixed)
    assert said(retold) == said(told)
    assert digest(retold.state) == digest(told.state)
