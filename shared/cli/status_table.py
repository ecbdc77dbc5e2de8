"""Lay out what /health says of all services, one row each."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Health = Mapping[str, Any]

COLOURS = {"pass": "green", "warn": "yellow", "fail": "red"}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lag": ("kafka:lag",),
    "outbox": ("outbox:rows",),
    "oldest": ("outbox:age",),
    "effects": ("effects:pending", "effects:sending"),
    "due for": ("effects:due-age",),
    "quarantine": ("quarantine:waiting",),
    "parked": ("cases:parked",),
    "stale": ("core-banking:stale",),
    "silent": ("core-banking:silence",),
    "stops": ("controls:stops", "controls:fuses", "controls:mass-failure"),
}
"""Column -> the checks whose values it shows; those of one check's components are added up."""
SECONDS = frozenset({"oldest", "due for"})


def table(found: Mapping[str, Health]) -> RenderableType:
    """Answer the table, and below it why anything is not well."""
    rows = Table(box=None, header_style="bold", pad_edge=False)
    rows.add_column("service")
    rows.add_column("status")
    for name in COLUMNS:
        rows.add_column(name, justify="right")
    notes = []
    for service, body in found.items():
        status = body["status"]
        checks = body.get("checks", {})
        cells = [_cell(name, keys, checks) for name, keys in COLUMNS.items()]
        rows.add_row(service, Text(status, style=COLOURS[status]), *cells)
        notes += [Text(f"{service}: {why}", style=COLOURS[status]) for why in _why(body)]
    return Group(rows, *([Text(""), *notes] if notes else []))


def _cell(name: str, keys: tuple[str, ...], checks: Mapping[str, list[Health]]) -> Text:
    entries = [checks[key] for key in keys if key in checks]
    if not entries:
        return Text("-", style="dim")
    values = [sum(entry["observedValue"] for entry in each) for each in entries]
    unit = " s" if name in SECONDS else " h" if name == "silent" else ""
    statuses = [entry["status"] for each in entries for entry in each]
    worst = max(statuses, key=list(COLOURS).index)
    shown = "+".join(f"{value:g}" for value in values) + unit
    return Text(shown, style="" if worst == "pass" else COLOURS[worst])


def _why(body: Health) -> list[str]:
    said = list(body.get("notes", []))
    for key, entries in body.get("checks", {}).items():
        for entry in entries:
            output = entry.get("output")
            if output and output not in said:
                said.append(output)
            elif entry["status"] != "pass" and not output:
                part = f" {entry['componentId']}" if entry.get("componentId") else ""
                said.append(f"{key}{part} is {entry['observedValue']} {entry['observedUnit']}")
    return said
