"""A disk that can be filled: a tmpfs of a few megabytes, and ballast that leaves no byte free."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

BLOCK = 64 * 1024


class SmallDisk:
    """A mounted tmpfs of its own size."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> int:
        """Write until nothing fits any more; answers the bytes of ballast."""
        written = 0
        with suppress(OSError), (self.path / "ballast").open("ab", buffering=0) as file:
            for size in (BLOCK, 1):
                with suppress(OSError):
                    while True:
                        written += file.write(b"\0" * size)
        return written

    def free(self) -> None:
        (self.path / "ballast").unlink()


@contextmanager
def small_disk(
    path: Path, *, kilobytes: int, owner: tuple[int, int] | None = None
) -> Iterator[SmallDisk]:
    """Mount one at *path* for *owner* (uid, gid); where this machine lets us mount nothing: skips, and fails in CI."""
    path.mkdir(parents=True)
    uid, gid = owner or (os.getuid(), os.getgid())
    options = f"size={kilobytes}k,mode=0700,uid={uid},gid={gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "arrears-test", str(path)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except OSError as error:
        _cannot(f"this machine has no mount: {error}")
    if done.returncode != 0:
        _cannot(f"this machine lets us mount no tmpfs: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False, timeout=10)


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
