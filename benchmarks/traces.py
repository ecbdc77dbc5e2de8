"""What tracing costs: the same events through the same service, with traces off, sampled at 1 %, and all of them.

Spans go by the real OTLP exporter to a collector that reads and drops them; its work is not counted.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

from typing_extensions import override

from benchmarks.events import CUSTOMERS, Load, customer, stream
from benchmarks.parts import PARTITIONS, Parts, servers
from benchmarks.process import Measured, measure
from benchmarks.tables import table
from shared.clock import SystemClock
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics


class _Sink(BaseHTTPRequestHandler):
    """Takes spans and forgets them."""

    received = 0

    def do_POST(self) -> None:
        """Read the body whole, as a collector does."""
        _Sink.received += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _sink() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def run(load: Load) -> None:
    """Measure and print."""
    facts = list(stream(load.records, SystemClock().now() - timedelta(hours=1)))
    with servers(kafka=True) as parts, _sink() as url:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
        one_percent = {
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.01",
        }
        ways: dict[str, Mapping[str, str]] = {
            "off": {}, "1 % sampled": {**endpoint, **one_percent}, "all": endpoint,
        }  # fmt: skip
        await parts.fill(customer(number) for number in range(CUSTOMERS))
        await ensure_topics(parts.bootstrap, PARTITIONS)
        async with Publisher(parts.bootstrap) as publisher:
            await publisher.publish(facts)
        await _one(parts, load, "warm_up", {})
        measured: dict[str, list[Measured]] = {way: [] for way in ways}
        for turn in range(load.rounds):
            for number, (way, environment) in enumerate(ways.items()):
                run = await _one(parts, load, f"traced_{turn}_{number}", environment)
                measured[way].append(run)
    _print(load, measured)


async def _one(parts: Parts, load: Load, name: str, environment: Mapping[str, str]) -> Measured:
    url = await parts.copy(name)
    found = await measure(
        parts, "benchmarks.service", url, name, members=1, batch=load.batch, records=load.records,
        environment=environment,
    )  # fmt: skip
    await parts.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return found


def _print(load: Load, measured: Mapping[str, list[Measured]]) -> None:
    print(
        f"## traces: {load.records:,} records, medians of {load.rounds} run(s), {_Sink.received:,} B of spans\n"
    )
    off = measured["off"]
    rows = [
        (
            way,
            load.records / median(run.seconds for run in runs),
            1e6 * median(run.cpu[0] for run in runs) / load.records,
            median(b.cpu[0] / a.cpu[0] for a, b in zip(off, runs, strict=True)),
            median(a.seconds / b.seconds for a, b in zip(off, runs, strict=True)),
        )
        for way, runs in measured.items()
    ]
    print(table(("traces", "events/s", "us/event: process", "CPU of off", "events/s of off"), rows))
    print()
