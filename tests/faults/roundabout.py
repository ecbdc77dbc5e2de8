"""A small load balancer in a thread of its own: requests go in turn to the members of a service that say they are ready."""

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

LOOK_SECONDS = 0.2
ATTEMPTS = 40
DROPPED = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class Roundabout:
    """
    Hands each request to the next ready member; when that one takes no connection, or ends without an answer, to another.

    That is what balancers do with requests that may be repeated, and all of ours may: they bear an id.
    `answers` counts what the callers got.
    """

    def __init__(self, members: Sequence[str]) -> None:
        self._members = list(members)
        self._turns = itertools.count()
        self._ready: list[str] = list(members)
        self._stopping = threading.Event()
        # a connection for each request: a member that is about to end must not be held to one
        self._client = httpx2.Client(
            timeout=15, verify=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        self.answers: Counter[int] = Counter()
        self.handed_on = 0

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        """Yields the port."""
        server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        server.daemon_threads = True
        threads = [
            threading.Thread(target=server.serve_forever, daemon=True),
            threading.Thread(target=self._look, daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield server.server_address[1]
        finally:
            self._stopping.set()
            server.shutdown()
            server.server_close()
            for thread in threads:
                thread.join(10)
            self._client.close()

    def _look(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self._ready = [url for url in self._members if self._is_ready(url)]

    def _is_ready(self, url: str) -> bool:
        with contextlib.suppress(httpx2.HTTPError, RuntimeError):
            return self._client.get(f"{url}/readyz", timeout=2).status_code == 200
        return False

    def pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        for _ in range(ATTEMPTS):
            ready = self._ready
            if ready:
                url = ready[next(self._turns) % len(ready)]
                try:
                    answer = self._client.request(method, url + path, headers=headers, content=body)
                except httpx2.TransportError:
                    self.handed_on += 1
                else:
                    kept = {k: v for k, v in answer.headers.items() if k.lower() not in DROPPED}
                    return answer.status_code, kept, answer.content
            self._stopping.wait(LOOK_SECONDS)
        return 502, {}, b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        roundabout = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(length)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
                status, kept, content = roundabout.pass_on(self.command, self.path, headers, body)
                roundabout.answers[status] += 1
                self.send_response_only(status)
                for name, value in kept.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _serve  # noqa: N815  the names that http.server asks for

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
