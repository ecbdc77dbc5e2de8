"""The tables of the runtime as numbered SQL files; each service's migrations run them in its own schema."""

from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def statements(name: str) -> Iterator[str]:
    """Yield the statements of `<name>.sql`, which end in a semicolon at the end of a line. Never change a released file."""
    for part in (HERE / f"{name}.sql").read_text(encoding="utf-8").split(";\n"):
        lines = [line for line in part.splitlines() if not line.lstrip().startswith("--")]
        if statement := "\n".join(lines).strip():
            yield statement
