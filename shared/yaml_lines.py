"""
Read YAML 1.2 strictly into typed values; every complaint names the file, the line, the field and the mend.

Only what JSON also has: a plain scalar is null, true, false or a decimal number, or it is text. So `off`, `on`,
`NO`, `22:00`, `2026.11.0` and `2026-11-20` stay text (a type that wants a date makes one of it). Keys are text and
stand once. Anchors, aliases, merge keys, tags and directives are refused: a reader, and a diff, see what is there.
"""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar, get_origin

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

T = TypeVar("T")
P = TypeVar("P")
Step = str | int
Place = tuple[Step, ...]
"""A path in a document: names of fields, indices (from 0) of lists."""
_DEEPEST = 30
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at (?:key in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_STEPS = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")
_UNQUOTED = re.compile(r"^Expected `str(?: \| null)?`, got `(?:int|float|bool|null)`")
_INTEGER = re.compile(r"^[-+]?[0-9]+$")
_NUMBER = re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.?[0-9]+)([eE][-+]?[0-9]+)?$")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class YamlError(ValueError):
    """The file cannot be used: `line` counts from 1; the text is `file, line N: field: what and the mend`."""

    def __init__(self, path: Path, line: int, what: str, where: Place = ()) -> None:
        super().__init__(f"{path.name}, line {line}: {named(where)}{what}")
        self.line = line


def named(where: Place) -> str:
    """Write a place as `rules[3].count: `; nothing for the document itself."""
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return f"{name.lstrip('.')}: " if name else ""


class Document(Generic[T]):
    """One YAML document as a `value` of a type, and where each part of it stands."""

    def __init__(self, path: Path, lines: dict[Place, int], value: T) -> None:
        """Keep *value* with the lines (from 1) of its places; `read` and `read_all` make documents."""
        self.path = path
        self.value = value
        self._lines = lines

    def error(self, what: str, *steps: Step) -> YamlError:
        """Make the error *what* about the part that *steps* lead to."""
        return YamlError(self.path, self.line(*steps), what, steps)

    def line(self, *steps: Step) -> int:
        """Answer the line (from 1) of the part that *steps* lead to, or of what there is of the way."""
        for length in range(len(steps), 0, -1):
            if (line := self._lines.get(steps[:length])) is not None:
                return line
        return self._lines[()]

    def part(self, model: type[P], *steps: Step) -> P:
        """Answer the part that *steps* lead to as a *model*; raises YamlError."""
        value: Any = self.value
        for step in steps:
            value = value[step]
        try:
            return msgspec.convert(value, model)
        except msgspec.ValidationError as error:
            raise _complaint(self, str(error), model, steps) from None


def read(
    path: Path, model: type[T], expected: str, text: Callable[[str], str] = lambda each: each
) -> Document[T]:
    """
    Read the one document in *path* as a *model*; raises YamlError, or OSError when it cannot be read.

    *expected* says what the file should be, for one that is not even a mapping (where *model* is a list type: a
    list); *text* may rewrite a text.
    """
    documents = list(read_all(path, model, expected, text))
    if len(documents) > 1:
        raise documents[1].error("a second document; keep one in a file")
    return documents[0]


def read_all(
    path: Path,
    model: type[T],
    expected: str,
    text: Callable[[str], str] = lambda each: each,
    mapping: Callable[[dict[str, Any]], dict[str, Any]] = lambda each: each,
) -> Iterator[Document[T]]:
    """
    Read every document in *path* (`---` stands between two) as a *model*; raises as `read` does.

    *text* may rewrite a text, *mapping* a mapping whose parts are rewritten.
    """
    count = 0
    for tree, lines in _Builder(path, text, mapping).documents():
        count += 1
        raw = Document(path, lines, tree)
        if not isinstance(tree, list if get_origin(model) is list else dict):
            raise raw.error(expected)
        try:
            value = msgspec.convert(tree, model)
        except msgspec.ValidationError as error:
            raise _complaint(raw, str(error), model) from None
        yield Document(path, lines, value)
    if not count:
        raise YamlError(path, 1, expected)


