"""Case files: histories, proposals and the answers expected of the gate, strict YAML 1.2 (`arrears gate check`)."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from shared.compliance.entries import Entry
from shared.compliance.proposal import Proposal
from shared.yaml_lines import Document, Place, YamlError, read

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_EXPECTED = "a case file is a list of cases, each with `id`, `packs`, `base` and `asks`"
_DATE = len("2026-11-20")


class CaseError(ValueError):
    """The file cannot be used; the message holds file, line, field and what to write instead."""


class Expect(
    msgspec.Struct, frozen=True, kw_only=True, rename={"is_": "is"}, forbid_unknown_fields=True
):
    """
    The answer: `by` the rules in the way, `next` the earliest instant or "event", `flags` the rules that only ask for
    a review; what is not given is not compared.
    """

    is_: Literal["allow", "block"]
    by: tuple[str, ...] | None = None
    next: str | None = None
    flags: tuple[str, ...] | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the base differs (`p`), and on what was known when; `n` is a note."""

    p: dict[str, Any]
    expect: Expect
    known_at: Instant | None = None
    n: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A history, and questions about it; `note` is for the reader."""

    id: str
    packs: tuple[str, ...]
    asks: list[Question]
    base: dict[str, Any] = {}
    log: list[dict[str, Any]] = []
    note: str = ""
    n: str = ""


class Fact(msgspec.Struct, kw_only=True, rename={"from_": "from"}, forbid_unknown_fields=True):
    """A line of a log as case files write it: an Entry with `debt` for one debt; a contact's other facts no rule reads."""

    id: str
    type: str
    at: Instant
    src: str = ""
    rec: Instant | None = None
    person: str = ""
    contacted: str = ""
    debt: str = ""
    debts: tuple[str, ...] = ()
    point: str = ""
    channel: str = ""
    direction: str = ""
    result: str = ""
    party: str = ""
    purpose: str = ""
    creditor: str = ""
    collector: str = ""
    expires: Instant | None = None
    case: str = ""
    kind: str = ""
    until: str = ""
    days: int | None = None
    scope: str = ""
    topic: str = ""
    local: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    from_: str = ""
    to: str = ""
    role: str = ""
    voice: str = ""
    action: str = ""
    place: str = ""
    product: str = ""
    autodialled: bool = False
    tags: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    conduct: dict[str, Any] = {}
    evidence: str = ""
    obtained: str = ""
    n: str = ""
    note: str = ""


_ALIASES = {"contacted_person": "contacted", "autodialed": "autodialled"}


class Suite:
    """The cases of a file, and where their parts stand."""

    def __init__(self, document: Document[list[Case]]) -> None:
        self._document = document
        self.cases = document.value

    def error(self, what: str, *place: str | int) -> CaseError:
        """Make the error *what* about the part of the file at *place*."""
        return CaseError(str(self._document.error(what, *place)))

    def log(self, number: int) -> list[Entry]:
        """Answer the log of case *number* (from 0); raises CaseError."""
        return [
            self._entry(raw, (number, "log", index))
            for index, raw in enumerate(self.cases[number].log)
        ]

    def proposal(self, number: int, ask: int) -> Proposal:
        """Answer question *ask* of case *number*: its base, and what of it differs; raises CaseError."""
        case = self.cases[number]
        changes = self._plain(case.asks[ask].p, (number, "asks", ask, "p"))
        base = self._plain(case.base, (number, "base"))
        fields = {**base, **changes}
        for name in fields:
            if name not in _FIELDS:
                place = (
                    (number, "asks", ask, "p", name) if name in changes else (number, "base", name)
                )
                raise self.error(f"`{name}` is no field of a proposal", *place)
        if fields.get("at") is None:
            raise self.error(
                "needs `at`, the instant that is asked about", number, "asks", ask, "p"
            )
        known = {name: value for name, value in fields.items() if value is not None}
        try:
            proposal = msgspec.convert(known, Proposal)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$.")
            name = path.rstrip("`").partition("[")[0]
            place = (number, "asks", ask, "p", name) if name in changes else (number, "base", name)
            raise self.error(what, *place) from None
        if proposal.at.tzinfo is None:
            raise self.error("needs an offset, as in +08:00", number, "asks", ask, "p", "at")
        return proposal

    def expected_next(self, number: int, ask: int) -> datetime | Literal["event"] | None:
        """Answer the instant that the file expects, "event", or none where it does not say; raises CaseError."""
        text = self.cases[number].asks[ask].expect.next
        if text is None or text == "event":
            return text  # type: ignore[return-value]  # mypy does not narrow str to the literal
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = datetime.min  # noqa: DTZ901  # has no offset: refused below
        if instant.tzinfo is None:
            raise self.error(
                f'{text!r} is neither "event" nor an instant with an offset',
                *(number, "asks", ask, "expect", "next"),
            )
        return instant

    def _entry(self, raw: dict[str, Any], place: Place) -> Entry:
        given = {
            name: value for name, value in self._plain(raw, place).items() if value is not None
        }
        try:
            fact = msgspec.convert(given, Fact)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$.")
            name = path.rstrip("`").partition("[")[0]
            if not name and "unknown field" in what:
                name = what.split("`")[-2]
            raise self.error(what, *place, *((name,) if name else ())) from None
        fields = {name: getattr(fact, name) for name in Entry.__struct_fields__ if name in _OF_FACT}
        fields["until"] = None
        if fact.until:
            fields |= self._end(fact.until, (*place, "until"))
        return Entry(**fields)

    def _end(self, text: str, place: Place) -> dict[str, date | datetime]:
        try:
            if len(text) == _DATE:
                return {"until_on": date.fromisoformat(text)}
            until = datetime.fromisoformat(text)
        except ValueError:
            raise self.error(f"{text!r} is neither a date nor an instant", *place) from None
        if until.tzinfo is None:
            raise self.error("needs an offset, as in +08:00", *place)
        return {"until": until}

    def _plain(self, raw: dict[str, Any], place: Place) -> dict[str, Any]:
        """Answer *raw* with `debt: A` read as `debts: [A]`, and other spellings of a field."""
        values = {_ALIASES.get(name, name): value for name, value in raw.items()}
        if "debt" in values:
            if "debts" in values:
                raise self.error("stands beside `debts`; one of them is enough", *place, "debt")
            debt = values.pop("debt")
            values["debts"] = None if debt is None else [debt]
        return values


_FIELDS = frozenset(Proposal.__struct_fields__) - {"reservation", "share"}
_OF_FACT = frozenset(Fact.__struct_fields__)


def read_cases(path: Path) -> Suite:
    """Read a case file; raises CaseError, or OSError when it cannot be read."""
    try:
        return Suite(read(path, list[Case], _EXPECTED))
    except YamlError as error:
        raise CaseError(str(error)) from None
