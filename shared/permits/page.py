"""Write docs/reference/ways-in.md from the table: `python -m shared.permits.page > docs/reference/ways-in.md`."""

import sys
from collections.abc import Iterator

from shared.permits.ways_in import WAYS, Way

HEAD = """# How the gate comes to know

Made from shared/permits/ways_in.py by `python -m shared.permits.page`; a test fails for a type of the log that a rule pack or
the engine names and that has no row here, and for a row whose event or route is not there. How each declaration is sent:
docs/operations/declarations.md.

| type of the log | fact on the bus | topic | who says it | how it comes in |
|---|---|---|---|---|"""


def page() -> str:
    """Answer the page as Markdown."""
    return "\n".join([HEAD, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for way in sorted(WAYS, key=lambda way: (way.log, way.event, way.route)):
        kind = f" `{way.kind}`" if way.kind else ""
        topic = way.topic or "(HTTP)"
        yield f"| {way.log} | {way.event} | {topic} | {way.producer} | {_route(way)}{kind} |"


def _route(way: Way) -> str:
    return f"`{way.route}`" if way.route.startswith("POST") else way.route


if __name__ == "__main__":
    sys.stdout.write(page())
