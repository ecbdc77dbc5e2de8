"""Who shares a number: as counted from a file, and what follows from it in a replay."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.replay.sharing import Record, facts
from shared.testing import START
from shared.vault.sharing import ALONE, MOST, Holding, shares
from tests.replay.runner import FOLDER, run_file

A, B = ("A", "P"), ("B", "P")


def record(customer: str, hour: int, *numbers: str, points: str = "PQR") -> Record:
    return Record(
        START + timedelta(hours=hour),
        f"{hour}",
        customer,
        tuple(zip(points, numbers, strict=False)),
    )


def told(*records: Record) -> dict[str, list[tuple[str, int, int]]]:
    return {
        customer: [(e.data.point_id, e.data.k, e.data.rank) for e in events]
        for customer, events in facts(records).items()
    }


def test_the_oldest_file_is_first_and_a_number_given_twice_is_one_file():
    def held(customer: str, point: str, hour: int) -> Holding:
        return Holding(customer, point, START + timedelta(hours=hour))

    found = shares([held("A", "P", 2), held("A", "Q", 0), held("B", "P", 1), held("C", "P", 1)])
    assert found == {
        ("A", "P"): (3, 0), ("A", "Q"): (3, 0), ("B", "P"): (3, 1), ("C", "P"): (3, 2),
    }  # fmt: skip
    crowd = shares([held(f"{n:04}", "P", 0) for n in range(MOST + 50)])
    assert {share[0] for share in crowd.values()} == {MOST}
    assert sum(share[1] == 0 for share in crowd.values()) == 1


def test_both_are_told_and_told_again_when_one_leaves():
    assert told(record("A", 0, "1"), record("B", 1, "1"), record("A", 2, "2")) == {
        "A": [("P", 2, 0), ("P", 1, 0)], "B": [("P", 2, 1), ("P", 1, 0)],
    }  # fmt: skip


def test_a_record_that_says_the_same_again_changes_nobodys_place():
    assert told(record("A", 0, "1"), record("B", 1, "1"), record("A", 2, "1")) == {
        "A": [("P", 2, 0)], "B": [("P", 2, 1)],
    }  # fmt: skip


def test_a_point_that_leaves_the_file_is_told_to_be_alone():
    assert told(record("A", 0, "1"), record("B", 1, "1"), record("B", 2)) == {
        "A": [("P", 2, 0), ("P", 1, 0)], "B": [("P", 2, 1), ("P", 1, 0)],
    }  # fmt: skip


def test_of_one_instant_only_the_outcome_is_told():
    assert told(record("A", 0, "1"), record("B", 0, "1"), record("C", 0, "1")) == {
        "A": [("P", 3, 0)], "B": [("P", 3, 1)], "C": [("P", 3, 2)],
    }  # fmt: skip


RECORDS = st.lists(
    st.builds(
        lambda customer, numbers: (customer, numbers),
        st.sampled_from("ABCD"),
        st.lists(st.sampled_from("1234"), max_size=3),
    ),
    max_size=14,
)


@given(RECORDS)
def test_whoever_was_told_last_knows_the_truth(drawn):
    records = [record(c, hour // 2, *numbers) for hour, (c, numbers) in enumerate(drawn)]
    latest: dict[str, Record] = {}
    for each in sorted(records, key=lambda each: (each.order, each.customer_id)):
        latest[each.customer_id] = each
    last = {
        (customer, event.data.point_id): (event.data.k, event.data.rank)
        for customer, events in facts(records).items()
        for event in events
    }
    for customer, file in latest.items():
        for point, number in file.numbers:
            holders = {c for c, other in latest.items() if number in dict(other.numbers).values()}
            assert last.get((customer, point), ALONE)[0] == len(holders)
    for number in "1234":
        first = [
            c
            for c, file in latest.items()
            if any(n == number and last.get((c, p), ALONE)[1] == 0 for p, n in file.numbers)
        ]
        held = any(number in dict(file.numbers).values() for file in latest.values())
        assert len(first) == int(held)


def test_in_a_replay_the_scheduler_knows_who_shares_and_a_merger_ends_it():
    replayed = run_file(FOLDER / "merged.jsonl")
    said: list[tuple[datetime, str, int, int]] = [
        (entry.time, entry.event.subject, entry.event.data.k, entry.event.data.rank)
        for entry in replayed.published
        if entry.event.type == "contact_point.shared" and "mobile" in entry.event.data.point_id
    ]
    before, after = said[:2], said[2:]
    assert [each[1:] for each in before] == [("C1", 2, 0), ("C2", 2, 1)]
    assert [each[1:] for each in after] == [("C1", 1, 0), ("C2", 1, 0)]
    assert replayed.states["scheduler", "C1"].shared == {}
