"""Commands that look at what runs: status, tail."""

import asyncio
import contextlib
from typing import Annotated

import typer

from shared.cli.output import fail, say
from shared.signals import catch_signals


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    for command in (status, tail):
        app.command()(command)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print what /health says.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds.")] = False,
) -> None:
    """
    Show how all services fare; the exit status is 1 when one fails or does not answer.

    The services are those of the `arrears up` or demo of this folder, or of
    ARREARS_URLS=scheduler=http://host:port,notifier=...; ARREARS_TOKEN is the token.
    """
    import json  # noqa: PLC0415

    from shared.cli.asking import ask_all, failing, urls_or_fail, watching  # noqa: PLC0415
    from shared.cli.status_table import table  # noqa: PLC0415

    urls = urls_or_fail()
    if watch:
        catch_signals()
        with contextlib.suppress(KeyboardInterrupt):
            watching(urls)
        return
    found = asyncio.run(ask_all(urls))
    if as_json:
        say(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        from rich.console import Console  # noqa: PLC0415

        console = Console()
        console.print(table(found))
    raise typer.Exit(1 if failing(found) else 0)


def tail(
    customer: Annotated[str, typer.Option(help="Only this customer's.")] = "",
    type_: Annotated[
        str, typer.Option("--type", help="Only this type; contact.* is every one of contacts.")
    ] = "",
    since: Annotated[
        str, typer.Option(help="Begin earlier: 10m, 2h, 3d, or 2026-03-05T09:30:00Z.")
    ] = "",
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin at the start.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for more, or end at what is there.")
    ] = True,
    control: Annotated[bool, typer.Option("--control", help="Control records too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    events: Annotated[
        bool,
        typer.Option("--events", help="Structured CloudEvents, one a line, for arrears audit."),
    ] = False,
) -> None:
    """Show the flow of events live, a line each: time, topic, type, customer, what it says. No personal data."""
    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.cli.tailing import Wanted, begin_at, show  # noqa: PLC0415
    from shared.clock import SystemClock  # noqa: PLC0415

    if since and from_start:
        fail("give --since or --from-start, not both")
    try:
        begin = begin_at(since, SystemClock().now()) if since else None
    except ValueError as error:
        fail(f"--since {error}")
    wanted = Wanted(customer, type_ or "*", control=control)
    settings = settings_or_fail()
    catch_signals()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            show(
                settings,
                wanted,
                begin=begin,
                from_start=from_start,
                follow=follow,
                as_json=as_json,
                events=events,
            )
        )
