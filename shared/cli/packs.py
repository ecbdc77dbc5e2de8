"""`arrears packs`: what rule packs demand of whom and when, where two differ, and what a lawyer should look at."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.output import note, say

if TYPE_CHECKING:
    from shared.cli.packing import Told

app = typer.Typer(no_args_is_help=True, help="Rule packs: list, show, compare and check them.")

Packs = Annotated[
    Path, typer.Option(exists=True, readable=True, help="A folder of rule packs, or one file.")
]
STANDARD = Path("deploy/packs")
On = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only what is in force on this local date."),
]
For = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        help="Only packs that apply to this: debtor_country=US; several narrow it further.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    packs: Packs = STANDARD, on: On = None, whom: For = None, as_json: AsJson = False
) -> None:
    """List the packs: whom each is for, when it is in force, how many rules it has, and how many rest on memory."""
    from shared.cli.packing import listed  # noqa: PLC0415

    _tell(listed(packs, on.date() if on else None, whom or []), as_json=as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A pack, or a rule.")],
    packs: Packs = STANDARD,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Show a pack, or one rule, in words: what it demands, where that comes from, and since when."""
    from shared.cli.packing import shown  # noqa: PLC0415

    _tell(shown(packs, name, on.date() if on else None), as_json=as_json)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A pack's name, a file or a folder.")],
    new: Annotated[str, typer.Argument(help="A pack's name, a file or a folder.")],
    packs: Packs = STANDARD,
    as_json: AsJson = False,
) -> None:
    """Say where two packs, or two files or folders of packs, differ. Exit status 1 when they do."""
    from shared.cli.packing import differing  # noqa: PLC0415

    told = differing(packs, old, new)
    _tell(told, as_json=as_json)
    raise typer.Exit(1 if told.failed else 0)


@app.command()
def lint(
    packs: Packs = STANDARD,
    cases: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="Case files, or folders of them, of `arrears gate check`."),
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, metavar="[FILE]...", help="Further case files."),
    ] = None,
    periods: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file of worked periods.")
    ] = None,
    calendars: Annotated[Path, typer.Option(help="The folder of calendar files.")] = Path(
        "deploy/calendars"
    ),
    words: Annotated[
        bool, typer.Option("--words", help="Leave out each word of each list too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Check packs: files, sources, rules that rest on memory (a pack marked production may hold none).

    With case files: change each rule and each number in turn, and name those that no case would notice. Exit
    status 1 when there is an error, or a change that nothing notices.
    """
    from shared.cli.packing import linted  # noqa: PLC0415

    files = [*(cases or []), *(more or [])]
    told = linted(packs, files, periods, calendars, words=words)
    _tell(told, as_json=as_json)
    raise typer.Exit(1 if told.failed else 0)


def _tell(told: "Told", *, as_json: bool = False) -> None:
    if as_json:
        say(told.as_json())
        return
    for line in told.lines:
        say(line)
    for line in told.notes:
        note(line)
