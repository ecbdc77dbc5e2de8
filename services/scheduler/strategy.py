"""Read a strategy from its YAML file; what is wrong is said with the line, the field and the mend."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from services.scheduler.domain.hours import zone
from services.scheduler.policy import STAGES, Step, Strategy

_NAME = re.compile(r"^[\w.-]+\Z")
_HOUR = re.compile(r"^\d\d:\d\d$")
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`")
Place = list[str | int]
"""A path in the file: names of fields, indices (from 0) of lists."""
Problem = tuple[Place, str]
_PART = re.compile(r"\.(\w+)|\[(\d+)\]")


class StrategyError(ValueError):
    """The strategy file cannot be used; the message holds file, line, field and what to write instead."""


def load(path: Path) -> Strategy:
    """Read and check the strategy in *path*; raises StrategyError, or OSError when it cannot be read."""
    text = path.read_text(encoding="utf-8")
    try:
        tree = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or error
        raise StrategyError(f"{path.name}, line {line}: not YAML: {problem}") from error
    if not isinstance(tree, CommentedMap):
        raise StrategyError(
            f"{path.name}, line 1: a strategy is a mapping with `name` and `ladder`"
        )
    try:
        strategy = msgspec.convert(_plain(tree), Strategy)
    except msgspec.ValidationError as error:
        message = str(error)
        found = _AT.search(message)
        where = _steps_to(found["path"]) if found else []
        what = message[: found.start()] if found else message
        raise StrategyError(
            f"{path.name}, line {_line(tree, where)}: {_name(where)}: {what}"
        ) from error
    for where, problem in _problems(strategy):
        raise StrategyError(f"{path.name}, line {_line(tree, where)}: {_name(where)}: {problem}")
    return strategy


def _problems(strategy: Strategy) -> Iterator[Problem]:
    """Name what the types cannot say, each with the place it stands at."""
    try:
        zone(strategy.business_zone)
    except ValueError as error:
        yield ["business_zone"], str(error)
    if strategy.quiet_until >= strategy.quiet_from:
        yield ["quiet_until"], "must be earlier than quiet_from"
    if list(strategy.bucket_bounds) != sorted(set(strategy.bucket_bounds)):
        yield ["bucket_bounds"], "must rise"
    if not strategy.ladder:
        yield ["ladder"], "needs at least one step"
    names: set[str] = set()
    for index, step in enumerate(strategy.ladder):
        place: Place = ["ladder", index]
        if step.name in names:
            yield [*place, "name"], f"{step.name!r} stands twice; a step's name is its identity"
        names.add(step.name)
        yield from _in_itself(step, place, strategy)
        if index:
            yield from _after(step, strategy.ladder[index - 1], place)


def _in_itself(step: Step, place: Place, strategy: Strategy) -> Iterator[Problem]:
    """Name what is wrong with a step whatever stands before it."""
    at = step.at or strategy.at
    if not _NAME.match(step.name):
        yield [*place, "name"], f"{step.name!r} must be of letters, digits, and any of _ . -"
    if step.day == 0:
        yield [*place, "day"], "there is no day 0: 1 is the first day late, -1 the day before"
    if not strategy.quiet_until <= at < strategy.quiet_from:
        yield [*place, "at"], f"{at:%H:%M} lies in the quiet hours"
    if step.kind == "contact":
        if not step.ways:
            yield place, "a contact needs `ways`: [{channel: sms, template: sms.reminder}]"
        return
    if step.ways:
        yield [*place, "ways"], f"a step of kind {step.kind} has no `ways`"
    if step.day < 0:
        yield [*place, "day"], "only contacts come before the due date"


def _after(step: Step, before: Step, place: Place) -> Iterator[Problem]:
    """Name what is wrong with a step because of the one before it."""
    if step.day < before.day:
        yield (
            [*place, "day"],
            f"steps stand in the order of their days; {before.name!r} is later",
        )
    if STAGES.index(step.stage) < STAGES.index(before.stage):
        yield [*place, "stage"], f"stages only rise; {before.name!r} is further"


def _plain(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    if isinstance(node, str) and _HOUR.match(node):
        return f"{node}:00"
    return node


def _steps_to(path: str) -> Place:
    return [name or int(index) for name, index in _PART.findall(path)]


def _line(tree: Any, where: Place) -> int:
    """Answer the line (from 1) of the deepest part of *where* that stands in the file."""
    line = 1
    node = tree
    for part in where:
        if not isinstance(node, CommentedMap | CommentedSeq):
            break
        try:
            line = node.lc.data[part][0] + 1
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return int(line)


def _name(where: Place) -> str:
    return (
        "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
        or "file"
    )
