"""`arrears stop`, `resume`, `stops` and `fuses`: hold contacts back, at once and in every service, and let them go on."""

import asyncio
from typing import Annotated

import typer

from shared.cli.output import fail, say

Service = Annotated[
    str, typer.Option(help="scheduler, notifier, visits or legal; all when left out.")
]
Channel = Annotated[
    str, typer.Option(help="sms, call, email, wechat, letter, visit or court; any when left out.")
]
Region = Annotated[str, typer.Option(help="A region as core banking names it; any when left out.")]
Template = Annotated[
    str, typer.Option(help="A template such as sms.overdue, or court.filing; any when left out.")
]
Provider = Annotated[str, typer.Option(help="A provider's name; any when left out.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the audit trail.")]
By = Annotated[str, typer.Option(help="Your id there; else the name of this account.")]

fuses_app = typer.Typer(help="Fuses: how many effects of a channel may leave in an hour.")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    for command in (stop, resume, stops):
        app.command()(command)
    app.add_typer(fuses_app, name="fuses")


def stop(
    reason: Reason,
    channel: Channel = "",
    region: Region = "",
    template: Template = "",
    provider: Provider = "",
    service: Service = "",
    by: By = "",
) -> None:
    """Let nothing leave that matches all these filters; without a filter, nothing at all.

    Works on the database, also while services are down. After it has ended with 0, no effect that matches is
    claimed. What had been claimed before is listed: it may have left already.
    """
    from shared.cli.controlling import run_stop  # noqa: PLC0415
    from shared.messaging.controls import Filter  # noqa: PLC0415

    what = Filter(channel, region, template, provider)
    _end(asyncio.run(run_stop(service, what, reason, by)))


def resume(  # noqa: PLR0917  typer gives them by name
    reason: Reason,
    channel: Channel = "",
    region: Region = "",
    template: Template = "",
    provider: Provider = "",
    service: Service = "",
    stop_id: Annotated[str, typer.Option("--id", help="End this stop alone.")] = "",
    every: Annotated[bool, typer.Option("--all", help="End every stop.")] = False,
    mass_failure: Annotated[
        bool, typer.Option("--mass-failure", help="Let a service go on after a mass failure.")
    ] = False,
    park: Annotated[
        bool,
        typer.Option(help="With --mass-failure: what fails there is bad data; park its customers."),
    ] = False,
    by: By = "",
) -> None:
    """End the stops that have exactly these filters (none: the stop of everything), an --id, or --all.

    With --mass-failure a service goes on that stopped because one place of the code failed for many customers. It
    stops again if that still fails, unless you say --park. Fuses are released by `arrears fuses release`.
    """
    from shared.cli.controlling import run_resume, run_resume_mass_failure  # noqa: PLC0415
    from shared.messaging.controls import Filter  # noqa: PLC0415

    what = Filter(channel, region, template, provider)
    chosen = [what != Filter(), bool(stop_id), every, mass_failure]
    if sum(chosen) > 1:
        fail("give filters, or --id, or --all, or --mass-failure; not several of them")
    if park and not mass_failure:
        fail("--park goes with --mass-failure")
    if mass_failure:
        _end(asyncio.run(run_resume_mass_failure(service, reason, by, parks=park)))
    else:
        _end(asyncio.run(run_resume(service, what, stop_id, reason, by, every=every)))


def stops(service: Service = "") -> None:
    """List what is held back now: stops, tripped fuses, mass failures."""
    from shared.cli.controlling import run_stops  # noqa: PLC0415

    _end(asyncio.run(run_stops(service)))


@fuses_app.command("list")
def list_(service: Service = "") -> None:
    """Show each channel's count of this hour (UTC), its norm and cap, and whether its fuse has tripped."""
    from shared.cli.controlling import run_fuses  # noqa: PLC0415

    _end(asyncio.run(run_fuses(service)))


@fuses_app.command()
def release(
    channel: Annotated[str, typer.Argument(help="sms, call, email, wechat, letter, visit, court.")],
    reason: Reason,
    hours: Annotated[
        int, typer.Option(min=1, max=72, help="For so many hours the norm does not hold.")
    ] = 1,
    service: Service = "",
    by: By = "",
) -> None:
    """Release a tripped fuse. The hard cap goes on to hold: a used-up hour stays used up."""
    from shared.cli.controlling import run_release  # noqa: PLC0415

    _end(asyncio.run(run_release(service, channel, reason, by, hours)))


def _end(result: tuple[list[str], list[str]]) -> None:
    """Say what was done, then what could not be done; the latter ends the command with 1."""
    done, failed = result
    for line in done:
        say(line)
    if failed:
        fail("\n  ".join(failed), code=1)
