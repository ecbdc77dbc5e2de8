"""`arrears gate check`: put a file of worked cases to the gate."""

from pathlib import Path
from typing import Annotated

import typer

from shared.cli.output import fail, note, say

app = typer.Typer(no_args_is_help=True, help="The contact gate: what rule packs allow.")


@app.callback()
def main() -> None:
    """Keep `check` a command of its own while it is the only one."""


@app.command()
def check(
    cases: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Cases, YAML 1.2.")
    ],
    packs: Annotated[
        Path, typer.Option(exists=True, readable=True, help="A folder of rule packs, or one file.")
    ] = Path("deploy/packs"),
    calendars: Annotated[
        Path, typer.Option(help="Calendars: what governments announced, where it is not predicted.")
    ] = Path("deploy/calendars"),
    as_json: Annotated[bool, typer.Option("--json", help="Print every answer as JSON.")] = False,
) -> None:
    """
    Answer every question of CASES by the packs that its cases name, and compare.

    Prints each mismatch with what the gate said and what the file wanted, and ends with the line
    `N passed, M failed` (with --json: one JSON document on standard output, and that line on standard error).
    A fact in a log that no rule reads is named on standard error: its type may be misspelt.
    A question that cannot be put (a malformed case, a pack that is not there) has failed. Exit status 1 on any failure,
    2 when CASES is no list of cases, or a folder cannot be read.
    """
    import msgspec  # noqa: PLC0415

    from shared.compliance.calendars import CalendarError, load_calendars  # noqa: PLC0415
    from shared.compliance.casefile import CaseError, read_cases  # noqa: PLC0415
    from shared.compliance.checking_cases import answers, unread  # noqa: PLC0415
    from shared.compliance.loading import PackError, usable_packs  # noqa: PLC0415

    try:
        usable, wrong = usable_packs(packs)
        suite = read_cases(cases)
        found = list(answers(suite, usable, load_calendars(calendars)))
    except (CaseError, PackError, CalendarError, OSError) as error:
        fail(str(error))
    for problem in wrong:
        note(f"{problem}; the packs of this file from there on are left out")
    for line in unread(suite, usable):
        note(line)
    failed = [answer for answer in found if not answer.passed]
    total = f"{len(found) - len(failed)} passed, {len(failed)} failed"
    if as_json:
        document = {
            "passed": len(found) - len(failed),
            "failed": len(failed),
            "answers": [{"passed": each.passed, **msgspec.structs.asdict(each)} for each in found],
        }
        say(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        note(total)
    else:
        for each in failed:
            words = f" ({each.note})" if each.note else ""
            say(f"{each.case}, question {each.ask}{words}:")
            if each.error:
                say(f"  {each.error}")
                continue
            say(f"  got    {_line(each.got)}")
            say(f"  wanted {_line(each.wanted)}")
        say(total)
    if failed:
        raise typer.Exit(1)


def _line(answer: dict[str, object]) -> str:
    """Write an answer as the file would, in one line."""
    words = []
    for name, value in answer.items():
        text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
        words.append(f"{name}: {text}")
    return ", ".join(words)
