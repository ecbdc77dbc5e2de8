"""The kill switch itself: it kills where and when it was told to, writes it down first, and never in production."""

import json
import os
import signal
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from shared import killpoints

PROGRAM = """
from shared import killpoints
killpoints.arm(production={production})
for in_hand in (0, 5, 0, 6, 7):
    killpoints.reach("shell.before_commit", in_hand=1)
    killpoints.reach("relay.after_send", in_hand=in_hand)
print("lives")
"""


def run(kill_log: Path, at: str, *, production: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(production=production)],
        env={**os.environ, "ARREARS_KILL_AT": at, "ARREARS_KILL_LOG": str(kill_log)},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_it_kills_at_the_nth_time_with_something_in_hand_and_writes_it_down(tmp_path: Path):
    done = run(tmp_path / "log", "relay.after_send:2")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    (line,) = (tmp_path / "log").read_text().splitlines()
    death = json.loads(line)
    assert (death["name"], death["in_hand"]) == ("relay.after_send", 6)
    assert death["pid"] > 0


@pytest.mark.parametrize("at", ["", "relay.after_send:4"])
def test_it_lives_where_it_is_not_told_to_die(tmp_path: Path, at: str):
    assert run(tmp_path / "log", at).stdout == "lives\n"
    assert not (tmp_path / "log").exists()


def test_production_refuses_it_and_says_so(tmp_path: Path):
    done = run(tmp_path / "log", "relay.after_send", production=True)
    assert done.returncode == 0
    assert "kill_point_refused" in done.stdout
    assert done.stdout.endswith("lives\n")


def test_a_place_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARREARS_KILL_AT", "nowhere:1")
    with pytest.raises(ValueError, match="nowhere"):
        killpoints.arm(production=False)
    monkeypatch.setenv("ARREARS_KILL_AT", "relay.after_send")
    monkeypatch.delenv("ARREARS_KILL_LOG", raising=False)
    with pytest.raises(ValueError, match="ARREARS_KILL_LOG"):
        killpoints.arm(production=False)


def test_it_costs_nothing_when_off():
    def reach() -> None:
        killpoints.reach("relay.after_send", in_hand=500)

    assert min(timeit.repeat(reach, number=10_000, repeat=5)) / 10_000 < 5e-6
