"""An unprivileged account for PostgreSQL, which refuses to run as root, and folders that this account can reach.

As a normal user nothing of this applies: everything runs as that user and lies where it was asked for. As root,
PostgreSQL runs as `nobody`; where that account cannot pass the folders above (a checkout under /root, a home with mode 0700), its
files go to a folder of ours under /var/tmp instead, and a link stands where they were asked for.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from shared.local import LocalPartError
from shared.local.guard import Account

ORIGIN = "copied-from"
REFUGES = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108  folders in them are ours alone, or refused


@dataclass(frozen=True)
class Programs:
    """A package's folder with PostgreSQL's bin, lib and share, and the package's name and version."""

    folder: Path
    version: str


def database_account() -> Account | None:
    """Who PostgreSQL runs as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise LocalPartError(
        "PostgreSQL does not run as root, and this machine has neither the account `nobody` nor `daemon`: "
        "run Arrears as a normal user, or set ARREARS_DATABASE_URL"
    )


def can_reach(account: Account, folder: Path) -> bool:
    """Whether the account may pass the folder and all above it."""
    resolved = folder.resolve()
    return all(may_pass(account, above.stat()) for above in (resolved, *resolved.parents))


def may_pass(account: Account, seen: os.stat_result) -> bool:
    if seen.st_uid == account.uid:
        return bool(seen.st_mode & stat.S_IXUSR)
    if seen.st_gid == account.gid:
        return bool(seen.st_mode & stat.S_IXGRP)
    return bool(seen.st_mode & stat.S_IXOTH)


def refuge(account: Account, purpose: str) -> Path:
    """A folder of ours that the account can reach; nobody else can have made it."""
    for base in REFUGES:
        if base.is_dir() and can_reach(account, base):
            folder = base / f"arrears-{os.geteuid()}"
            for made in (folder, folder / purpose):
                own_folder(made)
            return folder / purpose
    raise LocalPartError(f"uid {account.uid} can reach none of {', '.join(map(str, REFUGES))}")


def own_folder(folder: Path) -> None:
    folder.mkdir(mode=0o711, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
        raise LocalPartError(f"{folder} is not a folder that only we can write to; remove it")
    folder.chmod(0o711)


def reachable_programs(programs: Programs, account: Account | None) -> Path:
    """Their folder, or a copy that the account can run."""
    if account is None or can_reach(account, programs.folder / "bin"):
        return programs.folder
    package = programs.folder.parent
    mark = hashlib.sha256(str(package).encode()).hexdigest()[:12]
    copy = refuge(account, "programs") / f"{programs.version}-{mark}"
    if not copy.exists():
        forget_orphans(copy.parent)
        fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.copytree(package, fresh / package.name, symlinks=True)
        # where the wheel's programs look for their libraries, from bin
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        (fresh / ORIGIN).write_text(str(package))
        fresh.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh)
    return copy / package.name / programs.folder.name


def forget_orphans(copies: Path) -> None:
    """Remove copies of packages that are there no more, as when their .venv was removed."""
    for origin in copies.glob(f"*/{ORIGIN}"):
        if not Path(origin.read_text()).exists():
            shutil.rmtree(origin.parent, ignore_errors=True)


def reachable_data(asked: Path, account: Account | None) -> Path:
    """Where the data shall lie: as asked, or at the end of a link from there."""
    if account is None:
        return asked
    asked.parent.mkdir(parents=True, exist_ok=True)
    if not asked.is_symlink() and can_reach(account, asked.parent):
        return asked
    target = refuge(account, "data") / hashlib.sha256(str(asked).encode()).hexdigest()[:16]
    if not asked.is_symlink():
        shutil.rmtree(target, ignore_errors=True)  # the link was removed: so was the data
        asked.symlink_to(target)
    return target
