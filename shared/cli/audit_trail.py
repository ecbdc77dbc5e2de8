"""`arrears audit-trail`: seal finished days, verify what is recorded, and show the trail of a customer."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from shared.cli.output import fail, note, say

app = typer.Typer(
    help="What was decided and done, by whom and why; and the proof that nobody changed it."
)
Service = Annotated[
    str, typer.Option(help="scheduler, notifier, visits or legal; all when left out.")
]


@app.command()
def seal(
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The last day to seal (UTC); yesterday if left out."
        ),
    ] = None,
    service: Service = "",
) -> None:
    """Sign the roots of all finished days that have none; the services do it every night by themselves."""
    from shared.audit.sealing import NotOver  # noqa: PLC0415
    from shared.cli.audit_trailing import seal_days  # noqa: PLC0415

    try:
        lines = asyncio.run(seal_days(service, day.date() if day else None))
    except NotOver as error:
        fail(str(error))
    for line in lines:
        say(line)
    if not lines:
        say("nothing to seal: every finished day has its root, or another process is sealing")


@app.command()
def verify(
    service: Service = "",
    customer: Annotated[str, typer.Option(help="One customer's rows only, without roots.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One finding per line, as JSON.")] = False,
) -> None:
    """Find every row that was changed, removed or inserted; ends with 1 if there is one."""
    from shared.cli.audit_trailing import verify_all, written  # noqa: PLC0415

    reports = asyncio.run(verify_all(service, customer))
    for report in reports:
        for finding in report.findings:
            say(written(finding, as_json=as_json))
        if report.more:
            note(f"{report.service}: {report.more} further findings")
        note(
            f"{report.service}: {report.rows} rows of {report.cases} cases, {report.acts} acts and "
            f"{report.roots} roots checked, {len(report.findings) + report.more} findings"
            + (f"; {report.before_start} rows lie before the start of their chain" * bool(report.before_start))
            + (f"; {report.signed_only} roots by signature only: rows were dropped" * bool(report.signed_only))
        )  # fmt: skip
    if any(report.findings for report in reports):
        raise typer.Exit(1)


@app.command()
def show(
    customer: str,
    service: Service = "",
    as_json: Annotated[bool, typer.Option("--json", help="One entry per line, as JSON.")] = False,
) -> None:
    """Print a customer's trail in order of time: when, where, what, who, why."""
    from shared.cli.audit_trailing import trail_lines  # noqa: PLC0415

    lines = asyncio.run(trail_lines(service, customer, as_json=as_json))
    for line in lines:
        say(line)
    if not lines:
        fail(f"nothing is recorded of {customer}", code=1)
