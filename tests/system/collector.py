"""A collector of traces over OTLP/HTTP, as small as it can be: it keeps every span that real exporters send."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Told:
    """One span: its place in its trace, what it is called, the service that told it, and all of it as text."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    text: str
    links: frozenset[str]


@dataclass
class Collector:
    url: str
    spans: list[Told] = field(default_factory=list)

    def trace_of(self, name: str, service: str) -> list[Told]:
        """The spans of the first trace that holds such a span."""
        found = next(s for s in self.spans if (s.name, s.service) == (name, service))
        return [span for span in self.spans if span.trace_id == found.trace_id]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.spans.extend(_read(ExportTraceServiceRequest.FromString(body)))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Requests are counted by their spans."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _read(request: ExportTraceServiceRequest) -> Iterator[Told]:
    for resource in request.resource_spans:
        named = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Told(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    service=named["service.name"],
                    text=str(span),
                    links=frozenset(link.span_id.hex() for link in span.links),
                )
