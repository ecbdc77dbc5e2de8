"""`arrears status`: what it shows of services that are well, want a look, fail or do not answer; and its exit status."""

import io
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from rich.console import Console
from typer.testing import CliRunner

from shared.cli.asking import urls_or_fail
from shared.cli.main import app
from shared.cli.status_table import table


def check(value, status="pass", unit="", **more):
    return {"observedValue": value, "observedUnit": unit, "status": status, **more}


WELL = {
    "status": "pass",
    "notes": [],
    "checks": {
        "kafka:lag": [
            check(3, componentId="core-banking"),
            check(4, componentId="notifier"),
        ],
        "outbox:rows": [check(2)],
        "outbox:age": [check(0.4)],
        "effects:pending": [check(5)],
        "effects:sending": [check(1)],
    },
}
LOOK = {
    "status": "warn",
    "notes": [],
    "checks": {"quarantine:waiting": [check(2, "warn", "records")]},
}
ILL = {"status": "fail", "notes": ["database does not answer: OSError"], "checks": {}}


@pytest.fixture
def serving(monkeypatch):
    """Serve these bodies on /health, and let ARREARS_URLS name them."""
    servers = []

    def serve(**bodies):
        urls = []
        for name, body in bodies.items():

            class Handler(BaseHTTPRequestHandler):
                answer = body

                def do_GET(self):
                    allowed = self.headers["Authorization"] == "Bearer of the test"
                    content = json.dumps(
                        self.answer if allowed else {"title": "Who are you?"}
                    ).encode()
                    self.send_response(200 if allowed else 401)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

                def log_message(self, *_):
                    """Say nothing."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
            urls.append(f"{name}=http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ARREARS_URLS", ",".join(urls))
        monkeypatch.setenv("ARREARS_TOKEN", "of the test")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_table_shows_each_service_and_why_it_is_not_well():
    out = io.StringIO()
    found = {"scheduler": WELL, "notifier": LOOK, "legal": ILL}
    Console(file=out, width=140).print(table(found))
    shown = out.getvalue()
    (scheduler,) = [line for line in shown.splitlines() if line.startswith("scheduler")]
    assert scheduler.split()[:7] == ["scheduler", "pass", "7", "2", "0.4", "s", "5+1"]
    assert "notifier: quarantine:waiting is 2 records" in shown
    assert "legal: database does not answer: OSError" in shown


@pytest.mark.parametrize(("bodies", "code"), [
    ({"scheduler": WELL, "notifier": LOOK}, 0), ({"scheduler": WELL, "legal": ILL}, 1),
])  # fmt: skip
def test_the_exit_status_is_1_when_one_fails(serving, bodies, code):
    serving(**bodies)
    ran = CliRunner().invoke(app, ["status", "--json"])
    assert ran.exit_code == code, ran.output
    assert json.loads(ran.stdout) == bodies


def test_one_that_does_not_answer_or_knows_us_not_fails_and_says_so(serving, monkeypatch):
    serving(scheduler=WELL)
    monkeypatch.setenv("ARREARS_URLS", "scheduler=http://127.0.0.1:9")
    ran = CliRunner().invoke(app, ["status"])
    assert ran.exit_code == 1
    assert "does not answer: ConnectError" in ran.stdout
    serving(scheduler=WELL)
    monkeypatch.setenv("ARREARS_TOKEN", "of somebody else")
    ran = CliRunner().invoke(app, ["status"])
    assert ran.exit_code == 1
    assert "answers 401 Who are you?" in ran.stdout


def test_without_services_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARREARS_URLS", raising=False)
    ran = CliRunner().invoke(app, ["status"])
    assert ran.exit_code == 2
    assert "start `arrears up`" in ran.stderr
    monkeypatch.setenv("ARREARS_URLS", "scheduler")
    assert "name=http://host:port" in CliRunner().invoke(app, ["status"]).stderr
    monkeypatch.setenv("ARREARS_URLS", "a=http://x:1/, b=https://y")
    assert urls_or_fail() == {"a": "http://x:1", "b": "https://y"}
