"""Import a tape: rows in, lines out, in constant memory; nothing half done is left behind."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from shared.events.core_banking import AccountUpdated, CustomerUpdated
from shared.events.envelope import Event, Fact
from shared.events.jsonl import write_line
from shared.events.registry import TYPE_OF
from shared.tape import mapping as mappings
from shared.tape.inference import Arrears, Told
from shared.tape.mapping import Mapping
from shared.tape.months import CLOSED, at
from shared.tape.report import BadRow, ImportReport
from shared.tape.rows import CellError, Reader, Row, TapeError, opened

PROGRESS_EVERY = 500
Progress = Callable[[int, int], object]
"""Told now and then how many bytes of the tape were read, of how many."""


def import_tape(
    tape: Path,
    mapping: Path,
    out: Path,
    *,
    strict: bool = False,
    rejects: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """
    Turn *tape* into core-banking events at *out*, by *mapping*; the same input gives the same bytes.

    Bad rows are left out, counted in the report and written to *rejects* (default: beside *out*, with
    the ending .rejected.csv; no bad rows, no file). With *strict* the first one raises TapeError. *out*
    appears only when all is done. Raises MappingError for a mapping that is wrong or does not fit.
    """
    document = mappings.load(mapping)
    report = ImportReport()
    unfinished = out.with_name(f"{out.name}.part")
    aside = rejects or out.with_name(f"{out.name.removesuffix('.jsonl')}.rejected.csv")
    aside_unfinished = aside.with_name(f"{aside.name}.part")
    if tape.resolve() in {out.resolve(), aside.resolve()}:
        raise TapeError(f"{tape}: is the tape itself, and must not be written over")
    try:
        with ExitStack() as stack:
            rows, raw = stack.enter_context(opened(tape, document.value))
            lines = stack.enter_context(unfinished.open("wb"))
            rejected = stack.enter_context(
                aside_unfinished.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            )
            _, header = next(rows, (0, []))
            if not header:
                raise TapeError(f"{tape}: empty")
            reader, size = Reader(document, header), tape.stat().st_size
            for line, cells in rows:
                report.rows += 1
                try:
                    row = reader.row(cells)
                except CellError as error:
                    bad = BadRow(line, error.column, error.reason)
                    if strict:
                        raise TapeError(f"{tape}: {bad.sentence}") from None
                    _reject(rejected, report, bad, header, cells)
                else:
                    lines.writelines(map(write_line, events(document.value, row, report)))
                if progress is not None and report.rows % PROGRESS_EVERY == 0:
                    progress(raw.tell(), size)
            if progress is not None:
                progress(size, size)
        unfinished.replace(out)
        if report.bad_rows:
            report.rejects = aside_unfinished.replace(aside)
        else:
            aside.unlink(missing_ok=True)  # of an earlier import: it would say what is not true
    finally:
        unfinished.unlink(missing_ok=True)
        aside_unfinished.unlink(missing_ok=True)
    return report


def events(mapping: Mapping, row: Row, report: ImportReport) -> Iterator[Event]:
    """Answer the events of one row in the order of their times, and count them in *report*."""
    report.clients += 1
    began = at(row.closes[0] - timedelta(days=1), CLOSED)
    yield _event(
        mapping, Told(began, f"{row.customer_id}/customer", _customer(mapping, row)), report
    )
    yield _event(mapping, Told(began, f"{row.account_id}/account", _account(mapping, row)), report)
    arrears = Arrears(row, least=mapping.instalment.at_least * mapping.minor_per_unit)
    for told in arrears.facts():
        yield _event(mapping, told, report)
    report.months += arrears.months


def _event(mapping: Mapping, told: Told, report: ImportReport) -> Event:
    name = TYPE_OF[type(told.fact)]
    report.events[name] += 1
    if told.reason:
        report.inferred[told.reason] += 1
    return Event(
        id=told.id,
        source=mapping.source,
        type=name,
        subject=told.fact.customer_id,
        time=told.at,
        data=told.fact,
    )


def _customer(mapping: Mapping, row: Row) -> Fact:
    constants = mapping.constants
    return CustomerUpdated(
        customer_id=row.customer_id,
        language=constants.language,
        time_zones=(constants.time_zone,),
        region=constants.region,
        jurisdiction=constants.jurisdiction,
        risk_grade=constants.risk_grade,
        flags=constants.flags,
        contact_points=tuple(
            replace(point, value=point.value.replace("{id}", row.customer_id))
            for point in mapping.contact_points
        ),
    )


def _account(mapping: Mapping, row: Row) -> Fact:
    return AccountUpdated(
        account_id=row.account_id,
        customer_id=row.customer_id,
        product=row.product,  # type: ignore[arg-type]  # rows.py lets no other through
        currency=row.currency,
        creditor=mapping.constants.creditor,
        collector_role=mapping.constants.collector_role,
        limit_minor=row.limit_minor,
        secured=mapping.constants.secured,
    )


def _reject(
    rejected: TextIO, report: ImportReport, bad: BadRow, header: list[str], cells: list[str]
) -> None:
    writer = csv.writer(rejected)
    if not report.bad_rows:
        writer.writerow(["line", "column", "reason", *header])
    writer.writerow([bad.line, bad.column, bad.reason, *cells])
    report.reject(bad)
