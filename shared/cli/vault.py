"""`arrears vault`: rotate the master key, and the secret under which values are compared."""

import asyncio
from typing import Annotated

import typer

from shared.cli.output import fail, say

app = typer.Typer(help="The keys of the vault of contact values.", no_args_is_help=True)


@app.command("new-key")
def new_key() -> None:
    """Print a new master key: base64 of 32 random bytes."""
    import base64  # noqa: PLC0415
    import os  # noqa: PLC0415

    say(base64.b64encode(os.urandom(32)).decode())


@app.command("hash-key")
def hash_key() -> None:
    """Print the secret that values are compared by; set ARREARS_VAULT_HASH_KEY to it before the first rotation."""
    import base64  # noqa: PLC0415

    from shared.cli.serving import settings_or_fail  # noqa: PLC0415

    say(base64.b64encode(settings_or_fail().keys().hash_key).decode())


@app.command()
def rotate(
    reason: Annotated[str, typer.Option(help="Why; it is written down.")],
    by: Annotated[str, typer.Option(help="Your id, no name.")] = "operator",
) -> None:
    """Bring every sealed value under ARREARS_VAULT_KEY while the services run; again is harmless."""
    from shared.cli.vaulting import rotate_all  # noqa: PLC0415
    from shared.vault import SealBroken  # noqa: PLC0415

    try:
        done = asyncio.run(rotate_all(by=by, reason=reason))
    except SealBroken as error:
        fail(str(error), code=1)
    say(
        f"{done.keys:,} customers' keys, {done.points:,} values and {done.quarantined:,} quarantined records "
        "brought under the current master key; nothing is left under another"
    )
