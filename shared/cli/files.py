"""Commands on event files: import a tape, generate a portfolio, replay."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.output import fail, note, progress_bar, say

EventsFile = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="CloudEvents, one a line."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command("import")(import_tape)
    app.command()(generate)
    app.command()(replay)


def import_tape(
    tape: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, also .gz.")],
    mapping: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Names the columns.")],
    out: Annotated[Path, typer.Option(help="Where the events go.")],
    strict: Annotated[bool, typer.Option(help="Stop at the first bad row, write nothing.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Where bad rows go.")] = None,
) -> None:
    """Turn a bank's monthly loan tape into core-banking events."""
    from shared.tape import MappingError, TapeError  # noqa: PLC0415
    from shared.tape import import_tape as run  # noqa: PLC0415

    try:
        with progress_bar("importing", tape.stat().st_size) as advance:
            report = run(
                tape,
                mapping,
                out,
                strict=strict,
                rejects=rejects,
                progress=lambda done, _: advance(done),
            )
    except (TapeError, MappingError, OSError) as error:
        fail(str(error))
    for bad in report.first_bad:
        note(bad.sentence)
    say(
        f"{report.rows:,} rows, {report.clients:,} clients, {report.bad_rows:,} bad rows, events in {out}"
    )
    for title, counts in (
        ("events", report.events),
        ("inferred facts by reason", report.inferred),
        ("months in which the tape contradicts itself", report.months),
    ):
        say(f"{title}:")
        for name, count in sorted(counts.items()):
            say(f"  {count:>9,}  {name}")


def generate(
    out: Annotated[Path, typer.Argument(help="Where the events go.")],
    customers: Annotated[int, typer.Option(min=1)] = 1000,
    days: Annotated[int, typer.Option(min=1, max=3650)] = 180,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])] = datetime(2026, 1, 5),  # noqa: DTZ001
) -> None:
    """Write a portfolio whose delinquency follows the roll rates of 30,000 real cardholders."""
    from shared.events.jsonl import write_line  # noqa: PLC0415
    from shared.portfolio import generate as run  # noqa: PLC0415

    first: date = start.date()
    with out.open("wb") as file:
        count = 0
        for event in run(customers=customers, days=days, seed=seed, start=first):
            file.write(write_line(event))
            count += 1
    say(f"{count:,} events of {customers:,} customers in {out}")


def replay(  # noqa: PLR0917  typer gives them by name
    events: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="CloudEvents, one a line.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the published events go.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Where the summary goes (JSON).")] = None,
    strategy: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    packs: Annotated[
        Path | None, typer.Option(exists=True, help="Rule packs: a file or a folder.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339; default: the last input.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sandbox's outcomes.")] = 1,
    per_customer: Annotated[bool, typer.Option(help="Every customer in the summary.")] = False,
    recorded: Annotated[
        bool, typer.Option(help="Replay the inboxes of the running system instead of a file.")
    ] = False,
) -> None:
    """Replay events through all services, or (--recorded) a running system's inboxes."""
    if recorded:
        from shared.cli.recorded import replay_inboxes  # noqa: PLC0415

        replay_inboxes()
        return
    if events is None:
        fail("name the file of events, or say --recorded")
    from shared.cli.replaying import replay_file  # noqa: PLC0415

    replay_file(
        events,
        out=out,
        summary=summary,
        strategy=strategy,
        packs=packs,
        until=_instant(until),
        seed=seed,
        per_customer=per_customer,
    )
    note("")


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    from shared.events.envelope import utc  # noqa: PLC0415

    try:
        return utc(datetime.fromisoformat(text))
    except ValueError as error:
        fail(f"--until: {error}")
