"""The commands on files, as a user types them."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.replay.schema import text
from shared.replay.summary import Summary

ROOT = Path(__file__).parents[2]
STORY = ROOT / "tests" / "replay" / "stories" / "cure_then_relapse.jsonl"


@pytest.fixture
def arrears(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_a_replay_writes_what_was_published_and_a_summary(arrears, tmp_path):
    words = ("--out", "out.jsonl", "--summary", "sum.json", "--per-customer", "--seed", 0)
    ran = arrears("replay", STORY, *words)
    assert ran.exit_code == 0, ran.output
    expected = STORY.with_name("cure_then_relapse.expected.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == expected.read_bytes()
    summary = msgspec.json.decode((tmp_path / "sum.json").read_bytes(), type=Summary)
    assert summary.events_in == 7
    assert [entry.bucket for entry in summary.per_customer] == ["M1"]


def test_the_schema_of_the_summary_stands_in_the_repository():
    assert (ROOT / "docs" / "reference" / "summary.schema.json").read_bytes() == text()


def test_a_malformed_line_is_kept_aside_with_its_number_and_reason(arrears, tmp_path):
    events = tmp_path / "events.jsonl"
    events.write_bytes(STORY.read_bytes() + b'{"specversion":"1.0"}\nnot json\n')
    ran = arrears("replay", events, "--summary", "sum.json")
    assert ran.exit_code == 0, ran.output
    aside = (tmp_path / "events.rejected.jsonl").read_text()
    rows = [json.loads(line) for line in aside.splitlines()]
    assert [row["line"] for row in rows] == [8, 9]
    assert rows[0]["reason"].startswith("schema: id: missing")
    assert json.loads((tmp_path / "sum.json").read_text())["rejected"] == 2


def test_an_instant_without_a_zone_is_refused(arrears):
    ran = arrears("replay", STORY, "--until", "2026-03-01T00:00:00")
    assert ran.exit_code == 2
    assert "--until: an instant needs a time zone" in ran.output


def test_a_strategy_that_is_wrong_is_said_with_its_line(arrears, tmp_path):
    strategy = tmp_path / "mine.yaml"
    strategy.write_text("name: mine\nladder:\n  - {name: a, day: soon, stage: reminder}\n")
    ran = arrears("replay", STORY, "--strategy", strategy)
    assert ran.exit_code == 2
    assert "mine.yaml, line 3: ladder[0].day" in ran.output


def test_a_generated_portfolio_can_be_replayed(arrears):
    assert arrears("generate", "p.jsonl", "--customers", 5, "--days", 40).exit_code == 0
    ran = arrears("replay", "p.jsonl", "--summary", "s.json")
    assert ran.exit_code == 0, ran.output
    assert "0 lines rejected" not in ran.output


def test_a_command_that_needs_a_running_system_says_what_to_set(arrears, monkeypatch):
    for name in ("ARREARS_KAFKA", "ARREARS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    ran = arrears("quarantine", "list")
    assert ran.exit_code == 2
    assert "set ARREARS_KAFKA, or start `arrears up` in this folder" in ran.output


def test_help_is_quick_to_import():
    """What `--help` imports holds none of the heavy parts; the seconds depend on the machine, this does not."""
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    code = (
        "import sys, shared.cli.main;"
        "print([m for m in ('fastapi', 'aiokafka', 'sqlalchemy', 'msgspec') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
