"""The `arrears` command. Imports of a command's work stand inside it, so that `--help` is quick."""

import typer

from shared.cli import (
    audit_trail,
    content,
    controls,
    files,
    gate,
    lawful,
    observing,
    packs,
    privacy,
    quarantine,
    reconciling,
    running,
    tokens,
    vault,
)

app = typer.Typer(
    name="arrears",
    help="Overdue-loan collection as event-driven services on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
files.register(app)
lawful.register(app)
running.register(app)
reconciling.register(app)
privacy.register(app)
observing.register(app)
tokens.register(app)
controls.register(app)
app.add_typer(audit_trail.app, name="audit-trail")
app.add_typer(content.app, name="content")
app.add_typer(gate.app, name="gate")
app.add_typer(packs.app, name="packs")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(vault.app, name="vault")

if __name__ == "__main__":
    app()
