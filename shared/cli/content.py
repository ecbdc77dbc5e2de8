"""`arrears content`: check the register of texts, list it, and judge a sentence; nothing is sent."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shared.content.registry import Template

app = typer.Typer(help="The register of texts: check it, list it.", no_args_is_help=True)
Folder = Annotated[
    Path | None, typer.Option("--content", help="The folder of the register; the one that ships.")
]


@app.command()
def check(content: Folder = None) -> None:
    """Check every text against the register, as a service does when it starts; exit status 1 for any problem."""
    from shared.content.loading import ContentError, load  # noqa: PLC0415

    try:
        found = load(content)
    except (ContentError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{len(found.registered().templates)} texts, each as it was approved")


@app.command("list")
def show(
    content: Folder = None,
    on: Annotated[
        str, typer.Option(help="A date: mark what may not be used on it (YYYY-MM-DD).")
    ] = "",
) -> None:
    """List the texts with their tags, approvals and dates."""
    from shared.content.loading import STANDARD_CONTENT, ContentError, read  # noqa: PLC0415

    try:
        day = date.fromisoformat(on) if on else None
        templates = read(content or STANDARD_CONTENT).templates
    except (ContentError, OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for template in templates:
        typer.echo(_line(template, day))


@app.command()
def judge(
    text: Annotated[str, typer.Argument(help="What somebody would write to a customer.")],
    language: Annotated[str, typer.Option(help="Its language, as in the register.")] = "zh-CN",
) -> None:
    """Say whether free text may be sent, and if not, why and where; exit status 1 if not."""
    from shared.content.loading import classify  # noqa: PLC0415

    finding = classify(text, language)
    for span in finding.spans:
        kind = "" if span.tag in finding.claims else "  NOT ALLOWED"
        typer.echo(f"{span.tag}: {text[span.start : span.end]}{kind}")
    for reason in finding.unsure:
        typer.echo(f"unsure: {reason}")
    typer.echo("may be sent" if finding.may_be_sent else "is not sent")
    raise typer.Exit(0 if finding.may_be_sent else 1)


def _line(template: "Template", day: date | None) -> str:
    use = "" if day is None or template.usable(day) else "NOT IN USE "
    approval = template.approval
    by = f"approved {approval.on} by {approval.by} ({approval.reference})" if approval else "OPEN"
    until = template.valid.to or "further notice"
    return (
        f"{use}{template.language} {template.template} {template.version} {template.digest[:12]}  {by}, "
        f"from {template.valid.from_} until {until}\n    {', '.join(template.tags)}"
    )
