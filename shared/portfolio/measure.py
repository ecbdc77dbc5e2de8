"""Print the figures of shared/portfolio/rates.py: `python -m shared.portfolio.measure TAPE [--mapping FILE]`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.portfolio.rates import COUNTS, PARTLY_PAID, STATES, matrix, stationary, used
from shared.tape.mapping import load
from shared.tape.rows import Reader, Row, opened

MAPPING = Path("deploy/mappings/uci_credit_card.yaml")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a tape says: moves between states, and in how many client-months arrears grew, paid or not."""

    counts: tuple[tuple[int, ...], ...]
    grown: int
    grown_and_paid: int


def measure(tape: Path, mapping: Path) -> Measured:
    """Count on *tape*; raises as the import does."""
    chains: list[tuple[int, ...]] = []
    grown = paid = 0
    for row in _rows(tape, mapping):
        chains.append(row.status)
        for month in range(1, len(row.status)):
            if row.status[month] > row.status[month - 1] > 0:
                grown += 1
                paid += row.paid[month] > 0
    return Measured(matrix(chains), grown, paid)


def _rows(tape: Path, mapping: Path) -> Iterator[Row]:
    document = load(mapping)
    with opened(tape, document.value) as (rows, _):
        _, header = next(rows)
        reader = Reader(document, header)
        for _, cells in rows:
            yield reader.row(cells)


def _report(measured: Measured) -> Iterator[str]:
    yield "measured: status now, status the month after"
    for state, counts in enumerate(measured.counts):
        total = sum(counts)
        shares = "".join(f"{count / total:8.3f}" if count else " " * 8 for count in counts)
        yield f"  {state}{shares}{total:10,}"
    yield "\nCOUNTS = ("
    yield from (f"    {counts}," for counts in measured.counts)
    yield ")"
    share = measured.grown_and_paid / max(measured.grown, 1)
    yield f"PARTLY_PAID = {measured.grown_and_paid} / {measured.grown}  # {share:.3f}"
    same = measured.counts == COUNTS and share == PARTLY_PAID
    yield f"\nshared/portfolio/rates.py holds {'these' if same else 'OTHER'} figures; it uses"
    rows = used()
    for state, row in enumerate(rows):
        yield f"  {state}" + "".join(f"{row[to]:8.3f}" if to in row else " " * 8 for to in STATES)
    spread = stationary(rows)
    yield "  at the start" + "".join(f"{spread[state]:8.4f}" for state in STATES)


def main() -> None:
    """Read the command line, measure, print."""
    parser = ArgumentParser(prog="python -m shared.portfolio.measure", description=__doc__)
    parser.add_argument("tape", type=Path)
    parser.add_argument("--mapping", type=Path, default=MAPPING)
    asked = parser.parse_args()
    sys.stdout.writelines(f"{line}\n" for line in _report(measure(asked.tape, asked.mapping)))


if __name__ == "__main__":
    main()
