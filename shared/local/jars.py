"""Apache Kafka's jars: fetched once per user, each checked against the sha256 that the repository pins.

    python -m shared.local.jars           fetch and check them now
    python -m shared.local.jars pin       resolve Kafka anew and rewrite kafka-jars.lock (for a new Kafka version)

They lie in $XDG_CACHE_HOME/arrears (default ~/.cache/arrears). ARREARS_MAVEN_MIRROR=URL, or a folder in Maven's layout, is
asked instead of the public repository. Only jgo's resolver is used: its `build` also fetches a whole JDK to sort jars into modules.
"""

import fcntl
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.local import LocalPartError

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
PIN = Path(__file__).with_name("kafka-jars.lock")
AT_ONCE = 4
ATTEMPTS = 3


@dataclass(frozen=True)
class Jar:
    """One line of the pin: group:artifact:version sha256."""

    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def pinned(pin: Path = PIN) -> list[Jar]:
    """The jars in the order of the class path."""
    lines = (line.strip() for line in pin.read_text(encoding="utf-8").splitlines())
    return [Jar(*line.split()) for line in lines if line and not line.startswith("#")]


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "arrears" / "kafka"


def class_path(
    pin: Path = PIN, folder: Path | None = None, *, console: Console | None = None
) -> str:
    """Java's class path of the pinned jars; fetches what is missing. Safe to call in two processes at once."""
    folder = folder or cache_folder()
    jars = pinned(pin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            known = read_stamps(folder)
            missing = [jar for jar in jars if not is_genuine(jar, folder, known)]
            if missing:
                fetch(missing, folder, console or Console(stderr=True))
                known |= {jar.filename: stamp(jar, folder) for jar in missing}
            write_stamps(folder, known)
    except OSError as error:
        raise LocalPartError(
            f"cannot keep Kafka's jars in {folder} ({error}); set XDG_CACHE_HOME to a folder that can be written, "
            "or ARREARS_KAFKA=host:port to use a running Kafka"
        ) from error
    return os.pathsep.join(str(folder / jar.filename) for jar in jars)


# A jar is hashed once after its download; later starts compare size and modification time with the stamp of then.


Stamp = list[str | int]


def stamp(jar: Jar, folder: Path) -> Stamp:
    seen = (folder / jar.filename).stat()
    return [jar.sha256, seen.st_size, seen.st_mtime_ns]


def read_stamps(folder: Path) -> dict[str, Stamp]:
    try:
        known: dict[str, Stamp] = json.loads((folder / "checked.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def write_stamps(folder: Path, known: dict[str, Stamp]) -> None:
    written = folder / "checked.json.new"
    written.write_text(json.dumps(known, indent=1, sort_keys=True))
    written.replace(folder / "checked.json")


def is_genuine(jar: Jar, folder: Path, known: dict[str, Stamp]) -> bool:
    """There and unchanged since it was checked; a file without a matching stamp is hashed again."""
    path = folder / jar.filename
    if not path.exists():
        return False
    if known.get(jar.filename) == stamp(jar, folder):
        return True
    if sha256_of(path) != jar.sha256:
        return False
    known[jar.filename] = stamp(jar, folder)
    return True


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch(jars: list[Jar], folder: Path, console: Console) -> None:
    """Download the jars, several at a time; each is moved into place only when its hash is right."""
    columns = (
        TextColumn("Apache Kafka, once"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("jars"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch,
        Progress(*columns, console=console) as progress,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        task = progress.add_task("", total=len(jars))
        context = repository(Path(scratch))

        def bring(jar: Jar) -> None:
            bring_one(context, jar, folder)
            progress.update(task, advance=1, description=jar.filename)

        try:
            list(threads.map(bring, jars))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
        progress.update(task, description="")


def bring_one(context: MavenContext, jar: Jar, folder: Path) -> None:
    found = download(context, jar)
    actual = sha256_of(found)
    if actual != jar.sha256:
        raise LocalPartError(
            f"{jar.filename} has sha256 {actual}, but {PIN.name} pins {jar.sha256}: refused. "
            "Somebody changed it on the way, or the mirror holds another file."
        )
    target = folder / jar.filename
    arrived = Path(tempfile.mkstemp(prefix=".arrived-", dir=folder)[1])
    arrived.write_bytes(found.read_bytes())
    arrived.replace(target)


def download(context: MavenContext, jar: Jar) -> Path:
    group, artifact, version = jar.coordinate.split(":")
    wanted = context.project(group, artifact).at_version(version).artifact()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return Path(wanted.resolve())
        except (RuntimeError, requests.RequestException) as error:
            # jgo writes in place: half a file would count as there
            half = context.repo_cache / wanted.component.path_prefix / wanted.filename
            half.unlink(missing_ok=True)
            if attempt == ATTEMPTS or isinstance(error, RuntimeError):
                raise LocalPartError(unreachable(jar, error)) from error
    raise AssertionError


def repository(scratch: Path) -> MavenContext:
    mirror = os.environ.get("ARREARS_MAVEN_MIRROR", "").removeprefix("file://").rstrip("/")
    if not mirror:
        return MavenContext(repo_cache=scratch, timeout=30)
    if mirror.startswith(("http://", "https://")):
        return MavenContext(repo_cache=scratch, timeout=30, remote_repos={"mirror": mirror})
    return MavenContext(repo_cache=scratch, remote_repos={}, local_repos=[Path(mirror)])


def unreachable(jar: Jar, error: Exception) -> str:
    mirrored = "ARREARS_MAVEN_MIRROR" in os.environ
    asked = "ARREARS_MAVEN_MIRROR" if mirrored else "the public Maven repository"
    why = re.sub(r"//[^/@\s]*@", "//***@", str(error))  # a mirror's URL may hold a password
    return (
        f"cannot fetch {jar.filename} of Apache Kafka from {asked}: {why}\n"
        "Ways out: ARREARS_KAFKA=host:port uses a running Kafka instead; ARREARS_MAVEN_MIRROR=URL (or a folder in "
        f"Maven's layout) names another repository; or copy a filled {cache_folder()} from another machine. "
        "HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured."
    )


def rewrite_pin(pin: Path = PIN) -> int:
    """Resolve KAFKA with all it needs at run time, and write names and hashes."""
    with tempfile.TemporaryDirectory() as scratch:
        context = repository(Path(scratch))
        wanted = context.create_dependency(f"{KAFKA}:::compile")
        found, transitive = context.resolver.resolve([wanted])
        needed = [*found, *(dep for dep in transitive if dep.scope in ("compile", "runtime"))]
        lines = [
            f"{dep.groupId}:{dep.artifactId}:{dep.version} {sha256_of(dep.artifact.resolve())}"
            for dep in needed
        ]
    head = [
        f"# The jars of {KAFKA}, in the order of the class path: group:artifact:version sha256",
        "# Written by `make jars`.",
    ]
    pin.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return len(lines)


def main(arguments: list[str]) -> None:
    console = Console(stderr=True)
    if arguments == ["pin"]:
        console.print(f"{rewrite_pin()} jars pinned in {PIN.name}")
    elif not arguments:
        jars = class_path(console=console).split(os.pathsep)
        console.print(f"{len(jars)} jars in {cache_folder()}")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
