"""Commands that run things: demo, up, serve, migrate, publish."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.output import fail, progress_bar, say

FOLDER = Path(".arrears")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    for command in (demo, up, serve, migrate, after_restore, publish):
        app.command()(command)


def demo(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 1000,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days pass.")] = 180,
    seed: Annotated[int, typer.Option(min=0, help="Of the portfolio and the sandbox.")] = 1,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])] = datetime(2026, 1, 5),  # noqa: DTZ001
    leave: Annotated[bool, typer.Option("--exit", help="End when done, do not stay up.")] = False,
    plant: Annotated[
        str,
        typer.Option(hidden=True, help="Spoil the comparison, to prove it: event, state, tick."),
    ] = "",
    packs: Annotated[
        Path | None, typer.Option(exists=True, help="Rule packs: a file or a folder.")
    ] = None,
) -> None:
    """Live a portfolio through the real services in stepped time, and compare with the replay."""
    from shared.demo.run import DemoSettings, run  # noqa: PLC0415

    settings = DemoSettings(
        customers=customers,
        days=days,
        seed=seed,
        start=start.date(),
        leave=leave,
        plant=plant,
        packs=packs,
    )
    raise typer.Exit(run(settings, FOLDER / "demo"))


def up(
    fresh: Annotated[bool, typer.Option("--fresh", help="Erase what earlier runs left.")] = False,
) -> None:
    """Run everything on this machine and stay up until Ctrl-C; the state survives a restart."""
    from shared.local.up import run_up  # noqa: PLC0415

    run_up(FOLDER / "up", fresh=fresh)


def serve(
    name: Annotated[str, typer.Argument(help="scheduler, notifier, visits, legal or sandbox.")],
) -> None:
    """Run one service (or the sandbox provider) in this process."""
    from shared.cli.serving import serve_process  # noqa: PLC0415

    serve_process(name)


def migrate() -> None:
    """Bring the schemas of ARREARS_DATABASE_URL to the newest version."""
    import asyncio  # noqa: PLC0415

    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.database_url import DatabaseRefused  # noqa: PLC0415
    from shared.db import migrate as run  # noqa: PLC0415
    from shared.events.registry import SERVICES  # noqa: PLC0415

    try:
        asyncio.run(run(settings_or_fail().database_url, SERVICES))
    except DatabaseRefused as error:
        fail(str(error), code=1)
    say("every schema is at the newest version")


def after_restore() -> None:
    """Declare void what the scheduler published after the backup that the database was restored from."""
    import asyncio  # noqa: PLC0415

    from shared.cli.serving import settings_or_fail  # noqa: PLC0415
    from shared.messaging.restored import StillRunning, void  # noqa: PLC0415

    settings = settings_or_fail()
    try:
        ranges = asyncio.run(void(settings.database_url, settings.broker(), settings.partitions))
    except StillRunning as error:
        fail(str(error), code=1)
    records = sum(len(offsets) for offsets in ranges.values())
    say(f"{records:,} records of the scheduler are void; start the services")


def publish(
    events: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    seal: Annotated[
        bool, typer.Option("--seal", help="Seal contact values under ARREARS_ENVELOPE_KEYS.")
    ] = False,
) -> None:
    """Send the events of a file to Kafka as core banking would, in the order of the file."""
    from shared.cli.publishing import publish_file  # noqa: PLC0415
    from shared.messaging.broker import BrokerRefused  # noqa: PLC0415

    try:
        with progress_bar("publishing", events.stat().st_size) as advance:
            count = publish_file(events, advance, seal=seal)
    except ValueError as error:  # a wrong line, or no key to seal under
        fail(str(error))
    except BrokerRefused as error:
        fail(str(error), code=1)
    say(f"{count:,} events published")
