"""Read a tape row by row, in constant memory, into what the mapping says it means."""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, get_args

from shared.events.identifiers import personal
from shared.events.personal_numbers import number_in
from shared.tape.mapping import (
    FromColumn,
    Identity,
    Mapping,
    MappingError,
    Product,
    columns,
    dates_fault,
)
from shared.yaml_lines import Document

WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
AMOUNT = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,6})?(?:[eE]\+?\d{1,2})?", re.ASCII)
"""Spreadsheets write round numbers like 5.00E+05; that is exact."""
MAX_MINOR = 10**15
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
PRODUCTS = frozenset(get_args(Product))
MAX_NAME = 128
MAX_STATUS = 120
"""Ten years past due: more is a mistake of the tape, and would make as many instalments."""


class TapeError(ValueError):
    """The tape cannot be read (on), or a strict import met a bad row."""


class CellError(ValueError):
    """A row that cannot be imported: which column, and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """
    One account over the months of the tape, oldest first; amounts in minor units.

    `due` is what an instalment of the month comes to (0: the statement asks for nothing), `paid` what
    was paid in the month, before its close; `status` the months past due at the close, never below 0.
    """

    customer_id: str
    account_id: str
    product: str
    currency: str
    limit_minor: int | None
    dues: tuple[date, ...]
    closes: tuple[date, ...]
    status: tuple[int, ...]
    due: tuple[int, ...]
    paid: tuple[int, ...]


@contextmanager
def opened(
    tape: Path, mapping: Mapping
) -> Iterator[tuple[Iterator[tuple[int, list[str]]], BinaryIO]]:
    """
    Open *tape* (.gz or plain) as numbered rows of cells, and the file itself, whose position tells progress.

    The number is the line on which the row ends. Raises TapeError for a file that cannot be read.
    """
    try:
        raw = tape.open("rb")
    except OSError as error:
        raise TapeError(f"{tape}: {error.strerror}") from None
    with raw:
        plain = gzip.GzipFile(fileobj=raw) if tape.suffix == ".gz" else raw
        # cells that cannot be decoded are complaints about their row, not about the file
        text = io.TextIOWrapper(plain, mapping.encoding, errors="surrogateescape", newline="")
        yield _numbered(tape, text, mapping.delimiter), raw


def _numbered(
    tape: Path, text: io.TextIOWrapper, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, EOFError, OSError, UnicodeError) as error:
            raise TapeError(f"{tape}: after line {reader.line_num}: {error}") from None
        if cells:
            yield reader.line_num, cells


class Reader:
    """Make rows of cells, by a mapping and the tape's header."""

    def __init__(self, document: Document[Mapping], header: Sequence[str]) -> None:
        """Find the columns; raises MappingError with the mapping's line for one that the tape lacks."""
        self._mapping = document.value
        self._width = len(header)
        self._at = {name.strip(): index for index, name in enumerate(header)}
        for column, steps in columns(self._mapping):
            if column not in self._at:
                fault = document.error(f"the tape has no column {column!r}", *steps)
                raise MappingError(str(fault))
            if [name.strip() for name in header].count(column) > 1:
                fault = document.error(f"the tape has two columns {column!r}", *steps)
                raise MappingError(str(fault))

    def row(self, cells: Sequence[str]) -> Row:
        """Read one row; raises CellError for the first cell that is wrong."""
        if len(cells) != self._width:
            raise CellError("", f"{len(cells)} cells, the header has {self._width}")
        mapping, months = self._mapping, self._mapping.months
        customer_id = self._name(mapping.customer_id, cells)
        kind = personal(customer_id)
        if kind is not None:
            raise CellError(
                mapping.customer_id.column, f"looks like {kind}: not to be a customer_id"
            )
        account_id = self._name(mapping.account_id, cells)
        if held := number_in(account_id, identifier=True):
            raise CellError(mapping.account_id.column, held)
        limit = mapping.limit
        return Row(
            customer_id=customer_id,
            account_id=account_id,
            product=self._choice(mapping.product, cells, PRODUCTS.__contains__, "product"),
            currency=self._choice(mapping.currency, cells, _is_currency, "currency"),
            limit_minor=None
            if limit is None or not self._cell(limit, cells)
            else self._amount(limit, cells, least=0),
            dues=(dates := self._dates(cells))[0],
            closes=dates[1],
            status=tuple(self._status(month.status, cells) for month in months),
            due=tuple(self._due(month.amount_due, cells) for month in months),
            paid=tuple(self._amount(month.amount_paid, cells, least=0) for month in months),
        )

    def _cell(self, column: str, cells: Sequence[str]) -> str:
        return cells[self._at[column]].strip()

    def _name(self, identity: Identity, cells: Sequence[str]) -> str:
        text = self._cell(identity.column, cells)
        if not text:
            raise CellError(identity.column, "empty")
        if UNPRINTABLE.search(text):
            raise CellError(identity.column, "holds control characters, or another encoding")
        name = f"{identity.prefix}{text}{identity.suffix}"
        if len(name) > MAX_NAME:
            raise CellError(identity.column, f"longer than {MAX_NAME} characters")
        return name

    def _choice(
        self,
        source: str | FromColumn,
        cells: Sequence[str],
        allowed: Callable[[str], bool],
        what: str,
    ) -> str:
        if isinstance(source, str):
            return source
        text = self._cell(source.column, cells)
        value = text if source.values is None else source.values.get(text)
        if value is None or not allowed(value):
            raise CellError(source.column, f"{text!r} is no {what} that the mapping knows")
        return value

    def _amount(self, column: str, cells: Sequence[str], least: int | None = None) -> int:
        text = self._cell(column, cells)
        if not AMOUNT.fullmatch(text):
            raise CellError(column, f"{text!r} is not an amount" if text else "empty")
        exact = Decimal(text) * self._mapping.minor_per_unit
        if exact != (amount := int(exact)):
            raise CellError(column, f"{text} is finer than a minor unit of the currency")
        if abs(amount) > MAX_MINOR:
            raise CellError(column, f"{text} is more than an amount can be")
        if least is not None and amount < least:
            raise CellError(column, f"{text} is below zero")
        return amount

    def _due(self, column: str, cells: Sequence[str]) -> int:
        """Answer the instalment of a statement: its share, rounded up; 0 where nothing is owed."""
        share, minor = self._mapping.instalment, self._mapping.minor_per_unit
        whole = max(self._amount(column, cells), 0)
        return min(whole, max(-(-whole * share.percent // 100), share.at_least * minor))

    def _status(self, column: str, cells: Sequence[str]) -> int:
        text = self._cell(column, cells)
        if not WHOLE.fullmatch(text):
            raise CellError(column, f"{text!r} is not a whole number" if text else "empty")
        if int(text) > MAX_STATUS:
            raise CellError(column, f"{text} months past due, more than {MAX_STATUS}")
        return max(int(text), 0)

    def _dates(self, cells: Sequence[str]) -> tuple[tuple[date, ...], tuple[date, ...]]:
        months = self._mapping.months
        dues = tuple(self._date(month.due_on, cells) for month in months)
        closes = tuple(self._date(month.closed_on, cells) for month in months)
        fault = _dates_fault(dues, closes)
        if fault is not None:
            source = months[fault[1]].due_on
            raise CellError(source.column if isinstance(source, FromColumn) else "", fault[0])
        return dues, closes

    def _date(self, source: date | FromColumn, cells: Sequence[str]) -> date:
        if isinstance(source, date):
            return source
        text = self._cell(source.column, cells)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise CellError(source.column, f"{text!r} is not a date like 2026-03-31") from None


_dates_fault = lru_cache(maxsize=1024)(dates_fault)


def _is_currency(text: str) -> bool:
    return CURRENCY.fullmatch(text) is not None
