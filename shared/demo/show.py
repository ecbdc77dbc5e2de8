"""Show the demo to people: the summary as tables, and one customer's whole story as a timeline."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from shared.events.envelope import Event
from shared.events.scheduler import FollowUpDue
from shared.replay.summary import Summary

SKIPPED_FIELDS = frozenset({"customer_id", "follow_up_id", "effect_id", "situation", "choices"})


def summary(console: Console, found: Summary) -> None:
    """Print the figures of a run."""
    console.print(_counts("open cases by bucket", found.cases.by_bucket))
    console.print(_counts("open cases by stage", found.cases.by_stage))
    contacts = Table(title="contacts by channel and outcome")
    outcomes = sorted({name for row in found.contacts.values() for name in row if ":" not in name})
    for heading in ("channel", *outcomes):
        contacts.add_column(heading, justify="left" if heading == "channel" else "right")
    for channel, row in found.contacts.items():
        contacts.add_row(channel, *(f"{row.get(name, 0):,}" for name in outcomes))
    console.print(contacts)
    console.print(_counts("visits", found.visits))
    console.print(_counts("legal steps", found.legal))
    console.print(
        _counts(
            "money and cures",
            {
                "cases cured": found.cures,
                "cases reopened": found.reopened,
                **{
                    f"overdue, {name} (minor units)": sum_
                    for name, sum_ in found.overdue_minor.items()
                },
            },
        )
    )
    console.print(_rolls(found.roll_matrix))


def timeline(console: Console, customer_id: str, events: Iterable[Event]) -> None:
    """Print the story of a customer, in order of time."""
    table = Table(title=f"the story of {customer_id}", show_lines=False)
    for heading in ("when (UTC)", "who", "what", "details"):
        table.add_column(heading, overflow="fold")
    for event in events:
        table.add_row(f"{event.time:%Y-%m-%d %H:%M}", _who(event), event.type, details(event))
    console.print(table)


def details(event: Event) -> str:
    """Say what matters of an event on one line."""
    data = event.data
    if isinstance(data, FollowUpDue):
        ways = ", ".join(choice.channel for choice in data.choices)
        days = f"{data.situation.dpd} days past due" if data.situation else ""
        return " ".join(filter(None, (data.step or data.purpose, ways and f"by {ways}", days)))
    shown = []
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if name not in SKIPPED_FIELDS and value not in (None, "", ()):
            shown.append(f"{name}={_value(value)}")
    return " ".join(shown)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    amount, currency = getattr(value, "amount_minor", None), getattr(value, "currency", None)
    if amount is not None and currency is not None:
        return f"{amount / 100:,.2f} {currency}"
    return str(value)


def _who(event: Event) -> str:
    return event.source.rpartition("/")[2]


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title=title)
    table.add_column("what")
    table.add_column("how many", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _rolls(matrix: dict[str, dict[str, int]]) -> Table:
    names = sorted({*matrix, *(name for row in matrix.values() for name in row)})
    table = Table(title="roll matrix, month end to month end (rows: from, % of the row)")
    for heading in ("from", *names, "customers"):
        table.add_column(heading, justify="right")
    for name in names:
        row = matrix.get(name, {})
        total = sum(row.values())
        shares = (f"{100 * row.get(to, 0) / total:.1f}" if total else "" for to in names)
        table.add_row(name, *shares, f"{total:,}")
    return table
