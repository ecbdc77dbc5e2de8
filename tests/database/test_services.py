"""The real services over real PostgreSQL: any cuts, two members and repeats give what the replay gives, byte for byte."""

from datetime import timedelta

import msgspec
import pytest

from shared.border import strip_event
from shared.canonical import canonical
from shared.messaging.recorded import replay_recorded
from shared.portfolio import generate
from shared.replay import sharing
from shared.replay.run import all_reactors
from shared.replay.world import World
from shared.sandbox.outcomes import facts as sandbox_facts
from shared.services import strategy
from tests.database.stepped import SEED, Bank

DAYS = 100
CUSTOMERS = 8
REACTORS = all_reactors(strategy(None))


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_services_over_postgresql_equal_the_replay(shell_database, seed):
    published, placed = await equal_to_the_replay(
        shell_database, list(generate(CUSTOMERS, DAYS, seed)), seed
    )
    assert placed >= {"scheduler", "notifier", "visits"}, "legal gets nobody in so few days"
    assert len(published) > 150


async def equal_to_the_replay(
    shell_database, events, seed, *, with_vault: bool = False
) -> tuple[list, set[str]]:
    """
    Live through the *events* here and in the replay; answers what was published, the same in both, and the
    services that placed a case in a region and portfolio.
    """
    until = max(event.time for event in events) + timedelta(hours=12)
    world = World(REACTORS, lambda *about: sandbox_facts(SEED, *about))
    inputs = [strip_event(event)[0] for event in events]
    if with_vault:
        told = sharing.facts(filter(None, (sharing.record_of(*strip_event(e)) for e in events)))
        inputs += [fact for facts in told.values() for fact in facts]
    world.run(inputs, until)
    placed: set[str] = set()
    bank = await Bank.open(shell_database, REACTORS, seed, with_vault=with_vault)
    try:
        for event in events:
            bank.expect(event)
        await bank.run(until)
        replayed = [
            (entry.event.source.rpartition("/")[2], entry.event.data.customer_id, entry.event.id,
             entry.event.type, entry.event.time, canonical(entry.event.data).decode())
            for entry in world.published
        ]  # fmt: skip
        assert sorted(bank.published) == sorted(replayed)
        for place, reactor in enumerate(world.reactors):
            live = bank.services[reactor.name].db
            states = await live.rows("SELECT customer_id, state::text FROM cases ORDER BY 1")
            assert {c: canonical(decode(reactor, s)) for c, s in states} == {
                customer: canonical(state)
                for (service, customer), state in world.states.items()
                if service == place
            }
            if await columns_say_where_the_case_belongs(live, reactor):
                placed.add(reactor.name)
            assert await live.one("SELECT count(*) FROM quarantine") == 0
            assert await replay_recorded(live.engine, reactor) == []
        return replayed, placed
    finally:
        await bank.close()


async def columns_say_where_the_case_belongs(live, reactor) -> bool:
    """Who may see a case follows from its columns, so they must be those of its state."""
    rows = await live.rows("SELECT region, portfolio, state::text FROM cases")
    states = [(region, portfolio, decode(reactor, state)) for region, portfolio, state in rows]
    for region, portfolio, state in states:
        assert (region, portfolio) == (state.region, state.portfolio)
    return bool({(region, portfolio) for region, portfolio, _ in states} - {("", "")})


def decode(reactor, stored: str):
    return msgspec.json.decode(stored, type=reactor.state)
