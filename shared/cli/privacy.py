"""`arrears retention` and `arrears forget`: take away what has been kept long enough, and make a person unreadable."""

import asyncio
from typing import Annotated

import typer

from shared.cli.output import fail, say

By = Annotated[str, typer.Option(help="Your id, no name.")]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(retention)
    app.command()(forget)


def retention(
    run: Annotated[bool, typer.Option("--run/--preview", help="Do it, or only say it.")] = False,
    months: Annotated[int, typer.Option(min=1, help="Months of inbox that stay.")] = 60,
    service: Annotated[str, typer.Option(help="One of the services; all when left out.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is written down.")] = "",
    by: By = "operator",
) -> None:
    """Drop months of inbox that are past their retention; each case's state stays recomputable from its new start."""
    from shared.cli.forgetting import retain  # noqa: PLC0415
    from shared.privacy.retention import TooShort  # noqa: PLC0415

    if run:
        _check(reason)
    try:
        lines = asyncio.run(retain(service, months=months, do=run, by=by, reason=reason))
    except TooShort as error:
        fail(f"--months: {error}")
    for line in lines:
        say(line)


def forget(
    customer: str,
    reason: Annotated[str, typer.Option(help="Why; it is written down.")],
    lift: Annotated[
        bool, typer.Option("--lift", help="Store values of this customer again from now on.")
    ] = False,
    even_if_open: Annotated[
        bool, typer.Option(help="Although the customer still owes, or something is about to leave.")
    ] = False,
    by: By = "operator",
) -> None:
    """Make a person unreadable in every service: key, contact points and quarantined records go, the proof stays."""
    from shared.cli.forgetting import let_in_again, make_unreadable  # noqa: PLC0415
    from shared.privacy.forgetting import StillOpen  # noqa: PLC0415

    _check(reason)
    if lift:
        if not asyncio.run(let_in_again(customer, by=by, reason=reason)):
            fail(f"{customer} was not forgotten", code=1)
        say(f"values of {customer} are stored again from the next customer.updated on")
        return
    try:
        done = asyncio.run(
            make_unreadable(customer, by=by, reason=reason, even_if_open=even_if_open)
        )
    except StillOpen as error:
        fail(f"{error}; --even-if-open does it all the same", code=1)
    except LookupError as error:
        fail(str(error), code=1)
    say(
        f"{customer} is forgotten: the key is gone, with {done.points} contact points and the content of "
        f"{done.quarantined} quarantined records; inbox, decisions and their proof stay"
    )


def _check(reason: str) -> None:
    """End the command unless *reason* says something, and holds no number of a person: acts are for ever."""
    from shared.events.personal_numbers import number_in  # noqa: PLC0415

    if not reason.strip():
        fail("say why with --reason; it is written down")
    if held := number_in(reason):
        fail(f"--reason {held}; it is written down for ever")
