"""Load a YAML file into a typed value; every complaint names the file's line."""

import re
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

T = TypeVar("T")
Step = str | int
PLACE = re.compile(r"^(?P<what>.*?)(?: - at (?:key in )?`\$(?P<path>.*)`)?$", re.DOTALL)
STEPS = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")
UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")


class YamlError(ValueError):
    """The file cannot be used: `line` counts from 1; the text is `file:line: what`."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}:{line}: {what}")
        self.line = line


class Document(Generic[T]):
    """A YAML file as a value of the type *model*, and where each part of it stands."""

    def __init__(self, path: Path, model: type[T]) -> None:
        """Read *path*; raises YamlError for bad YAML, and for a value that does not fit *model*."""
        self.path = path
        try:
            self._tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise YamlError(path, line, "not UTF-8") from None
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise YamlError(path, mark.line + 1 if mark else 1, str(error.problem)) from None
        except YAMLError as error:
            raise YamlError(path, 1, str(error).splitlines()[0]) from None
        try:
            self.value: T = msgspec.convert(_plain(self._tree), model)
        except msgspec.ValidationError as error:
            raise self._complaint(str(error)) from None

    def error(self, what: str, *steps: Step) -> YamlError:
        """Make the error *what* about the part that *steps* (keys and indices) lead to."""
        return YamlError(self.path, self.line(*steps), what)

    def line(self, *steps: Step) -> int:
        """Answer the line (from 1) of the part that *steps* lead to, or of what there is of the way."""
        node, line = self._tree, 0
        for step in steps:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0]
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0]
            else:
                break
            node = node[step]
        return line + 1

    def _complaint(self, text: str) -> YamlError:
        match = PLACE.match(text)
        assert match is not None, "the pattern matches any text"
        what, path = match["what"], match["path"] or ""
        steps: list[Step] = [
            int(step["index"]) if step["index"] else step["name"] for step in STEPS.finditer(path)
        ]
        unknown = UNKNOWN.search(what)
        if unknown is not None:
            steps.append(unknown["name"])
        place = path.lstrip(".")
        return self.error(f"{place}: {what}" if place else what, *steps)


def _plain(node: Any) -> Any:
    match node:
        case dict():
            return {key: _plain(value) for key, value in node.items()}
        case list():
            return [_plain(item) for item in node]
        case bool():
            return bool(node)
        case int():
            return int(node)
        case float():
            return float(node)
        case str():
            return str(node)
        case _:
            return node
