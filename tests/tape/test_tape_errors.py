"""Bad rows go aside and the rest goes on; a bad mapping is refused with its line."""

import gzip
import tracemalloc

import pytest

from shared.tape import MappingError, TapeError, import_tape
from tests.tape.tapes import HEADER, MAPPING, line, run, write_tape

GOOD = line(7, (0, 1, 0, 0, 0, 0))


def with_cell(column, text):
    cells = line(1, (0,) * 6)
    cells[HEADER.index(column)] = text
    return cells


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("S3", "late", "'late' is not a whole number"),
        ("S3", "1.5", "'1.5' is not a whole number"),
        ("S3", "", "empty"),
        ("S1", "121", "121 months past due, more than 120"),
        ("D2", "12,5", None),
        ("D2", "12.345", "12.345 is finer than a minor unit of the currency"),
        ("P6", "-1", "-1 is below zero"),
        ("P6", "1E+15", "1E+15 is more than an amount can be"),
        ("LIMIT", "much", "'much' is not an amount"),
        ("ID", "", "empty"),
        ("ID", "x" * 130, "longer than 128 characters"),
        ("ID", "13800138000", "looks like a telephone number: not to be a customer_id"),
        ("ID", "11010519491231002X", "looks like an identity card number: not to be a customer_id"),
    ],
)
def test_a_bad_cell_is_reported_with_line_column_and_reason_and_the_rest_goes_on(
    tmp_path, column, text, reason
):
    report, events = run(tmp_path, [GOOD, with_cell(column, text), line(8, (0,) * 6)])
    assert (report.rows, report.clients, report.bad_rows) == (3, 2, 1)
    assert {event.subject for event in events} == {"small-7", "small-8"}
    bad = report.first_bad[0]
    if reason is None:  # an unquoted comma makes one cell more
        assert (bad.line, bad.column, bad.reason) == (3, "", "21 cells, the header has 20")
    else:
        assert (bad.line, bad.column, bad.reason) == (3, column, reason)


def test_rejected_rows_are_written_aside_as_they_came(tmp_path):
    bad = with_cell("S3", "late")
    report, _ = run(tmp_path, [bad, GOOD])
    assert report.rejects == tmp_path / "events.rejected.csv"
    assert report.rejects.read_text().splitlines() == [
        ",".join(["line", "column", "reason", *HEADER]),
        ",".join(["2", "S3", "'late' is not a whole number", *bad]),
    ]
    report, _ = run(tmp_path, [GOOD])
    assert report.rejects is None
    assert not (tmp_path / "events.rejected.csv").exists()


