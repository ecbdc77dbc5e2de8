"""Write docs/reference/data-classes.md from the registry: `python -m shared.privacy.page > docs/reference/data-classes.md`."""

import sys
from collections.abc import Iterable, Iterator

from shared.privacy.registry import CUSTOMER_UPDATED, TABLES, Column

HEAD = """\
# Which data stand where

Made from shared/privacy/registry.py by `python -m shared.privacy.page`; a test compares this page, the registry and the
migrated schemas. Classes are those of JR/T 0171-2020: C2 identifies a person or tells their finances, C1 is the bank's own and
of little harm. C3 (what proves who somebody is) is taken in nowhere. Columns that say nothing about a person are not listed.
"""


def page() -> str:
    """Answer the page as Markdown."""
    return "\n".join([HEAD, *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    for table in TABLES:
        where = f"{table.schema}.{table.name}" if table.schema else f"{table.name} (every service)"
        yield f"## {where}\n"
        yield f"Holds {table.holds}. Kept {table.retention}.\n"
        yield from _columns(table.columns)
    yield "## customer.updated on Kafka\n"
    yield "The only event that carries contact values. Kept as long as the topic's retention says.\n"
    yield from _columns(CUSTOMER_UPDATED)


def _columns(columns: Iterable[Column]) -> Iterator[str]:
    personal = [
        column for column in columns if column.data_class != "none" or column.encryption != "none"
    ]
    if not personal:
        yield "Nothing about a person.\n"
        return
    yield "| column | class | encryption | mask |\n|---|---|---|---|"
    for column in personal:
        yield f"| {column.name} | {column.data_class} | {column.encryption} | {column.mask or '-'} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
