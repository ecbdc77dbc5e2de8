"""`arrears token`, and the token that other commands speak with."""

import os
from datetime import timedelta
from typing import Annotated

import typer

from shared.cli.output import fail, say


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(token)


def token(
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
    region: Annotated[list[str] | None, typer.Option(help='What they see; "*" is all.')] = None,
    portfolio: Annotated[list[str] | None, typer.Option(help='What they see; "*" is all.')] = None,
    subject: Annotated[str, typer.Option(help="An opaque id, no name.")] = "developer",
    hours: Annotated[float, typer.Option(help="How long it is valid.")] = 12,
) -> None:
    """Print a development token for the `arrears up` or demo of this folder."""
    from shared.clock import SystemClock  # noqa: PLC0415
    from shared.development_tokens import development_token  # noqa: PLC0415
    from shared.http.roles import ROLES  # noqa: PLC0415

    for each in role:
        if each not in ROLES:
            fail(f"there is no role {each!r}; there are {', '.join(ROLES)}")
    try:
        signed = development_token(
            _key(),
            SystemClock(),
            role,
            subject=subject,
            regions=region or (),
            portfolios=portfolio or (),
            valid_for=timedelta(hours=hours),
        )
    except (ValueError, OverflowError) as error:
        fail(str(error))
    say(signed)


def token_for(*roles: str) -> str:
    """
    Answer the token that a command speaks with: ARREARS_TOKEN, or where the development key is at hand,
    one with *roles* for a quarter of an hour. Without either it is said, and the command ends.
    """
    given = os.environ.get("ARREARS_TOKEN", "")
    if given:
        return given
    from shared.clock import SystemClock  # noqa: PLC0415
    from shared.development_tokens import development_token  # noqa: PLC0415

    return development_token(
        _key(), SystemClock(), roles, subject="command-line", valid_for=timedelta(minutes=15)
    )


def _key() -> str:
    from shared.cli.serving import running_here  # noqa: PLC0415

    key = os.environ.get("ARREARS_DEV_KEY") or running_here().get("ARREARS_DEV_KEY", "")
    if not key:
        fail(
            "there is no development key: start `arrears up` in this folder, set ARREARS_DEV_KEY, "
            "or set ARREARS_TOKEN to a token of your issuer"
        )
    return key
