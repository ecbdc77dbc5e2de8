"""Reading an event file: what is malformed is put aside with number and reason, and the rest goes on."""

import json
from itertools import permutations

import pytest

from shared.events.jsonl import write_line
from shared.replay.reading import read
from tests.domain.scheduler.cases import at, customer, due, missed

GOOD = write_line(missed())


def line(**changes):
    event = json.loads(GOOD) | changes
    return (
        json.dumps({name: value for name, value in event.items() if value is not None}).encode()
        + b"\n"
    )


def data(**changes):
    told = json.loads(GOOD)["data"] | changes
    return {name: value for name, value in told.items() if value is not None}


def inputs_of(folder, *lines):
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(lines))
    return read(path)


BAD = [
    (b"{not json\n", "bad_json"),
    (b"[]\n", "schema: Expected `object`, got `array`"),
    (line(type="payment.lost"), "unknown_type: type: no event of ours is called 'payment.lost'"),
    (line(data=data(amount_minor=None)), "schema: data.amount_minor: missing"),
    (line(data=data(amount_minor="much")), "schema: data.amount_minor: Expected `int`, got `str`"),
    (line(data=data(amount_minor=-1)), "schema: data.amount_minor: Expected `int` >= 0"),
    (line(time="2026-03-02T09:30:00"), "schema: time: "),
    (line(time=None), "schema: time: missing"),
    (line(subject="C2"), "key_mismatch: subject: is not data.customer_id"),
    (line(dataschema="urn:arrears:payment.missed:9"), "schema: dataschema: expected urn:arrears:payment.missed:1"),
    (line(dataschema=None, type="case.released", data={"customer_id": "C1", "service": "visits"}),
     "schema: type: the services publish this themselves; it is no input"),
    (line(dataschema=None, type="woken", data={"customer_id": "C1"}), "schema: type: the services publish this themselves"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=[reason[:40] for _, reason in BAD])
def test_a_malformed_line_is_put_aside_with_its_number_and_reason(tmp_path, bad, reason):
    inputs = inputs_of(tmp_path, GOOD, b"\n", bad, write_line(customer()))
    (rejected,) = inputs.rejected
    assert (rejected.number, rejected.line) == (3, bad)
    assert rejected.reason.startswith(reason)
    assert (len(inputs), inputs.lines) == (2, 3), "the rest goes on, and empty lines are none"


def test_a_last_line_without_a_line_feed_counts(tmp_path):
    assert len(inputs_of(tmp_path, GOOD.rstrip())) == 1


def test_progress_is_told_in_bytes(tmp_path):
    told: list[int] = []
    path = tmp_path / "events.jsonl"
    path.write_bytes(GOOD * 2500)
    inputs = read(path, told.append)
    assert told == [len(GOOD) * 1000, len(GOOD) * 2000, len(GOOD) * 2500]
    assert (len(inputs), inputs.repeated) == (1, 2499)


def test_of_two_lines_with_one_id_the_earlier_is_kept_whatever_comes_first(tmp_path):
    early = write_line(missed(at("2026-03-02"), event_id="x"))
    late = write_line(missed(at("2026-03-03"), event_id="x"))
    for order in permutations((early, late)):
        inputs = inputs_of(tmp_path, *order)
        assert inputs.events["C1"][0].time == at("2026-03-02")
        (rejected,) = inputs.rejected
        assert rejected.reason.startswith("id_reused: line ")
        assert rejected.line == late


def test_of_two_lines_with_one_id_and_time_the_smaller_content_is_kept(tmp_path):
    for order in permutations(
        (missed(event_id="x", amount_minor=1), missed(event_id="x", amount_minor=2))
    ):
        inputs = inputs_of(tmp_path, *map(write_line, order))
        assert inputs.events["C1"][0].data.amount_minor == 1
        assert len(inputs.rejected) == 1


def test_a_line_of_another_type_under_the_same_id_is_other_content(tmp_path):
    inputs = inputs_of(tmp_path, write_line(missed(event_id="x")), write_line(due(event_id="x")))
    assert (len(inputs), len(inputs.rejected)) == (1, 1)


def test_what_is_rejected_does_not_depend_on_the_order_of_the_lines(tmp_path):
    lines = [write_line(missed(event_id="x", amount_minor=amount)) for amount in (1, 2, 2, 3)]
    for order in permutations(lines):
        inputs = inputs_of(tmp_path, *order)
        assert sorted(entry.line for entry in inputs.rejected) == sorted({lines[1], lines[3]})
        assert inputs.repeated == 1


def test_the_same_id_of_another_source_is_another_event(tmp_path):
    assert len(inputs_of(tmp_path, GOOD, line(source="/elsewhere"))) == 2


def test_values_are_taken_out_and_still_tell_two_contents_apart(tmp_path):
    def record(value):
        point = {
            "point_id": "p",
            "kind": "email",
            "party": "debtor",
            "obtained_via": "x",
            "value": value,
        }
        told = json.loads(write_line(customer()))
        told["data"]["contact_points"] = [point]
        return json.dumps(told).encode() + b"\n"

    for order in permutations((record("a@example.com"), record("b@example.com"))):
        inputs = inputs_of(tmp_path, *order)
        assert inputs.events["C1"][0].data.contact_points[0].value == ""
        assert [entry.reason[:9] for entry in inputs.rejected] == ["id_reused"]
    assert inputs_of(tmp_path, record("a@example.com"), record("a@example.com")).rejected == []
