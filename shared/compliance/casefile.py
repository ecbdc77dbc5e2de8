"""Case files: histories, proposals and the answers expected of the gate, strict YAML 1.2 (`arrears gate check`)."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from shared.compliance.entries import Entry
from shared.compliance.evidence import CLOCK_WORDS, clock_end
from shared.compliance.proposal import Proposal
from shared.yaml_lines import Document, Place, YamlError, read

P = TypeVar("P")
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
    n: str | float = ""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A history, and questions about it (see Suite.question); `note` is for the reader."""

    id: str
    packs: tuple[str, ...]
    asks: list[Any]
    base: dict[str, Any] = {}
    log: list[dict[str, Any]] = []
    note: str = ""
    n: str | float = ""


class Fact(msgspec.Struct, kw_only=True, rename={"from_": "from"}, forbid_unknown_fields=True):
    """A line of a log as case files write it: an Entry, whose `until` is a date or an instant."""

    id: str
    type: str
    at: Instant
    src: str = ""
    rec: Instant | None = None
    person: str = ""
    contacted: str = ""
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
    place: str = ""
    local: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    from_: str = ""
    to: str = ""


_ALIASES = {
    "contacted_person": "contacted",
    "autodialed": "autodialled",
    "debtor_region": "region",
    "zone": "zones",
}
_LOG_ALIASES = _ALIASES | {
    "end": "until",
    "occurred_at": "at",
    "recorded_at": "rec",
    "medium": "channel",
    "address": "point",
    "level": "scope",
    "ends": "until",
    "into": "to",
}
_UNKNOWN = "unknown"
_MAY_BE_UNKNOWN = frozenset({"role", "purpose", "voice", "limitation", "result"})
"""Fields in which the word `unknown` stands for no word at all: what is missing fails closed (RULES.md section 3)."""
_LISTS = frozenset({"debts", "zones", "tags", "local"})


