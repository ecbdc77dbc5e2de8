from shared.messaging.freshness import Freshness


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watched(*partitions: int) -> tuple[Freshness, Clock]:
    clock = Clock()
    freshness = Freshness(clock=clock)
    freshness.assign(partitions)
    return freshness, clock


def test_a_partition_taken_over_is_stale_until_all_that_was_there_is_settled():
    freshness, clock = watched(0)
    assert not freshness.is_fresh(0)
    freshness.sample(clock.now, {0: 10})
    assert not freshness.is_fresh(0)
    freshness.settle(0, 9)
    assert not freshness.is_fresh(0)
    freshness.settle(0, 10)
    assert freshness.is_fresh(0)


def test_an_empty_partition_is_fresh_as_soon_as_it_was_looked_at():
    freshness, clock = watched(0)
    freshness.sample(clock.now, {0: 0})
    assert freshness.is_fresh(0)


def test_lag_of_less_than_thirty_seconds_is_fresh_and_of_more_is_stale():
    freshness, clock = watched(0)
    freshness.sample(clock.now, {0: 0})
    for _ in range(30):
        clock.now += 1
        freshness.sample(clock.now, {0: 5})
        assert freshness.is_fresh(0)
    clock.now += 1
    assert not freshness.is_fresh(0)
    freshness.settle(0, 5)
    assert freshness.is_fresh(0)


def test_a_broker_that_cannot_be_asked_makes_every_partition_stale_in_time():
    freshness, clock = watched(0, 1)
    freshness.sample(clock.now, {0: 0, 1: 0})
    assert freshness.stale() == ()
    clock.now += 31
    assert freshness.stale() == (0, 1)


def test_a_partition_that_comes_back_begins_stale_again():
    freshness, clock = watched(0, 1)
    freshness.sample(clock.now, {0: 0, 1: 0})
    freshness.assign([1])
    assert not freshness.is_fresh(0)
    freshness.assign([0, 1])
    assert not freshness.is_fresh(0)
    assert freshness.is_fresh(1)


def test_what_is_said_of_partitions_of_others_is_ignored():
    freshness, clock = watched(0)
    freshness.sample(clock.now, {3: 0})
    freshness.settle(3, 10)
    assert not freshness.is_fresh(3)


def test_a_slow_answer_counts_from_when_it_was_asked_for():
    freshness, clock = watched(0)
    asked_at = clock.now
    clock.now += 31
    freshness.sample(asked_at, {0: 0})
    assert not freshness.is_fresh(0)
