"""A provider that fails: what it may have is looked up, what it never saw is claimed anew, past everything in between."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.providers import HandOver, LookupImpossible, ProviderUnavailable
from shared.testing import START, days
from tests.database.support import missed, received
from tests.kafka.rig import Rig, rig


@pytest.fixture
async def world(database, kafka, tmp_path) -> AsyncIterator[Rig]:
    async with rig(database, kafka, tmp_path) as found:
        found.values = {"C1": "+8613800000000"}
        yield found


class Scripted:
    """A provider by script: *posts* are raised or answered in turn, then `sent`; it knows what it answered."""

    name = "sandbox"

    def __init__(self, *posts, look_ups=()):
        self.posts = list(posts)
        self.look_ups = list(look_ups)
        self.asked = []
        self.has = None
        self.posted = asyncio.Event()

    async def hand_over(self, *_):
        self.asked.append("post")
        self.posted.set()
        answer = self.posts.pop(0) if self.posts else HandOver("sent")
        if isinstance(answer, Exception):
            raise answer
        self.has = answer
        return answer

    async def look_up(self, _):
        self.asked.append("get")
        answer = self.look_ups.pop(0) if self.look_ups else self.has
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_what_the_provider_never_saw_is_claimed_anew_within_the_step(world):
    await world.happened(missed())
    provider = Scripted(*(ProviderUnavailable("status 500", "answered") for _ in range(2)))
    assert await world.worker(provider=provider).run_due_step() == 1
    assert provider.asked == ["post", "get", "post", "get", "post"]
    assert await world.effects() == {"C1": "done"}
    assert len(await world.receipts()) == 1


async def test_a_request_that_never_left_is_claimed_anew_without_a_look_up(world):
    await world.happened(missed())
    provider = Scripted(ProviderUnavailable("refused", "never_left"))
    assert await world.worker(provider=provider).run_due_step() == 1
    assert provider.asked == ["post", "post"]


async def test_what_is_paid_while_the_provider_is_down_never_leaves(world):
    """The provider is down, look-ups too; the debtor pays; then it is back, and never saw the effect."""
    await world.happened(missed())
    down = [ProviderUnavailable("down") for _ in range(3)]
    provider = Scripted(ProviderUnavailable("lost"), look_ups=down)
    worker = world.worker(provider=provider, over_after=0)
    step = asyncio.create_task(worker.run_due_step())
    await provider.posted.wait()
    await world.happened(received())
    assert await step == 0
    assert provider.asked == ["post", *["get"] * 4]
    assert await world.effects() == {"C1": "withdrawn"}
    assert await world.receipts() == []


async def test_a_request_that_arrives_late_is_found_although_a_look_up_missed_it(world):
    """Its answer was lost, a look-up says that it was never seen, the debtor pays, and only then it arrives."""
    await world.happened(missed())
    provider = Scripted(ProviderUnavailable("lost"))
    worker = world.worker(provider=provider, over_after=2)
    step = asyncio.create_task(worker.run_due_step())
    async with asyncio.timeout(10):
        while "get" not in provider.asked:  # noqa: ASYNC110  the provider cannot call us
            await asyncio.sleep(0.01)
    await world.happened(received())
    provider.has = HandOver("sent")
    assert await step == 1
    assert provider.asked == ["post", "get", "get"]
    assert await world.effects() == {"C1": "done"}, "it has left: that must be known"
    assert [row[2] for row in await world.receipts()] == ["sent"]


async def test_while_nobody_can_be_asked_it_is_only_looked_up_and_at_last_unknown(world):
    await world.happened(missed())
    await world.rows("UPDATE effects SET status = 'sending', claimed_at = :at", at=START)
    provider = Scripted(look_ups=[ProviderUnavailable("down"), ProviderUnavailable("down")])
    world.clock.set(START + days(4))
    assert await world.worker(provider=provider).run_due_step() == 1
    assert provider.asked == ["get"]
    assert await world.effects() == {"C1": "unknown"}


async def test_what_cannot_be_looked_up_after_a_failure_is_unknown(world):
    await world.happened(missed())
    provider = Scripted(ProviderUnavailable("lost"), look_ups=[LookupImpossible()])
    assert await world.worker(provider=provider).run_due_step() == 1
    assert provider.asked == ["post", "get"]
    assert await world.effects() == {"C1": "unknown"}


async def test_a_claim_that_waited_too_long_is_given_up_before_the_hand_over(world, monkeypatch):
    """Rendering hangs longer than a claim counts: what came meanwhile must be seen by a new claim."""
    monkeypatch.setattr("shared.messaging.exchanges.USE_WITHIN_SECONDS", 0.5)
    await world.happened(missed())
    rendering, go_on = asyncio.Event(), asyncio.Event()
    prepare = world.prepare

    async def slowly(*about):
        rendering.set()
        await go_on.wait()
        await asyncio.sleep(0.6)
        return await prepare(*about)

    world.prepare = slowly
    step = asyncio.create_task(world.worker().run_due_step())
    await rendering.wait()
    await world.happened(received())
    go_on.set()
    assert await step == 0
    assert world.handed_over() == []
    assert await world.effects() == {"C1": "withdrawn"}


async def test_rendering_that_fails_puts_back_and_counts_no_departure(world):
    await world.happened(missed())
    failures = [RuntimeError("no template")]
    prepare = world.prepare

    async def failing_once(*about):
        if failures:
            raise failures.pop()
        return await prepare(*about)

    world.prepare = failing_once
    assert await world.worker().run_due_step() == 1
    assert world.handed_over() == ["C1"]
    assert await world.rows("SELECT channel, count FROM departures") == [("sms", 1)]


async def test_a_row_that_another_process_claimed_meanwhile_is_not_put_back(world):
    await world.happened(missed())
    provider = Scripted(ProviderUnavailable("status 500", "answered"))
    provider.look_up = None
    worker = world.worker(provider=provider)

    async def taken_over(_):
        await world.rows("UPDATE effects SET claimed_at = :at", at=START + days(1))
        provider.asked.append("get")

    provider.look_up = taken_over
    assert await worker.run_due_step() == 0
    assert provider.asked == ["post", "get"]
    assert await world.effects() == {"C1": "sending"}
