"""`arrears quarantine`: look at what could not be decided, and let it be decided after the mend."""

import asyncio
from typing import Annotated

import typer

from shared.cli.output import fail, say

app = typer.Typer(help="Events that could not be decided, and the customers parked behind them.")
Service = Annotated[
    str, typer.Option(help="scheduler, notifier, visits or legal; all when left out.")
]


@app.command("list")
def list_(service: Service = "") -> None:
    """List what stands in quarantine, the oldest first."""
    from shared.cli.quarantining import listing  # noqa: PLC0415

    rows = asyncio.run(listing(service))
    for row in rows:
        say(row)
    if not rows:
        say("nothing in quarantine")


@app.command()
def show(service: str, entry: int) -> None:
    """Show one entry: topic, offset, reason, error."""
    from shared.cli.quarantining import details  # noqa: PLC0415

    text = asyncio.run(details(service, entry))
    if text is None:
        fail(f"{service} has no quarantine entry {entry}", code=1)
    say(text)


@app.command()
def release(
    service: str,
    customer: str,
    discard: Annotated[
        bool, typer.Option(help="Drop the record that cannot be decided, and go on behind it.")
    ] = False,
) -> None:
    """Decide a parked customer's events again, in order; what still fails stays parked."""
    from shared.cli.quarantining import let_go  # noqa: PLC0415

    say(asyncio.run(let_go(service, customer, discard=discard)))
