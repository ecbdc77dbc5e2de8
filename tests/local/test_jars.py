"""Kafka's jars: only what is pinned is used, and where none can be had the way out is named."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.local import LocalPartError, free_port
from shared.local.jars import class_path, pinned

CONTENT = {"org.example:one:1.0": b"the first jar", "org.example:two:2.0": b"the second jar"}


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    path = tmp_path / "pin.lock"
    lines = [f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in CONTENT.items()]
    path.write_text("# a comment\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in Maven's layout."""
    root = tmp_path / "mirror"
    for name, data in CONTENT.items():
        group, artifact, version = name.split(":")
        folder = root / group.replace(".", "/") / artifact / version
        folder.mkdir(parents=True)
        (folder / f"{artifact}-{version}.jar").write_bytes(data)
    monkeypatch.setenv("ARREARS_MAVEN_MIRROR", str(root))
    return root


def jar_of_one(mirror: Path) -> Path:
    return mirror / "org/example/one/1.0/one-1.0.jar"


@pytest.mark.usefixtures("mirror")
def test_the_jars_come_from_the_mirror_in_the_order_of_the_pin(pin: Path, tmp_path: Path) -> None:
    path = class_path(pin, tmp_path / "cache")

    assert [Path(jar).name for jar in path.split(":")] == ["one-1.0.jar", "two-2.0.jar"]
    assert [Path(jar).read_bytes() for jar in path.split(":")] == list(CONTENT.values())


def test_a_jar_with_another_hash_is_refused(pin: Path, mirror: Path, tmp_path: Path) -> None:
    jar_of_one(mirror).write_bytes(b"something else")

    with pytest.raises(LocalPartError, match=r"one-1.0.jar has sha256 .* refused"):
        class_path(pin, tmp_path / "cache")

    assert not (tmp_path / "cache" / "one-1.0.jar").exists()


def test_a_jar_changed_in_the_cache_is_fetched_again(
    pin: Path, mirror: Path, tmp_path: Path
) -> None:
    class_path(pin, tmp_path / "cache")
    cached = tmp_path / "cache" / "one-1.0.jar"
    cached.write_bytes(b"changed later")

    class_path(pin, tmp_path / "cache")

    assert cached.read_bytes() == jar_of_one(mirror).read_bytes()


def test_what_is_in_the_cache_needs_no_repository(
    pin: Path, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = class_path(pin, tmp_path / "cache")
    monkeypatch.setenv("ARREARS_MAVEN_MIRROR", str(mirror / "gone"))

    assert class_path(pin, tmp_path / "cache") == first


@pytest.mark.usefixtures("mirror")
def test_two_that_fetch_at_once_do_not_harm_each_other(pin: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: class_path(pin, tmp_path / "cache"), range(2))

    assert first == second


def test_without_a_repository_the_ways_out_are_named(
    pin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_MAVEN_MIRROR", f"http://user:secret@127.0.0.1:{free_port()}/maven")

    with pytest.raises(LocalPartError) as refused:
        class_path(pin, tmp_path / "cache")

    assert "ARREARS_KAFKA=host:port" in str(refused.value)
    assert "ARREARS_MAVEN_MIRROR=URL" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_cache_that_cannot_be_written_is_named(pin: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(LocalPartError, match="XDG_CACHE_HOME"):
        class_path(pin, tmp_path / "file" / "cache")


def test_every_jar_of_kafka_is_pinned_with_its_sha256() -> None:
    jars = pinned()

    assert jars[0].coordinate == "org.apache.kafka:kafka_2.13:4.4.0"
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert len({jar.filename for jar in jars}) == len(jars) > 40
