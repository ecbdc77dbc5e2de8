"""The embedded Kafka and PostgreSQL: real, durable over restarts, local only, and gone when we are."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.local import LocalPartError, refuse_in_production
from shared.local.guard import spawn_guarded, take_lock
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres

STARTS_BOTH = """
import json, sys, time
from pathlib import Path
from shared.local.kafka import EmbeddedKafka
from shared.local.postgres import EmbeddedPostgres
kafka, postgres = EmbeddedKafka(Path(sys.argv[1], "kafka")), EmbeddedPostgres(Path(sys.argv[1], "postgres"))
kafka.start(), postgres.start()
print(json.dumps([kafka.pid, postgres.pid]), flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def fetch(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(server.url(driver=""), timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_a_record_goes_through_kafka(kafka: str) -> None:
    await create_topic(kafka, "through")
    await produce(kafka, "through", b"hello")

    assert await consume(kafka, "through", 1) == [b"hello"]


async def test_kafka_keeps_port_and_records_over_stop_and_kill(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        first = kafka.bootstrap
        await create_topic(first, "kept")
        await produce(first, "kept", b"before the stop")
        kafka.stop()
        assert kafka.start() == first
        await produce(first, "kept", b"before the kill")
        kafka.kill()
        assert kafka.start() == first

        assert await consume(first, "kept", 2) == [b"before the stop", b"before the kill"]


async def test_a_second_listener_sends_its_clients_through_a_proxy(tmp_path: Path) -> None:
    passed = 0

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        passed += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", kafka.extra_port)
        await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    kafka = EmbeddedKafka(tmp_path / "kafka", extra_listener_port=port)
    await asyncio.to_thread(kafka.start)
    try:
        assert kafka.extra_bootstrap == f"127.0.0.1:{port}"
        await create_topic(kafka.bootstrap, "proxied")
        assert passed == 0
        await produce(kafka.extra_bootstrap, "proxied", b"hello")
        assert await consume(kafka.extra_bootstrap, "proxied", 1) == [b"hello"]
        assert passed > 2  # not only the first connection, also those to the advertised address
    finally:
        proxy.close()
        await asyncio.to_thread(kafka.stop)


async def test_each_test_has_a_database_of_its_own(database: str, postgres: str) -> None:
    connection = await asyncpg.connect(database.replace("+asyncpg", ""), timeout=10)
    try:
        name = await connection.fetchval("select current_database()")
    finally:
        await connection.close()

    assert name.startswith("test_")
    assert not postgres.endswith(name)


async def test_postgres_keeps_port_and_rows_over_stop_and_kill(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        url = server.start()
        await fetch(server, "create table kept as select 1 as n")
        server.stop()
        assert server.start() == url
        await fetch(server, "insert into kept values (2)")
        server.kill()
        assert server.start() == url

        assert await fetch(server, "select n from kept order by n") == [(1,), (2,)]
        assert await fetch(server, "show fsync") == [("on",)]
    finally:
        server.erase()
    assert not server.data_dir.exists()


async def test_postgres_wants_its_password(postgres_server: EmbeddedPostgres) -> None:
    path = postgres_server.data_dir / "password"
    assert path.stat().st_mode & 0o777 == 0o600

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            postgres_server.url(driver="").replace(path.read_text(), "guessed"), timeout=10
        )


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_postgres_starts_wherever_the_checkout_lies(tmp_path: Path, mode: int) -> None:
    """As root PostgreSQL runs as `nobody`, who may not enter a folder with mode 0700."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    server = EmbeddedPostgres(home / "checkout" / ".arrears" / "postgres")
    try:
        server.start()
        stored = (server.data_dir / "data").resolve()
        assert (stored / "PG_VERSION").exists()
    finally:
        server.erase()
    assert not stored.exists()


def test_both_listen_on_the_loopback_only(kafka: str, postgres_server: EmbeddedPostgres) -> None:
    ports = {int(kafka.rpartition(":")[2]), postgres_server.port}
    servers = [
        process
        for process in psutil.Process().children(recursive=True)
        if process.name() in ("java", "postgres")
    ]
    listening = [
        seen.laddr
        for process in servers
        for seen in process.net_connections(kind="inet")
        if seen.status == psutil.CONN_LISTEN
    ]
    ours = [address for address in listening if address.port in ports]

    assert {address.port for address in ours} == ports
    assert {address.ip for address in listening} == {"127.0.0.1"}


@pytest.fixture
def parent_of_both(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that started Kafka and PostgreSQL, and the pids of both and of their guards."""
    command = [sys.executable, "-c", STARTS_BOTH, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        servers = json.loads(parent.stdout.readline())
        guards = [child.pid for child in psutil.Process(parent.pid).children()]
        yield parent, [*servers, *guards]
        parent.kill()
    EmbeddedPostgres(tmp_path / "postgres").erase()


def test_nothing_outlives_a_parent_killed_with_9(
    parent_of_both: tuple[subprocess.Popen[str], list[int]],
) -> None:
    parent, pids = parent_of_both
    assert len(pids) == 4
    assert not any(map(gone, pids))

    parent.kill()

    until(lambda: all(map(gone, pids)))


def test_a_child_does_not_outlive_its_guard() -> None:
    child = spawn_guarded(["sleep", "600"])
    os.kill(child.guard_pid, signal.SIGKILL)
    child.wait(10)

    if os.uname().sysname == "Linux":
        until(lambda: gone(child.pid))
    else:
        os.kill(child.pid, signal.SIGKILL)


def test_a_child_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn_guarded(
        ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], log_path=log, grace=1
    )
    until(lambda: log.read_text() == "deaf\n")

    assert child.stop() == 128 + signal.SIGKILL
    assert gone(child.pid)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LocalPartError, match=r"no-such-program.*No such file"):
        spawn_guarded(["/no-such-program"])


def test_a_data_folder_serves_one_process_and_is_free_after_it(tmp_path: Path) -> None:
    child = spawn_guarded(["sleep", "600"], lock_path=tmp_path / "lock")
    with pytest.raises(LocalPartError, match="in use by another"):
        take_lock(tmp_path / "lock", timeout=0.1)

    child.stop()

    os.close(take_lock(tmp_path / "lock", timeout=0.1))


def test_production_refuses_the_embedded_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_in_production("development")
    with pytest.raises(LocalPartError, match="ARREARS_KAFKA"):
        refuse_in_production("production")

    monkeypatch.setenv("ARREARS_ALLOW", "plaintext-provider, embedded-parts")
    refuse_in_production("production")
    monkeypatch.delenv("ARREARS_ALLOW")

    monkeypatch.setenv("ARREARS_MODE", "production")
    for part in (EmbeddedKafka(tmp_path / "kafka"), EmbeddedPostgres(tmp_path / "postgres")):
        with pytest.raises(LocalPartError, match="ARREARS_DATABASE_URL"):
            part.start()
        assert not part.data_dir.exists()
