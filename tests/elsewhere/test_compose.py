"""docker-compose.yml: nothing starts with a missing secret or more rights than it needs, and its commands run as they stand."""

import asyncio
import base64
import json
import re
import secrets
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, requires
from pathlib import Path

import httpx2
import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.clock import SystemClock
from shared.demo.live import published
from shared.events.registry import SERVICES
from shared.local import free_port
from shared.local.guard import Guarded, spawn_guarded
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres
from shared.messaging.publisher import Publisher
from shared.privacy.envelope import Envelope, seal_event
from shared.settings import DEFAULT_PARTITIONS
from tests.conftest import execute
from tests.elsewhere import composed
from tests.elsewhere.image import LOCK, ROOT, Image, locked
from tests.faults.load import Bank, strategy, zone_of_noon
from tests.waiting import eventually

GIVEN = {
    "ARREARS_SECRETS": "/somewhere/secrets",
    "ARREARS_PROVIDER_URL": "https://provider.example",
    "ARREARS_OIDC_ISSUER": "https://issuer.example",
}
CUSTOMERS = 30


def test_what_must_be_given_is_named_where_it_is_missing():
    for name in GIVEN:
        with pytest.raises(composed.Missing, match=name):
            composed.read({key: value for key, value in GIVEN.items() if key != name})


def test_our_containers_have_no_more_rights_than_they_need():
    found = composed.read(GIVEN)["services"]
    ours = {name: found[name] for name in ("migrate", *SERVICES)}
    assert len({service["image"] for service in ours.values()}) == 1
    for service in ours.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    for service in found.values():
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["deploy"]["resources"]["limits"]["memory"]
        assert service["cap_drop"] == ["ALL"]
        assert service["restart"] in {"unless-stopped", "no"}
        assert re.search(r":\d+\.\d+", service["image"]), "an image is named by its full version"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for name in ("kafka", "postgres"):
        assert found[name]["networks"] == ["inside"]


def test_no_secret_stands_in_the_file_or_in_the_environment():
    found = composed.read(GIVEN)
    for service in found["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|KEY", name):
                assert value.startswith("/run/secrets/"), name
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert {Path(s["file"]).parent for s in found["secrets"].values()} == {
        Path(GIVEN["ARREARS_SECRETS"])
    }


@pytest.mark.parametrize("name", ["requirements-production.lock", "requirements-build.lock"])
def test_the_images_packages_are_exactly_those_that_are_tested(name: str):
    all_, part = locked(ROOT / "requirements.lock"), locked(ROOT / name)
    assert {package for package in part if all_.get(package) != part[package]} == set()
    assert all("--hash=sha256:" in block for block in part.values())


def test_the_image_holds_what_production_needs_and_no_embedded_part():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = closure(project["dependencies"])
    named = {canonicalize_name(name) for name in locked(LOCK)}
    assert needed - named == set()
    extras = {
        canonicalize_name(Requirement(line).name)
        for lines in project["optional-dependencies"].values()
        for line in lines
    }
    assert named & (extras - needed) == set()


def closure(lines: list[str]) -> set[str]:
    """The packages that these requirements lead to on this machine, as installed."""
    found: set[str] = set()
    open_ = [Requirement(line) for line in lines]
    while open_:
        wanted = open_.pop()
        if wanted.marker is not None and not any(
            wanted.marker.evaluate({"extra": extra}) for extra in (wanted.extras or {""})
        ):
            continue
        name = canonicalize_name(wanted.name)
        key = f"{name}[{','.join(sorted(wanted.extras))}]"
        if key in found:
            continue
        found.add(key)
        for line in requires(name) or ():
            inner = Requirement(line)
            if inner.marker is None or any(
                inner.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras)
            ):
                inner.marker = None
                open_.append(inner)
        assert distribution(name)
    return {key.partition("[")[0] for key in found}


