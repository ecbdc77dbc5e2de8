"""Print for people: notes and progress go to standard error, results to standard output."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer


def say(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def note(text: str) -> None:
    """Print a remark that is no result."""
    typer.echo(text, err=True)


def fail(text: str, code: int = 2) -> NoReturn:
    """Say what is wrong and how to mend it, and end with *code*."""
    typer.echo(f"arrears: {text}", err=True)
    raise typer.Exit(code)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal; yields a function that is told how much of *total* is done."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
