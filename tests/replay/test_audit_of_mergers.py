"""Persons of whom the bank has many records: a replay of their lives audits to nothing wrong."""

import pytest

from benchmarks.lawful import lived, with_declarations
from shared.events.core_banking import CustomerMerged
from shared.events.jsonl import write_line
from shared.portfolio import generate
from shared.replay.reading import read
from shared.sandbox.chance import Draws
from shared.testing import fact


def with_mergers(events, seed):
    """Add mergers between half of the records in any shape: chains, stars, circles, records that end twice."""
    draws = Draws("mergers", seed)
    names = sorted({event.subject for event in events})
    first, last = min(event.time for event in events), max(event.time for event in events)
    for number in range(len(names) // 2):
        ended, survivor = (names[draws.within(0, len(names) - 1)] for _ in range(2))
        if ended == survivor:
            continue
        at = first + (last - first) * draws.within(0, 100) / 100
        merger = CustomerMerged(customer_id=survivor, from_customer_id=ended)
        yield fact(merger, at, event_id=f"merger {number}")
    yield from events


@pytest.mark.parametrize("rules", ["cn", "us"])
def test_persons_of_many_records_are_one_person_to_the_gate(rules, tmp_path):
    file = tmp_path / "portfolio.jsonl"
    events = with_mergers(list(generate(customers=60, days=120, seed=1)), 1)
    file.write_bytes(b"".join(map(write_line, events)))
    figures = lived(with_declarations(read(file), rules, seed=3, years=0))
    assert figures.wrong == 0, "\n".join(figures.proofs)
    assert figures.findings["lawful"] > 50
