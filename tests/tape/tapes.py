"""Small tapes with a mapping of their own, and what Arrears makes of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path

from services.scheduler.domain import ledger
from services.scheduler.domain.facts import FOLDS
from services.scheduler.domain.state import CollectionCase
from shared.events.envelope import Event
from shared.events.jsonl import read_line
from shared.tape import ImportReport, import_tape
from tests.tape.oracle import months_past_due, unpaid

DUES = tuple(date(2026, month, 25) for month in range(1, 7))
CLOSES = tuple(date(2026, month, 10) for month in range(1, 7))
MAPPING = """\
name: small
customer_id: {column: ID, prefix: small-}
account_id: {column: ID, prefix: small-, suffix: -loan}
product: consumer_loan
currency: CNY
limit: LIMIT
months:
  - {label: m1, due_on: 2026-01-25, closed_on: 2026-01-10, status: S1, amount_due: D1, amount_paid: P1}
  - {label: m2, due_on: 2026-02-25, closed_on: 2026-02-10, status: S2, amount_due: D2, amount_paid: P2}
  - {label: m3, due_on: 2026-03-25, closed_on: 2026-03-10, status: S3, amount_due: D3, amount_paid: P3}
  - {label: m4, due_on: 2026-04-25, closed_on: 2026-04-10, status: S4, amount_due: D4, amount_paid: P4}
  - {label: m5, due_on: 2026-05-25, closed_on: 2026-05-10, status: S5, amount_due: D5, amount_paid: P5}
  - {label: m6, due_on: 2026-06-25, closed_on: 2026-06-10, status: S6, amount_due: D6, amount_paid: P6}
constants:
  language: zh-CN
  time_zone: Asia/Shanghai
  region: CN-SH
  jurisdiction: {country: CN}
  creditor: small-bank
  collector_role: first_party
contact_points:
  - {point_id: mobile-1, kind: mobile, value: "token:{id}", zones: [Asia/Shanghai], party: debtor}
"""
HEADER = ["ID", "LIMIT", *(f"{kind}{month}" for month in range(1, 7) for kind in "SDP")]


def line(
    name: object,
    status: Sequence[object],
    due: Sequence[object] = (500,) * 6,
    paid: Sequence[object] = (0,) * 6,
    limit: object = 1000,
) -> list[str]:
    """One row; amounts in yuan."""
    months = zip(status, due, paid, strict=True)
    return [str(cell) for cell in (name, limit, *(value for month in months for value in month))]


def write_tape(folder: Path, rows: Iterable[Sequence[str]]) -> Path:
    tape = folder / "tape.csv"
    tape.write_text("".join(",".join(cells) + "\n" for cells in (HEADER, *rows)), encoding="utf-8")
    return tape


def run(
    folder: Path, rows: Iterable[Sequence[str]], *, mapping: str = MAPPING, strict: bool = False
) -> tuple[ImportReport, list[Event]]:
    """Import the rows; answer the report and the events that were written."""
    (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    out = folder / "events.jsonl"
    tape = write_tape(folder, rows)
    report = import_tape(tape, folder / "mapping.yaml", out, strict=strict)
    return report, read_events(out)


def read_events(path: Path) -> list[Event]:
    with path.open("rb") as lines:
        return [read_line(text) for text in lines]


def close_instant(closed_on: date) -> datetime:
    return datetime.combine(closed_on, time(22), tzinfo=UTC)


def by_customer(events: Iterable[Event]) -> Iterable[tuple[str, list[Event]]]:
    for customer_id, told in groupby(events, key=lambda event: event.subject):
        yield customer_id, list(told)


def derived_by_oracle(
    events: list[Event], dues: Sequence[date], closes: Sequence[date]
) -> list[int]:
    """Months past due at each close, by the second opinion."""
    return [
        months_past_due(unpaid(events, close_instant(closed)), due)
        for due, closed in zip(dues, closes, strict=True)
    ]


def derived_by_scheduler(
    events: list[Event], dues: Sequence[date], closes: Sequence[date]
) -> list[int]:
    """Months past due at each close, by the scheduler's own fold of what it had been told by then."""
    case, told, months = CollectionCase(), 0, []
    for due, closed in zip(dues, closes, strict=True):
        while told < len(events) and events[told].time <= close_instant(closed):
            event = events[told]
            case = FOLDS[type(event.data)](case, event.data, event)
            told += 1
        left = ledger.unpaid(case.accounts)
        months.append(
            months_past_due(
                {e.instalment_id: (e.due_on, e.amount_minor) for e in left if e.owed}, due
            )
        )
    return months
