"""The tiny process between us and a child: it ends the child when we are gone, however we went.

    python -I -S guard_process.py STOP_SIGNAL GRACE_SECONDS REPORT_FD UID GID -- COMMAND...

Its standard input is a pipe that only our process holds open: end of file means that we are gone (a pipe, because
Linux's parent death signal follows the thread that forked, and macOS has none). Then the child's process group
gets STOP_SIGNAL, and SIGKILL after the grace. The REPORT_FD takes the child's pid, and an error text if it could not be run.
Standard library only and few imports: this costs its memory once per child.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

PR_SET_PDEATHSIG = 1
OUR_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def become(command: list[str], report: int, uid: int, gid: int) -> NoReturn:
    """Turn this fresh fork into the child."""
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # Python ignores these two, and exec would keep that
        for reset in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(reset, signal.SIG_DFL)
        die_with_guard = parent_death_call()  # while we may still read Python's files
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        die_with_guard()
        for descriptor in range(3, 256):
            if is_open(descriptor):
                os.set_inheritable(descriptor, False)
        os.execvp(command[0], command)
    except BaseException as error:  # noqa: BLE001  a fork must never return into the guard's code
        os.write(report, f"{command[0]}: {error}".encode())
    os._exit(127)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def parent_death_call() -> Callable[[], object]:
    """For the case that the guard itself is killed with -9; Linux only. The guard has one thread, so it is safe here."""
    if os.uname().sysname != "Linux":
        return lambda: None
    import ctypes  # noqa: PLC0415  only in the fork, so that the guard stays small

    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def signal_group(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)


def watch(child: int, wake: int, stop_signal: int, grace: float) -> int:
    """Wait for the child's end, or bring it about; its exit status."""
    parent: list[int] = [0]
    deadline: float | None = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            signal_group(child, signal.SIGKILL)  # what it left behind in its group
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([*parent, wake], [], [], timeout)
        told = wake in ready and any(number in OUR_SIGNALS for number in os.read(wake, 512))
        gone = 0 in ready and not os.read(0, 512)
        if (told or gone) and deadline is None:
            parent, deadline = [], time.monotonic() + grace
            signal_group(child, stop_signal)
        elif deadline is not None and time.monotonic() >= deadline:
            signal_group(child, signal.SIGKILL)
            deadline += 1


def main() -> int:
    stop_signal, grace, report, uid, gid = map(int, sys.argv[1:6])
    os.set_inheritable(report, False)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (*OUR_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    child = os.fork()
    if child == 0:
        become(sys.argv[7:], report, uid, gid)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)  # here too: whoever of us two comes first
    os.write(report, f"{child}\n".encode())
    os.close(report)
    return watch(child, wake, stop_signal, grace)


if __name__ == "__main__":
    os._exit(main())
