"""Run the whole system on this machine: embedded or given Kafka and PostgreSQL, the sandbox, the four services.

Each service is its own process with its own port, schema and consumer group, as in production. All of
them end with us, even when we are killed with -9 (guard.py).
"""

import asyncio
import base64
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2

from shared.clock import SystemClock
from shared.connections import ConnectionSettings
from shared.development_tokens import development_token, new_key, public_half
from shared.events.registry import SERVICES
from shared.local import LOOPBACK, LocalPartError, free_port, refuse_in_production
from shared.local.guard import Guarded, spawn_guarded
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres
from shared.messaging.broker import Broker

SANDBOX = "sandbox"
PROCESSES = (SANDBOX, *SERVICES)
CONNECTION = "connection.json"
"""The file of a running cluster that says where its parts are; it goes with the cluster."""
BASE_PORT = 8400
"""Where the ports of `arrears up` begin: the sandbox, then the services in their order."""
SANDBOX_TOKEN = timedelta(days=90)
"""How long the sandbox may call back before the cluster must be started again."""
READY_SECONDS = 90
"""How long a process may take until it is ready; beyond that it is a failure, with its log named."""


@dataclass(slots=True)
class Cluster:
    """
    What runs. `ports` are the HTTP ports by process, `step_ports` the control sockets of a stepped
    run. `extra_env` goes to every process. `members` are second members of services (the process's
    own name, and the service that it runs). Data and logs stand in `folder`.
    """

    folder: Path
    stepped: bool = False
    seed: int = 1
    fixed_ports: bool = False
    extra_env: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    kafka: str = ""
    database_url: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    step_ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Guarded] = field(default_factory=dict)
    embedded_kafka: EmbeddedKafka | None = None
    embedded_postgres: EmbeddedPostgres | None = None
    _connection_left: bool = False

    def start(self, note: Callable[[str], None] = lambda _: None) -> None:
        """Start everything and wait until every process is ready; *note* is told each step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_parts(note)
        self._leave_connection()
        self.migrate()
        note("schemas migrated")
        self.start_processes()
        self.wait_ready()
        note("services ready: " + ", ".join(self.names()))

    def broker(self) -> Broker:
        """Answer how Kafka is reached: the embedded one in plain text, a given one as its settings say."""
        return (
            Broker(self.kafka) if self.embedded_kafka is not None else ConnectionSettings().broker()
        )

    def names(self) -> tuple[str, ...]:
        """Name the processes: the sandbox, the services, their second members."""
        return (*PROCESSES, *self.members)

    def start_parts(self, note: Callable[[str], None] = lambda _: None) -> None:
        """Start the embedded parts, unless ARREARS_KAFKA and ARREARS_DATABASE_URL name others."""
        given = ConnectionSettings()
        self.kafka, self.database_url = given.kafka, given.database_url
        if not (self.kafka and self.database_url):
            refuse_in_production()
        if not self.database_url:
            began = time.monotonic()
            self.embedded_postgres = EmbeddedPostgres(self.folder / "postgres")
            self.database_url = self.embedded_postgres.start()
            note(f"PostgreSQL ready after {time.monotonic() - began:.1f} s")
        if not self.kafka:
            began = time.monotonic()
            self.embedded_kafka = EmbeddedKafka(self.folder / "kafka")
            self.kafka = self.embedded_kafka.start()
            note(f"Kafka ready after {time.monotonic() - began:.1f} s")

    def _choose_ports(self) -> None:
        for place, name in enumerate(self.names()):
            if name in self.ports:
                continue
            self.ports[name] = BASE_PORT + place if self.fixed_ports else free_port()
            if self.stepped:
                self.step_ports[name] = free_port()

    def _leave_connection(self) -> None:
        """Write down, for us alone to read, where the parts are: other `arrears` commands find them by it."""
        self._choose_ports()
        found = {
            "ARREARS_KAFKA": self.kafka,
            "ARREARS_DATABASE_URL": self.database_url,
            "ARREARS_VAULT_KEY": vault_key(self.folder),
            "ARREARS_DEV_KEY": dev_key(self.folder),
            "ARREARS_URLS": ",".join(
                f"{name}={self.url(name)}" for name in (*SERVICES, *self.members)
            ),
        }
        path = self.folder / CONNECTION
        path.unlink(missing_ok=True)
        write_private(path, json.dumps(found))
        self._connection_left = True

    def migrate(self) -> None:
        """Bring every schema to the newest version."""
        from shared.db import migrate  # noqa: PLC0415  alembic is slow to import

        asyncio.run(migrate(self.database_url, SERVICES))

    def start_processes(self) -> None:
        """Start the sandbox and the services."""
        self._choose_ports()
        for name in self.names():
            self.start_process(name)

    def start_process(self, name: str, extra_env: Mapping[str, str] | None = None) -> None:
        """Start one process (again), with *extra_env* for it alone."""
        self.processes[name] = spawn_guarded(
            [sys.executable, "-m", "shared.cli.main", "serve", self.members.get(name, name)],
            env={**self.env(name), **(extra_env or {})},
            log_path=self.folder / f"{name}.log",
        )

    def env(self, name: str) -> dict[str, str]:
        """Answer the environment of one process."""
        callbacks = {service: self.url(service) for service in SERVICES}
        return {
            **os.environ,
            "ARREARS_KAFKA": self.kafka,
            "ARREARS_DATABASE_URL": self.database_url,
            "ARREARS_PORT": str(self.ports[name]),
            "ARREARS_STEPPED": "1" if self.stepped else "0",
            "ARREARS_STEP_PORT": str(self.step_ports.get(name, 0)),
            "ARREARS_PROVIDER_URL": self.url(SANDBOX),
            "ARREARS_SANDBOX_SEED": str(self.seed),
            "ARREARS_SANDBOX_LOG": str(self.folder / "sandbox.jsonl"),
            "ARREARS_SANDBOX_CALLBACK_BASE": json.dumps(callbacks),
            "ARREARS_SANDBOX_STEPPED": "1" if self.stepped else "0",
            "ARREARS_VAULT_KEY": vault_key(self.folder),
            "ARREARS_DEV_KEY": public_half(dev_key(self.folder)),
            **({"ARREARS_SANDBOX_TOKEN": self._sandbox_token()} if name == SANDBOX else {}),
            "PYTHONUNBUFFERED": "1",
            **self.extra_env,
        }

    def _sandbox_token(self) -> str:
        return development_token(
            dev_key(self.folder),
            SystemClock(),
            ["provider"],
            subject=SANDBOX,
            valid_for=SANDBOX_TOKEN,
        )

    def url(self, name: str) -> str:
        """Answer the base URL of a process."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def wait_ready(self) -> None:
        """Wait until every process answers /readyz; raises LocalPartError that names the log."""
        deadline = time.monotonic() + READY_SECONDS
        for name in self.names():
            while (status := self.processes[name].poll()) is not None or not self._is_ready(name):
                if status is not None or time.monotonic() > deadline:
                    why = "ended" if status is not None else "is not ready in time"
                    raise LocalPartError(f"{name} {why}; see {self.folder / f'{name}.log'}")
                time.sleep(0.05)

    def _is_ready(self, name: str) -> bool:
        try:
            return httpx2.get(f"{self.url(name)}/readyz", timeout=2).is_success
        except httpx2.HTTPError:
            return False

    def watch(self) -> None:
        """Wait as long as every process runs; raises LocalPartError that names the one that ended."""
        while True:
            for name, guarded in self.processes.items():
                if guarded.poll() is not None:
                    raise LocalPartError(f"{name} ended; see {self.folder / f'{name}.log'}")
            time.sleep(0.5)

    def stop(self) -> None:
        """End all processes in order: services first, then the parts they stand on."""
        if self._connection_left:
            (self.folder / CONNECTION).unlink(missing_ok=True)
        for guarded in self.processes.values():
            guarded.send_signal(15)
        for guarded in self.processes.values():
            guarded.stop()
        self.processes.clear()
        if self.embedded_kafka is not None:
            self.embedded_kafka.stop()
        if self.embedded_postgres is not None:
            self.embedded_postgres.stop()


def vault_key(folder: Path) -> str:
    """Answer the key of the vault (base64 of 32 bytes): ARREARS_VAULT_KEY, or one kept in *folder*, mode 0600."""
    given = os.environ.get("ARREARS_VAULT_KEY")
    if given:
        return given
    return _kept(folder / "vault.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())


def dev_key(folder: Path) -> str:
    """Answer the key that signs development tokens (a private JWK): ARREARS_DEV_KEY, or one kept in *folder*."""
    return os.environ.get("ARREARS_DEV_KEY") or _kept(folder / "dev.key", new_key)


def _kept(path: Path, make: Callable[[], str]) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = make()
        write_private(path, key)
        return key


def write_private(path: Path, content: str) -> None:
    """Write a new file that only we may read; raises FileExistsError where there is one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
