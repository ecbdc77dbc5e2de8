"""Child processes that end with us, even when we are killed with -9: `spawn_guarded(command)`.

Between us and the child stands guard_process.py, which holds the read end of a pipe whose only write end is ours. The child
runs in its own session, so Ctrl-C reaches us alone and we stop our children in order. A lock file, held by the guard
until the child is gone, keeps two processes from working on one data folder; a restart waits for the last one's end.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.local import LocalPartError

GUARD = Path(__file__).with_name("guard_process.py")


@dataclass(frozen=True)
class Account:
    """The operating system's account that a child runs as."""

    uid: int
    gid: int


class Guarded:
    """A running child. `pid` is the child's own, not the guard's."""

    def __init__(self, guard: subprocess.Popen[bytes], lifeline: int, pid: int, grace: int) -> None:
        self.pid = pid
        self.guard_pid = guard.pid
        self._guard = guard
        self._lifeline = lifeline
        self._grace = grace

    def poll(self) -> int | None:
        """The exit status, 128 + n after signal n, or None while it runs."""
        return self._guard.poll()

    def wait(self, timeout: float | None = None) -> int:
        return self._guard.wait(timeout)

    def send_signal(self, number: int) -> None:
        """Signal the child itself (SIGSTOP, SIGCONT, SIGHUP ...); nothing when it is gone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def stop(self) -> int:
        """End it in order, by force after its grace; returns when it is gone."""
        self._cut()
        try:
            return self._guard.wait(self._grace + 5)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """kill -9; returns when it is gone."""
        self.send_signal(signal.SIGKILL)
        status = self._guard.wait(10)
        self._cut()
        return status

    def _cut(self) -> None:
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)

    def __del__(self) -> None:
        self._cut()


def spawn_guarded(
    command: Sequence[str],
    *,
    log_path: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    stop_signal: int = signal.SIGTERM,
    grace: int = 10,
    lock_path: Path | None = None,
) -> Guarded:
    """Start the command under a guard; output is appended to `log_path`, or shared with ours.

    It gets `stop_signal` and, `grace` seconds later, SIGKILL: by `stop()`, or when this process ends.
    """
    lock = None if lock_path is None else take_lock(lock_path)
    life_read, life_write = os.pipe()
    report_read, report_write = os.pipe()
    output = None if log_path is None else log_path.open("ab")
    kept = [report_write] if lock is None else [report_write, lock]
    who = account or Account(-1, -1)
    numbers = [int(stop_signal), grace, report_write, who.uid, who.gid]
    try:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), *map(str, numbers), "--", *command],
            stdin=life_read,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=env,
            cwd=cwd,
            pass_fds=kept,
            start_new_session=True,
        )
    except BaseException:
        os.close(life_write)
        os.close(report_read)
        raise
    finally:
        for descriptor in (life_read, *kept):
            os.close(descriptor)
        if output is not None:
            output.close()
    with os.fdopen(report_read, "rb") as report:
        pid, _, error = report.read().decode().partition("\n")
    guarded = Guarded(guard, life_write, int(pid or 0), grace)
    if error or not pid:
        guarded.stop()
        raise LocalPartError(f"cannot start {error or command[0]}")
    return guarded


def take_lock(path: Path, timeout: float = 30.0) -> int:
    """An open, locked file; waits for a previous owner that is just ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise LocalPartError(
                    f"{path.parent} is in use by another running Arrears"
                ) from None
            time.sleep(0.05)
        else:
            return descriptor
