"""docker-compose.yml read as Compose reads it, and translated to this machine: other hosts, other paths, the same rest."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


class Missing(LookupError):
    """A required variable is not given; Compose would stop here too."""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with *variables* put in; raises Missing with the file's own message."""
    found = YAML(typ="safe").load(COMPOSE)
    filled: dict[str, Any] = fill(found, variables)
    return filled


def fill(value: Any, variables: Mapping[str, str]) -> Any:
    """Put the variables into every text of *value*."""
    if isinstance(value, dict):
        return {key: fill(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, variables) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: _one(match, variables), value)
    return value


def _one(match: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(match["name"])
    if given:
        return given
    if match["how"] == ":?":
        raise Missing(f"{match['name']}: {match['rest']}")
    return match["rest"] or ""


def translated(
    environment: Mapping[str, str], places: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """What a container would have, with each of *places* (a host:port or a path of the network inside) replaced."""
    result = {}
    for name, value in environment.items():
        for inside, here in places.items():
            value = value.replace(inside, here)  # noqa: PLW2901
        result[name] = value
    return {**result, **extra}
