"""The ledger under any order and repetition, and beside an oracle written from the text alone."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.scheduler.domain import decide, ledger
from services.scheduler.domain.state import CollectionCase
from shared.canonical import digest
from shared.events.envelope import Event
from tests.domain.scheduler.cases import STANDARD
from tests.domain.scheduler.facts_drawn import MONEY
from tests.domain.scheduler.oracle import reckon


def fold(events: list[Event]) -> CollectionCase:
    case = CollectionCase()
    for event in events:
        case = decide(case, event, event.time, STANDARD).state
    return case


def owed(case: CollectionCase) -> dict[tuple[str, str], int]:
    return {
        (entry.account_id, entry.instalment_id): entry.amount_minor
        for entry in ledger.unpaid(case.accounts)
        if entry.owed
    }


@settings(max_examples=400, deadline=None)
@given(MONEY)
def test_the_ledger_says_what_the_oracle_says(facts):
    assert owed(fold(facts)) == reckon(facts)


@settings(max_examples=200, deadline=None)
@given(MONEY, st.data())
def test_any_order_and_repetition_of_facts_gives_the_same_state(facts, data):
    again = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    shuffled = data.draw(st.permutations([*facts, *again]))
    one, other = fold(facts), fold(shuffled)
    assert digest(one) == digest(other)
    assert ledger.unpaid(one.accounts) == ledger.unpaid(other.accounts)


@settings(max_examples=200, deadline=None)
@given(MONEY, st.data())
def test_a_repetition_under_a_new_event_id_leaves_the_same_unpaid(facts, data):
    repeated = data.draw(st.lists(st.sampled_from(facts), min_size=1, max_size=4, unique_by=id))
    renamed = [
        replace(event, id=f"{event.id}'") for event in repeated
    ]  # ids break ties, so a near one
    shuffled = data.draw(st.permutations([*facts, *renamed]))
    assert owed(fold(facts)) == owed(fold(shuffled))
