"""Numbers in several files: the notifier tells what the vault counted, once for each change."""

from services.notifier.service import NOTIFIER
from shared.events.notifier import ContactPointShared
from shared.testing import START, given, tick
from tests.domain.notifier.told import at, counted


def shared(k: int, rank: int, point_id: str = "P0") -> ContactPointShared:
    return ContactPointShared(customer_id="C1", point_id=point_id, k=k, rank=rank)


def test_what_was_counted_is_told_once():
    story = given(NOTIFIER, *at(0, counted(2, 1)))
    story.then(shared(2, 1))
    story.given(*at(1, counted(2, 1))).then()
    story.given(*at(2, counted(1, 0))).then(shared(1, 0))
    story.given(*at(3, counted(2, 1))).then(shared(2, 1))
    abouts = {entry.number for entry in story.state.shares.values()}
    assert abouts == {3}


def test_what_comes_and_goes_before_a_tick_is_not_told_and_leaves_nothing():
    story = given(NOTIFIER, *at(0, counted(2, 1), counted(1, 0)))
    story.then()
    assert story.state == NOTIFIER.state()


def test_each_point_is_told_by_itself_and_its_id_is_never_used_twice():
    story = given(NOTIFIER, *at(0, counted(3, 2), counted(2, 0, "P1")))
    story.then(shared(3, 2), shared(2, 0, "P1"))
    first = {entry.about for entry in story.decision.publish}
    story.given(*at(1, counted(4, 2)))
    assert not first & {entry.about for entry in story.decision.publish}


def test_a_stale_tick_tells_nothing_yet():
    story = given(NOTIFIER, *at(0, counted(2, 1))[:-1], tick(START, fresh=False))
    story.then()
    story.given(tick(START)).then(shared(2, 1))