class Composition:
    """The compose file's processes on this machine: same commands, same environment, other hosts and paths."""

    def __init__(self, folder: Path, kafka: EmbeddedKafka, postgres: EmbeddedPostgres) -> None:
        self.folder = folder
        self.image = Image(folder / "image")
        secrets_folder = folder / "secrets"
        secrets_folder.mkdir()
        (secrets_folder / "database-password").write_text(
            (postgres.data_dir / "password").read_text() + "\n"
        )
        for name in ("vault-key", "audit-key"):
            (secrets_folder / name).write_text(new_key())
        self.envelope_keys = f"k1={new_key()}"
        (secrets_folder / "envelope-keys").write_text(self.envelope_keys + "\n")
        self.provider = free_port()
        self.file = composed.read(
            {
                **GIVEN,
                "ARREARS_SECRETS": str(secrets_folder),
                "ARREARS_PROVIDER_URL": f"http://127.0.0.1:{self.provider}",
                "ARREARS_CONTACT": "sandbox",
            }
        )
        self.places = {
            "kafka:9092": kafka.bootstrap,
            "@postgres:5432": f"@127.0.0.1:{postgres.port}",
            "/run/secrets": str(secrets_folder),
        }
        self.ports = {name: free_port() for name in SERVICES}
        self.running: dict[str, Guarded] = {}

    def start(self, name: str, **extra: str) -> Guarded:
        """Start a service of the file, with exactly its command."""
        service = self.file["services"][name]
        environment = composed.translated(service["environment"], self.places, extra)
        # what stands for other machines is on this one, and without certificates
        environment["ARREARS_ALLOW"] += ",embedded-parts,plaintext-provider"
        return self.run(name, service["command"], environment)

    def run(self, name: str, command: list[str], environment: dict[str, str]) -> Guarded:
        self.running[name] = spawn_guarded(
            [str(self.image.bin / command[0]), *command[1:]],
            env={**environment, "PATH": f"{self.image.bin}:/usr/bin:/bin"},
            cwd=self.image.app,
            log_path=self.folder / f"{name}.log",
        )
        return self.running[name]

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def is_ready(self, name: str) -> bool:
        assert self.running[name].poll() is None, self.said(name)
        try:
            return httpx2.get(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=2).is_success
        except httpx2.HTTPError:
            return False


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def composition(servers_folder: Path, postgres_server: EmbeddedPostgres) -> Iterator[Composition]:
    folder = servers_folder / "composition"
    folder.mkdir()
    execute(postgres_server, "CREATE DATABASE arrears")
    with EmbeddedKafka(folder / "kafka") as broker:
        found = Composition(folder, broker, postgres_server)
        yield found
        for guarded in found.running.values():
            guarded.send_signal(15)
        for guarded in found.running.values():
            guarded.stop()


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_the_commands_of_the_compose_file_run_against_a_foreign_broker_and_database(
    composition: Composition,
):
    """In production mode, from the production packages alone: migrated, ready, and events become contacts."""
    now = SystemClock().now()
    zone = zone_of_noon(now)
    ladder = composition.folder / "strategy.yaml"
    ladder.write_text(strategy(zone, None), encoding="utf-8")
    callbacks = {name: f"http://127.0.0.1:{port}" for name, port in composition.ports.items()}
    composition.run(
        "provider",
        ["arrears", "serve", "sandbox"],
        {
            "ARREARS_KAFKA": "none",
            "ARREARS_DATABASE_URL": "postgresql+asyncpg://none@none/none",
            "ARREARS_PORT": str(composition.provider),
            "ARREARS_SANDBOX_SEED": "1",
            "ARREARS_SANDBOX_TIME_SCALE": "0",
            "ARREARS_SANDBOX_LOG": str(composition.folder / "sandbox.jsonl"),
            "ARREARS_SANDBOX_CALLBACK_BASE": json.dumps(callbacks),
        },
    )

    migrate = composition.start("migrate")
    assert migrate.wait(60) == 0, composition.said("migrate")
    for name in SERVICES:
        composition.start(
            name, ARREARS_PORT=str(composition.ports[name]), ARREARS_STRATEGY=str(ladder)
        )
    for name in SERVICES:
        eventually(lambda name=name: composition.is_ready(name), seconds=60)

    bank = Bank("C", zone)
    envelope = Envelope.from_text(composition.envelope_keys)
    told = [
        seal_event(msgspec.structs.replace(event, time=now), envelope)
        for n in range(CUSTOMERS)
        for event in (bank.record(n), bank.account(n), bank.missed(n))
    ]
    bootstrap = composition.places["kafka:9092"]

    async def publish() -> None:
        async with Publisher(bootstrap) as publisher:
            await publisher.publish(told)

    asyncio.run(publish())

    def all_contacted() -> bool:
        seen = asyncio.run(published(bootstrap, DEFAULT_PARTITIONS))
        sent = {event.data.customer_id for _, event in seen if event.type == "contact.sent"}
        return len(sent) == CUSTOMERS

    eventually(all_contacted, seconds=90)
    for name in SERVICES:
        composition.running[name].send_signal(15)
        # uvicorn ends itself by the signal that it was sent, after everything was stopped in order
        assert composition.running[name].wait(30) in {0, 128 + 15}, composition.said(name)
        assert "service_stopped" in composition.said(name)
