"""Print figures as Markdown tables, so that they can be put into the documentation as they are."""

import os
import platform
from collections.abc import Sequence

import psutil


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Answer a Markdown table; numbers are written with separators."""
    lines = [list(head), ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if cell >= 100 else f"{cell:,.2g}" if cell < 1 else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def quantile(values: Sequence[float], share: float) -> float:
    """Answer the value below which *share* of the values lie; 0 where there are none."""
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0


def machine() -> str:
    """Say where the figures come from, and how busy it was already."""
    load = os.getloadavg()[0]
    return (
        f"{psutil.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}, "
        f"load of others at the start {load:.1f} (above 0.5, trust CPU figures and ratios only)\n"
    )