def _complaint(raw: Document[Any], text: str, model: type, part: Place = ()) -> YamlError:
    match = _PLACE.match(text)
    assert match is not None, "the pattern matches any text"
    what, path = match["what"], match["path"] or ""
    steps: list[Step] = [
        *part,
        *(int(step["index"]) if step["index"] else step["name"] for step in _STEPS.finditer(path)),
    ]
    if (unknown := _UNKNOWN.search(what)) is not None:
        near = get_close_matches(unknown["name"], _fields(model), n=1)
        return YamlError(
            raw.path,
            raw.line(*steps, unknown["name"]),
            f"{what}{f'; did you mean `{near[0]}`?' if near else ''}",
            tuple(steps),
        )
    if _UNQUOTED.match(what):
        what += "; write it in quotes"
    elif what.startswith("Expected `array`"):
        what += "; write a list: [...]"
    return raw.error(what, *steps)


def _fields(model: type) -> list[str]:
    """Name every field that *model* or a part of it has, to guess what a misspelt one meant."""
    schemas = msgspec.json.schema_components([model])[1].values()
    return sorted({name for schema in schemas for name in schema.get("properties", {})})


class _Builder:
    """Makes plain values of a file's events, and notes the line of every part."""

    def __init__(
        self,
        path: Path,
        text: Callable[[str], str],
        mapping: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self._path = path
        self._text = text
        self._rewritten = mapping
        self._lines: dict[Place, int] = {}
        self._events: Iterator[Any] = iter(())

    def documents(self) -> Iterator[tuple[Any, dict[Place, int]]]:
        """Answer each document's value and lines; raises YamlError at the first thing that is wrong."""
        data = self._path.read_bytes()
        try:
            source = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise YamlError(self._path, data[: error.start].count(b"\n") + 1, "not UTF-8") from None
        self._events = YAML(typ="rt", pure=True).parse(source)
        try:
            for event in self._events:
                if isinstance(event, DocumentStartEvent):
                    if event.version or event.tags:
                        self._fail(event, "directives such as %YAML are not used: delete it", ())
                    self._lines = {}
                    yield self._value(next(self._events), ()), self._lines
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise YamlError(self._path, line, f"not YAML: {error.problem}") from None
        except YAMLError as error:
            what = str(error).splitlines()[0]
            raise YamlError(self._path, 1, f"not YAML: {what}") from None

    def _value(self, event: Any, place: Place) -> Any:
        self._lines.setdefault(place, event.start_mark.line + 1)
        if isinstance(event, AliasEvent) or event.anchor:
            self._fail(event, "anchors and aliases are not used: write the value out", place)
        if event.tag:
            self._fail(event, f"tags are not used: delete {event.tag}", place)
        if len(place) > _DEEPEST:
            self._fail(event, "nested too deeply", ())
        if isinstance(event, MappingStartEvent):
            return self._mapping(place)
        if isinstance(event, SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(self._events), SequenceEndEvent):
                items.append(self._value(event, (*place, len(items))))
            return items
        return self._scalar(event)

    def _mapping(self, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._fail(event, "a key is a text", place)
            key = event.value
            if event.style is None and not isinstance(self._scalar(event), str):
                self._fail(event, f"the key {key} is no text: write it in quotes", place)
            if event.anchor or event.tag or key == "<<":
                self._fail(event, "anchors, tags and merge keys are not used: write it out", place)
            if key in values:
                self._fail(event, f"not YAML: the key `{key}` stands twice", place)
            self._lines[(*place, key)] = event.start_mark.line + 1
            values[key] = self._value(next(self._events), (*place, key))
        return self._rewritten(values)

    def _scalar(self, event: Any) -> Any:
        value: str = event.value
        if event.style is not None:
            return self._text(value)
        if value in _WORDS:
            return _WORDS[value]
        if _INTEGER.match(value):
            return int(value)
        return float(value) if _NUMBER.match(value) else self._text(value)

    def _fail(self, event: Any, what: str, place: Place) -> NoReturn:
        raise YamlError(self._path, event.start_mark.line + 1, what, place)
