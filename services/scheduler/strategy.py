"""Read a strategy from its YAML file; what is wrong is said with the line, the field and the mend."""

import re
from collections.abc import Iterator
from pathlib import Path

from services.scheduler.domain.hours import zone
from services.scheduler.policy import STAGES, Step, Strategy
from shared.yaml_lines import Place, YamlError, read

_NAME = re.compile(r"^[\w.-]+\Z")
_HOUR = re.compile(r"^\d\d:\d\d$")
Problem = tuple[Place, str]
_HOURS = "; hours of contact are rules now: delete it, and write FIRM.TIME.QUIET of deploy/packs/firm-standard.yaml"
_MOVED = {"quiet_until": _HOURS, "quiet_from": _HOURS}
"""What older strategy files hold, and where it is said now."""


class StrategyError(ValueError):
    """The strategy file cannot be used; the message holds file, line, field and what to write instead."""


def load(path: Path) -> Strategy:
    """Read and check the strategy in *path*; raises StrategyError, or OSError when it cannot be read."""
    try:
        document = read(
            path, Strategy, "a strategy is a mapping with `name` and `ladder`", _with_seconds
        )
        for where, problem in _problems(document.value):
            raise document.error(problem, *where)
    except YamlError as error:
        moved = next((mend for name, mend in _MOVED.items() if f"`{name}`" in str(error)), "")
        raise StrategyError(f"{error}{moved}") from None
    return document.value


def _problems(strategy: Strategy) -> Iterator[Problem]:
    """Name what the types cannot say, each with the place it stands at."""
    try:
        zone(strategy.business_zone)
    except ValueError as error:
        yield ("business_zone",), str(error)
    for name in ("packs", "calendars", "content"):
        if getattr(strategy, name):
            yield (
                (name,),
                f"is loaded beside the strategy (ARREARS_{name.upper()}): delete it",
            )
    if list(strategy.bucket_bounds) != sorted(set(strategy.bucket_bounds)):
        yield ("bucket_bounds",), "must rise"
    if not strategy.ladder:
        yield ("ladder",), "needs at least one step"
    names: set[str] = set()
    for index, step in enumerate(strategy.ladder):
        place: Place = ("ladder", index)
        if step.name in names:
            yield (*place, "name"), f"{step.name!r} stands twice; a step's name is its identity"
        names.add(step.name)
        yield from _in_itself(step, place)
        if index:
            yield from _after(step, strategy.ladder[index - 1], place)


def _in_itself(step: Step, place: Place) -> Iterator[Problem]:
    """Name what is wrong with a step whatever stands before it."""
    if not _NAME.match(step.name):
        yield (*place, "name"), f"{step.name!r} must be of letters, digits, and any of _ . -"
    if step.day == 0:
        yield (*place, "day"), "there is no day 0: 1 is the first day late, -1 the day before"
    if step.kind == "contact":
        if not step.ways:
            yield place, "a contact needs `ways`: [{channel: sms, template: sms.reminder}]"
        return
    if step.ways:
        yield (*place, "ways"), f"a step of kind {step.kind} has no `ways`"
    if step.day < 0:
        yield (*place, "day"), "only contacts come before the due date"


def _after(step: Step, before: Step, place: Place) -> Iterator[Problem]:
    """Name what is wrong with a step because of the one before it."""
    if step.day < before.day:
        yield (
            (*place, "day"),
            f"steps stand in the order of their days; {before.name!r} is later",
        )
    if STAGES.index(step.stage) < STAGES.index(before.stage):
        yield (*place, "stage"), f"stages only rise; {before.name!r} is further"


def _with_seconds(text: str) -> str:
    """Write an hour such as 09:30 the way the type of a time is written."""
    return f"{text}:00" if _HOUR.match(text) else text
