"""`arrears quarantine`: look at what could not be decided, and let it be decided after the mend."""

import asyncio
from typing import Annotated

import typer

from shared.cli.output import fail, say

app = typer.Typer(help="Events that could not be decided, and the customers parked behind them.")
Service = Annotated[
    str, typer.Option(help="scheduler, notifier, visits or legal; all when left out.")
]
OfService = Annotated[str, typer.Argument(help="scheduler, notifier, visits or legal.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, as HTTP answers it.")]
Kind = Annotated[str | None, typer.Option("--type", help="Only this type of event.")]
Fingerprint = Annotated[str | None, typer.Option(help="Only errors like this (see groups).")]
Why = Annotated[str, typer.Option(help="Why; kept in the audit trail for ever.")]
By = Annotated[str, typer.Option(help="Who acts; the account of this machine when left out.")]


@app.command()
def groups(
    service: Service = "",
    status: Annotated[str, typer.Option(help="waiting, released, discarded or any.")] = "waiting",
    as_json: Json = False,
) -> None:
    """Count what stands in quarantine by reason, with the first and the last time and one error."""
    from shared.cli.quarantining import grouped  # noqa: PLC0415

    say(asyncio.run(grouped(service, status, as_json=as_json)))


@app.command("list")
def list_(
    *,
    service: Service = "",
    reason: Annotated[str | None, typer.Option(help="Only this reason (see groups).")] = None,
    type_: Kind = None,
    fingerprint: Fingerprint = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    status: Annotated[str, typer.Option(help="waiting, released, discarded or any.")] = "waiting",
    after: Annotated[int, typer.Option(help="Begin behind this entry.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many a service.")] = 100,
    as_json: Json = False,
) -> None:
    """List what stands in quarantine, the oldest first."""
    from shared.cli.quarantining import listing  # noqa: PLC0415
    from shared.messaging.quarantine_views import Chosen  # noqa: PLC0415

    chosen = Chosen(reason, type_, fingerprint, customer, None if status == "any" else status)
    say(asyncio.run(listing(service, chosen, after=after, limit=limit, as_json=as_json)))


@app.command()
def show(service: OfService, entry: int, by: By = "", reason: Why = "") -> None:
    """Show one entry with its record, decrypted: it may hold personal data, so the view is recorded."""
    from shared.cli.quarantining import details  # noqa: PLC0415

    text = asyncio.run(details(service, entry, by, reason))
    if text is None:
        fail(f"{service} has no quarantine entry {entry}", code=1)
    say(text)


@app.command()
def release(
    service: OfService,
    customer: Annotated[str, typer.Argument(help="The customer whose queue is released.")] = "",
    *,
    entry: Annotated[int | None, typer.Option("--id", help="One entry instead.")] = None,
    group: Annotated[
        str | None, typer.Option(help="All customers with an entry of this reason instead.")
    ] = None,
    type_: Kind = None,
    fingerprint: Fingerprint = None,
    discard: Annotated[
        bool, typer.Option(help="Drop the record that cannot be decided, and go on behind it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be decided; save nothing.")
    ] = False,
    reason: Why = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Decide parked customers' events again, in order; what still fails stays parked."""
    from shared.cli.quarantining import Target, let_go, rehearsed  # noqa: PLC0415

    in_group = bool(group or type_ or fingerprint)
    if sum((bool(customer), entry is not None, in_group)) != 1:
        fail("name one of CUSTOMER, --id, or a group (--group, --type, --fingerprint)")
    if discard and (dry_run or not customer):
        fail("--discard goes with a CUSTOMER; for one entry use `arrears quarantine discard`")
    target = Target(service, customer, entry, group, type_, fingerprint)
    if dry_run:
        text, whole = asyncio.run(rehearsed(target, as_json=as_json))
    else:
        if (discard or in_group) and not reason:
            fail("say why with --reason")
        text, whole = asyncio.run(let_go(target, by, reason, discard=discard, as_json=as_json))
    say(text)
    if not whole:
        raise typer.Exit(1)


@app.command()
def discard(
    service: OfService,
    entry: int,
    reason: Annotated[str, typer.Option(help="Why nobody needs it; kept for ever.")],
    by: By = "",
    as_json: Json = False,
) -> None:
    """Drop one entry that nobody needs, and decide what waits behind it."""
    from shared.cli.quarantining import drop  # noqa: PLC0415

    text, whole = asyncio.run(drop(service, entry, by, reason, as_json=as_json))
    say(text)
    if not whole:
        raise typer.Exit(1)