def test_strict_stops_at_the_first_bad_row_and_writes_nothing(tmp_path):
    with pytest.raises(TapeError, match="line 3, column S3: 'late' is not a whole number"):
        run(tmp_path, [GOOD, with_cell("S3", "late")], strict=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mapping.yaml", "tape.csv"]


def test_an_earlier_file_stays_as_it_was_when_an_import_fails(tmp_path):
    run(tmp_path, [GOOD])
    before = (tmp_path / "events.jsonl").read_bytes()
    with pytest.raises(TapeError):
        run(tmp_path, [with_cell("S3", "late")], strict=True)
    assert (tmp_path / "events.jsonl").read_bytes() == before


def test_a_compressed_tape_gives_the_same_events_and_a_cut_one_is_an_error(tmp_path):
    run(tmp_path, [GOOD] * 400)
    mapping, packed = tmp_path / "mapping.yaml", tmp_path / "tape.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "tape.csv").read_bytes()))
    import_tape(packed, mapping, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "events.jsonl").read_bytes()
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(TapeError, match="after line"):
        import_tape(packed, mapping, tmp_path / "cut.jsonl")
    assert not (tmp_path / "cut.jsonl").exists()


def test_a_row_in_another_encoding_is_a_bad_row(tmp_path):
    run(tmp_path, [GOOD])
    tape = tmp_path / "tape.csv"
    tape.write_bytes(tape.read_bytes() + ",".join(line("客户", (0,) * 6)).encode("gb18030") + b"\n")
    report = import_tape(tape, tmp_path / "mapping.yaml", tmp_path / "events.jsonl")
    assert (report.clients, report.first_bad[0].column) == (1, "ID")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("currency: CNY", "currency: yuan", "mapping.yaml, line 5: currency: Expected"),
        (
            "currency: CNY",
            "coin: CNY",
            "mapping.yaml, line 5: Object contains unknown field `coin`",
        ),
        ("status: S2", "state: S2", "mapping.yaml, line 9: months\\[1\\]: Object"),
        (
            "due_on: 2026-02-25",
            "due_on: 2026-03-25",
            "mapping.yaml, line 9: months\\[1\\]: due on 2026-03-25, which is not",
        ),
        (
            "closed_on: 2026-02-10",
            "closed_on: 2026-01-20",
            "mapping.yaml, line 9: months\\[1\\]: closed on 2026-01-20, not",
        ),
        (
            "time_zone: Asia/Shanghai",
            "time_zone: Asia/Nowhere",
            "mapping.yaml, line 16: constants.time_zone: no time zone",
        ),
        (
            "zones: [Asia/Shanghai]",
            "zones: [Nowhere]",
            "mapping.yaml, line 22: contact_points\\[0\\].zones\\[0\\]: no time zone",
        ),
        (
            "status: S5",
            "status: S55",
            "mapping.yaml, line 12: months\\[4\\].status: the tape has no column 'S55'",
        ),
        (
            "product: consumer_loan",
            "product: {column: LIMIT, values: {a: boat}}",
            "mapping.yaml, line 4: product.values.a: 'boat'",
        ),
        ("creditor: small-bank", "creditor: [", "mapping.yaml, line \\d+: "),
        ("name: small", "name: small\nname: again", "mapping.yaml, line 2: "),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_line_that_is_wrong(tmp_path, old, new, complaint):
    assert old in MAPPING
    with pytest.raises(MappingError, match=complaint):
        run(tmp_path, [GOOD], mapping=MAPPING.replace(old, new, 1))


def test_columns_can_hold_what_differs_by_row(tmp_path):
    mapping = (
        MAPPING.replace(
            "product: consumer_loan", "product: {column: KIND, values: {K: credit_card}}"
        )
        .replace("currency: CNY", "currency: {column: CCY}")
        .replace("due_on: 2026-01-25", "due_on: {column: DUE}")
    )
    (tmp_path / "mapping.yaml").write_text(mapping)
    tape = tmp_path / "tape.csv"
    rows = [
        [*HEADER, "KIND", "CCY", "DUE"],
        [*GOOD, "K", "USD", "2026-01-20"],
        [*GOOD, "?", "USD", "2026-01-20"],
        [*GOOD, "K", "USD", "2026-05-20"],
    ]
    tape.write_text("".join(",".join(cells) + "\n" for cells in rows))
    report = import_tape(tape, tmp_path / "mapping.yaml", tmp_path / "events.jsonl")
    assert report.clients == 1
    assert [bad.column for bad in report.first_bad] == ["KIND", "DUE"]


def test_a_tape_is_never_written_over(tmp_path):
    tape = write_tape(tmp_path, [GOOD])
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    with pytest.raises(TapeError, match="must not be written over"):
        import_tape(tape, tmp_path / "mapping.yaml", tape)


def test_memory_stays_flat_however_long_the_tape_is(tmp_path):
    def peak(rows):
        tape = write_tape(tmp_path, (line(number, (0, 2, 0, 0, 1, 0)) for number in range(rows)))
        tracemalloc.start()
        try:
            import_tape(tape, tmp_path / "mapping.yaml", tmp_path / "events.jsonl")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (tmp_path / "mapping.yaml").write_text(MAPPING)
    peak(6_000)  # fills what is filled once in a process: bounded caches, imports
    bytes_a_row = 50  # less than the smallest thing that could be kept of each
    assert peak(6_000) < peak(2_500) + 3_500 * bytes_a_row
