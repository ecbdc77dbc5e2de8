"""What `arrears up` does: run everything on this machine until Ctrl-C, with state that survives a restart."""

import shutil
from pathlib import Path

from rich.console import Console

from shared.events.registry import SERVICES
from shared.local import LocalPartError
from shared.local.cluster import SANDBOX, Cluster
from shared.local.postgres import EmbeddedPostgres
from shared.signals import catch_signals


def run_up(folder: Path, *, fresh: bool) -> None:
    """Run until interrupted; *fresh* erases what earlier runs left in *folder* first."""
    console = Console(stderr=True)
    if fresh:
        erase(folder)
    cluster = Cluster(folder, fixed_ports=True)
    catch_signals()
    try:
        cluster.start(console.print)
        for name in (*SERVICES, SANDBOX):
            console.print(f"{name:10} {cluster.url(name)}/readyz   {cluster.url(name)}/docs")
        console.print("a token for them: arrears token --role operator")
        console.print(f"publish with: ARREARS_KAFKA={cluster.kafka} arrears publish EVENTS.jsonl")
        console.print("Ctrl-C ends it; the state stays (arrears up --fresh erases it)")
        cluster.watch()
    except LocalPartError as error:
        console.print(f"[red]{error}[/]")
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        cluster.stop()


def erase(folder: Path) -> None:
    """Remove the data of earlier runs; the database's may lie behind a link, which its own erase() follows."""
    if (folder / "postgres").exists():
        EmbeddedPostgres(folder / "postgres").erase()
    shutil.rmtree(folder, ignore_errors=True)
