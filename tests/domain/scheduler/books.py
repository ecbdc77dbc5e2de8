"""Ask the ledger what is unpaid after some facts."""

from services.scheduler.domain import ledger
from services.scheduler.domain.state import CollectionCase
from shared.events.envelope import Event
from tests.domain.scheduler.cases import story


def case_of(*events: Event) -> CollectionCase:
    state = story(*events).state
    assert isinstance(state, CollectionCase)
    return state


def unpaid(*events: Event) -> dict[str, int]:
    """What is left of each instalment that is owed, by its name (with its account's, other than A)."""
    return {
        entry.instalment_id
        if entry.account_id == "A"
        else f"{entry.account_id}/{entry.instalment_id}": (entry.amount_minor)
        for entry in ledger.unpaid(case_of(*events).accounts)
        if entry.owed
    }