class Suite:
    """The cases of a file, and where their parts stand; a malformed part spoils nothing but the questions that need it."""

    def __init__(self, document: Document[list[Any]]) -> None:
        self._document = document

    def __len__(self) -> int:
        """Answer how many cases there are."""
        return len(self._document.value)

    @property
    def cases(self) -> list[Case]:
        """All cases; raises CaseError for the first that is malformed."""
        return [self.case(number) for number in range(len(self))]

    def error(self, what: str, *place: str | int) -> CaseError:
        """Make the error *what* about the part of the file at *place*."""
        return CaseError(str(self._document.error(what, *place)))

    def case(self, number: int) -> Case:
        """Answer case *number* (from 0), its questions unread; raises CaseError."""
        return self._part(Case, number)

    def question(self, number: int, ask: int) -> Question:
        """Answer question *ask* (from 0) of case *number*; raises CaseError."""
        return self._part(Question, number, "asks", ask)

    def asked(self, number: int) -> tuple[str, list[str]]:
        """Answer what case *number* is called, and the notes of its questions, as far as they can be read."""
        raw = self._document.value[number]
        fields = raw if isinstance(raw, dict) else {}
        asks = fields.get("asks")
        if not isinstance(asks, list) or not asks:
            asks = [None]
        notes = [str(ask.get("n") or "") if isinstance(ask, dict) else "" for ask in asks]
        return str(fields.get("id") or f"case {number + 1}"), notes

    def log(self, number: int) -> list[Entry]:
        """Answer the log of case *number* (from 0); raises CaseError."""
        return [
            self._entry(raw, (number, "log", index))
            for index, raw in enumerate(self.case(number).log)
        ]

    def proposal(self, number: int, ask: int) -> Proposal:
        """Answer question *ask* of case *number*: its base, and what of it differs; raises CaseError."""
        changes = self._plain(self.question(number, ask).p, (number, "asks", ask, "p"))
        base = self._plain(self.case(number).base, (number, "base"))
        fields = {**base, **changes}

        def place(name: str) -> Place:
            where = (number, "asks", ask, "p") if name in changes else (number, "base")
            return *where, name

        for name in fields:
            if name not in _FIELDS and name not in _UNREAD:
                raise self.error(f"`{name}` is no field of a proposal", *place(name))
        if fields.get("at") is None:
            raise self.error(
                "needs `at`, the instant that is asked about", number, "asks", ask, "p"
            )
        known = {
            name: value
            for name, value in fields.items()
            if name in _FIELDS and _says_something(name, value)
        }
        try:
            proposal = msgspec.convert(known, Proposal)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$.")
            raise self.error(what, *place(path.rstrip("`").partition("[")[0])) from None
        if proposal.at.tzinfo is None:
            raise self.error("needs an offset, as in +08:00", *place("at"))
        for name, value in proposal.clocks.items():
            if isinstance(value, str) and value not in CLOCK_WORDS and clock_end(value) is None:
                words = ", ".join(CLOCK_WORDS)
                raise self.error(
                    f"{value!r} is none of {words}, a last day, and an instant with an offset",
                    *(*place("clocks"), name),
                )
        return proposal

    def expected_next(self, number: int, ask: int) -> datetime | Literal["event"] | None:
        """Answer the instant that the file expects, "event", or none where it does not say; raises CaseError."""
        text = self.question(number, ask).expect.next
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

    def _part(self, model: type[P], *place: str | int) -> P:
        try:
            return self._document.part(model, *place)
        except YamlError as error:
            raise CaseError(str(error)) from None

    def _entry(self, raw: dict[str, Any], place: Place) -> Entry:
        given = {
            name: value
            for name, value in self._plain(raw, place, _LOG_ALIASES).items()
            if _says_something(name, value) and (name in _OF_FACT or name not in _UNREAD)
        }
        given.setdefault("id", f"#{place[-1]}")
        if "start" in given:
            told = given.setdefault("at", given["start"])
            given |= {"at": given.pop("start"), "rec": given.get("rec", told)}
        try:
            fact = msgspec.convert(given, Fact)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$.")
            name = path.rstrip("`").partition("[")[0]
            if not name and "unknown field" in what:
                name = what.split("`")[-2]
            raise self.error(what, *place, *((name,) if name else ())) from None
        fields = {name: getattr(fact, name) for name in Fact.__struct_fields__}
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

    def _plain(
        self, raw: dict[str, Any], place: Place, aliases: dict[str, str] = _ALIASES
    ) -> dict[str, Any]:
        """Answer *raw* with `debt: A` read as `debts: [A]`, other spellings of a field, and a number as its text."""
        values: dict[str, Any] = {}
        for name, value in raw.items():
            if (known := aliases.get(name, name)) in values:
                raise self.error(f"stands beside another `{known}`", *place, name)
            number = type(value) in (int, float) and name != "days"
            values[known] = str(value) if number else value
        if "debt" in values:
            if "debts" in values:
                raise self.error("stands beside `debts`; one of them is enough", *place, "debt")
            debt = values.pop("debt")
            values["debts"] = debt if debt is None or isinstance(debt, list) else [debt]
        for name in _LISTS & values.keys():
            if isinstance(values[name], str):
                values[name] = [values[name]]
        return values


_FIELDS = frozenset(Proposal.__struct_fields__) - {"reservation", "share"}
_OF_FACT = frozenset(Fact.__struct_encode_fields__)
_UNREAD = _FIELDS | {
    *("id", "src", "direction", "case", "evidence", "evidence_id", "obtained", "obtained_via", "how", "how_obtained"),
    *("reply_to", "in_reply_to", "ref", "reference", "template", "text", "queued_at", "validity", "amount", "note", "n"),
}  # fmt: skip
"""Keys that may stand in a proposal or a log and that no rule reads there: RULES.md names them as facts of another part."""


def _says_something(name: str, value: Any) -> bool:
    return value is not None and not (value == _UNKNOWN and name in _MAY_BE_UNKNOWN)


def read_cases(path: Path) -> Suite:
    """Read a case file; raises CaseError where it is no list of YAML 1.2, or OSError when it cannot be read."""
    try:
        return Suite(read(path, list[Any], _EXPECTED))
    except YamlError as error:
        raise CaseError(str(error)) from None
