"""`arrears audit`: judge every contact that was made again, as known then and as known now."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.output import fail

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(audit)


def audit(  # noqa: PLR0917  typer gives them by name
    events: Annotated[
        list[Path] | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CloudEvents, one a line: the inputs, and what was published.",
        ),
    ] = None,
    database: Annotated[
        bool, typer.Option("--database", help="The inboxes of the running system instead of files.")
    ] = False,
    customer: Annotated[str, typer.Option(help="The proof of each contact of this customer.")] = "",
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first local date.")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last local date, included.")
    ] = None,
    packs: Annotated[
        Path | None, typer.Option(exists=True, help="Rule packs: a file or a folder.")
    ] = None,
    strategy: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="The files are of a replay: their order is the decider's own."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """
    Judge every contact again, as known then and as known now; ends with 1 on a bypass or a fault of the engine.

    Without --customer the contacts that are wrong are proved, and all are counted.
    """
    from shared.cli.auditing import Wanted, audit_database, audit_files  # noqa: PLC0415

    if database == bool(events):
        fail("name files of events, or say --database")
    wanted = Wanted(
        customer,
        from_.date() if from_ else None,
        to.date() if to else None,
        packs,
        strategy,
        as_json,
    )
    wrong = audit_database(wanted) if database else audit_files(events or [], wanted, exact=exact)
    raise typer.Exit(1 if wrong else 0)
