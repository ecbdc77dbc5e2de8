"""Debian's PostgreSQL, which is built with TLS: a server that takes encrypted connections only."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import asyncpg
import pytest

from shared.local import LOOPBACK, free_port
from shared.local.accounts import database_account
from shared.local.guard import Guarded, spawn_guarded
from tests.elsewhere.authority import Authority
from tests.waiting import eventually

PROGRAMS = Path("/usr/lib/postgresql")
USER = "arrears"


def programs() -> Path:
    """The folder of the newest one's programs; skips where there is none, and fails where CI promises one."""
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    reason = f"no Debian PostgreSQL under {PROGRAMS}: apt-get install postgresql (the embedded one has no TLS)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class DebianPostgres:
    """hostssl only, scram passwords; the user `arrears`, and `machine`, who needs a client certificate too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = programs()
        self.authority = Authority(folder / "authority")
        self.stranger = Authority(folder / "stranger", "An authority that nobody trusts")
        self.client = self.authority.sign("machine")
        self.password = secrets.token_hex(12)
        self.port = free_port()
        self._process: Guarded | None = None

    def url(self, database: str = "postgres", *, user: str = USER, host: str = LOOPBACK) -> str:
        return f"postgresql+asyncpg://{user}@{host}:{self.port}/{database}"

    def __enter__(self) -> Self:
        self._create()
        account = database_account()
        data = self.folder / "data"
        settings = {
            "port": self.port,
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": data / "server.cert.pem",
            "ssl_key_file": data / "server.key.pem",
            "ssl_ca_file": data / "ca.pem",
        }
        self._process = spawn_guarded(
            [
                str(self.programs / "postgres"),
                "-D",
                str(data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log_path=self.folder / "postgres.log",
            cwd=Path("/"),
            account=account,
            stop_signal=signal.SIGINT,
        )
        eventually(self._answers, seconds=30)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()

    async def execute(self, statement: str) -> None:
        """Run a statement as the administrator."""
        url = f"{self.url().replace('+asyncpg', '')}?sslmode=verify-full&sslrootcert={self.authority.ca}"
        connection = await asyncpg.connect(url, password=self.password, timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _answers(self) -> bool:
        try:
            asyncio.run(self.execute("SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def _create(self) -> None:
        account = database_account()
        self.folder.chmod(0o711)
        data, secret = self.folder / "data", self.folder / "password"
        data.mkdir()
        secret.write_text(self.password)
        if account is not None:
            for path in (data, secret):
                os.chown(path, account.uid, account.gid)
        subprocess.run(
            [
                str(self.programs / "initdb"),
                "-D",
                str(data),
                f"--username={USER}",
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ],
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else (),
            cwd="/",
            check=True,
            capture_output=True,
        )
        server = self.authority.sign("server")
        for source in (server.cert, server.key, self.authority.ca):
            target = data / source.name
            shutil.copy(source, target)
            target.chmod(0o600)
            if account is not None:
                os.chown(target, account.uid, account.gid)
        (data / "pg_hba.conf").write_text(
            "hostssl all machine 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
