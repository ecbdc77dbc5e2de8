"""Read a mapping: which column of a tape means what, and the constants that a tape leaves out."""

import codecs
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from shared.events.core_banking import ContactPoint, Jurisdiction
from shared.events.envelope import Currency, Name
from shared.tape.months import before, between
from shared.yaml_lines import Document, Step, YamlError, read

Product = Literal["credit_card", "consumer_loan", "auto_loan", "mortgage", "business_loan"]
ColumnName = Annotated[str, Meta(min_length=1)]


class MappingError(ValueError):
    """The mapping cannot be used; the message begins with the file and the line."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common to all parts of a mapping: a key that we do not know is an error, not a silence."""


class Identity(Part, frozen=True):
    """An id: what stands in `column`, between `prefix` and `suffix`."""

    column: ColumnName
    prefix: str = ""
    suffix: str = ""


class FromColumn(Part, frozen=True):
    """A value that differs by row: the text in `column`, translated by `values` where given."""

    column: ColumnName
    values: dict[str, str] | None = None


class Month(Part, frozen=True):
    """
    One month of the tape.

    `status` counts the months past due at the close: k >= 1 means that the oldest unpaid instalment
    fell due k months before `due_on`; 0 and less mean that nothing is. `closed_on` is the day on
    which the bank drew up the statement. `due_on` and `closed_on` are dates, or columns with ISO dates.
    """

    label: str
    due_on: date | FromColumn
    closed_on: date | FromColumn
    status: ColumnName
    amount_due: ColumnName
    amount_paid: ColumnName


class InstalmentShare(Part, frozen=True):
    """
    How much of the column `amount_due` an instalment is: `percent` of it, at least `at_least` (in
    units of the currency), never more than the whole. A row with arrears and nothing due gets `at_least`.
    """

    percent: Annotated[int, Meta(ge=1, le=100)] = 100
    at_least: Annotated[int, Meta(ge=1)] = 1


class Constants(Part, frozen=True):
    """What holds for every row: the customer's circumstances, and who collects for whom."""

    language: Annotated[str, Meta(min_length=2, max_length=35)]
    time_zone: str
    region: str
    jurisdiction: Jurisdiction
    creditor: Name
    collector_role: Literal["first_party", "third_party"]
    risk_grade: str | None = None
    flags: tuple[str, ...] = ()
    secured: bool | None = None


class Mapping(Part, frozen=True):
    """
    A whole mapping (docs/reference/import.md explains each key).

    `minor_per_unit` is how many minor units (fen, cents) make one unit of the amounts on the tape.
    `contact_points` are placeholders: `{id}` in a value becomes the row's customer id.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
    customer_id: Identity
    account_id: Identity
    product: Product | FromColumn
    currency: Currency | FromColumn
    months: Annotated[tuple[Month, ...], Meta(min_length=1, max_length=120)]
    constants: Constants
    contact_points: tuple[ContactPoint, ...] = ()
    limit: ColumnName | None = None
    minor_per_unit: Literal[1, 10, 100, 1000] = 100
    instalment: InstalmentShare = InstalmentShare()
    encoding: str = "utf-8-sig"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","

    @property
    def source(self) -> str:
        """The CloudEvents `source` of the events of this tape."""
        return f"/tapes/{self.name}"


def load(path: Path) -> Document[Mapping]:
    """
    Read the mapping at *path*; the document keeps its lines, for errors that only show beside the tape.

    Raises MappingError with the line of the YAML for anything that is wrong in itself.
    """
    try:
        document = read(path, Mapping, "a mapping names the columns of a tape: see import.md")
        _check(document)
    except YamlError as error:
        raise MappingError(str(error)) from None
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from None
    return document


def columns(mapping: Mapping) -> list[tuple[str, tuple[Step, ...]]]:
    """Name every column that the mapping reads, and where in the mapping it says so."""
    named: list[tuple[str, tuple[Step, ...]]] = [
        (mapping.customer_id.column, ("customer_id",)),
        (mapping.account_id.column, ("account_id",)),
    ]
    if mapping.limit is not None:
        named.append((mapping.limit, ("limit",)))
    sources: list[tuple[object, tuple[Step, ...]]] = [
        (mapping.product, ("product",)),
        (mapping.currency, ("currency",)),
    ]
    for index, month in enumerate(mapping.months):
        place: tuple[Step, ...] = ("months", index)
        named += [
            (month.status, (*place, "status")),
            (month.amount_due, (*place, "amount_due")),
            (month.amount_paid, (*place, "amount_paid")),
        ]
        sources += [(month.due_on, (*place, "due_on")), (month.closed_on, (*place, "closed_on"))]
    named += [(source.column, steps) for source, steps in sources if isinstance(source, FromColumn)]
    return named


def dates_fault(dues: tuple[date, ...], closes: tuple[date, ...]) -> tuple[str, int] | None:
    """
    Say what is wrong with the months' dates, and with which month; None: nothing.

    Due dates go on month by month; each close comes after the due date of the month before.
    """
    for index, (due_on, closed_on) in enumerate(zip(dues, closes, strict=True)):
        if index > 0 and between(dues[index - 1], due_on) != 1:
            return f"due on {due_on}, which is not the month after {dues[index - 1]}", index
        last_due = dues[index - 1] if index > 0 else before(due_on, 1)
        if closed_on <= last_due:
            return f"closed on {closed_on}, not after the last due date, {last_due}", index
        if index > 0 and closed_on <= closes[index - 1]:
            return f"closed on {closed_on}, not after the month before, {closes[index - 1]}", index
    return None


def _check(document: Document[Mapping]) -> None:
    mapping = document.value
    try:
        codecs.lookup(mapping.encoding)
    except LookupError:
        raise document.error(f"no encoding is called {mapping.encoding!r}", "encoding") from None
    _check_zone(document, mapping.constants.time_zone, "constants", "time_zone")
    seen: set[str] = set()
    for index, point in enumerate(mapping.contact_points):
        for number, zone in enumerate(point.zones):
            _check_zone(document, zone, "contact_points", index, "zones", number)
        if point.point_id in seen:
            raise document.error(f"a second point {point.point_id!r}", "contact_points", index)
        seen.add(point.point_id)
    if isinstance(mapping.product, FromColumn):
        for raw, product in (mapping.product.values or {}).items():
            if product not in get_args(Product):
                allowed = ", ".join(get_args(Product))
                raise document.error(f"{product!r} is none of {allowed}", "product", "values", raw)
    dues = tuple(month.due_on for month in mapping.months if isinstance(month.due_on, date))
    closes = tuple(month.closed_on for month in mapping.months if isinstance(month.closed_on, date))
    if len(dues) == len(closes) == len(mapping.months):
        fault = dates_fault(dues, closes)
        if fault is not None:
            raise document.error(fault[0], "months", fault[1])


def _check_zone(document: Document[Mapping], zone: str, *steps: Step) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise document.error(f"no time zone is called {zone!r}", *steps) from None
