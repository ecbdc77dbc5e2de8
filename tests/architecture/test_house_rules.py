"""The rules of the house that a machine can check: imports, sizes, the published language, stored states."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from shared.canonical import canonical
from shared.events.registry import (
    BY_HTTP,
    CORE_BANKING,
    EVENT_TYPES,
    INTERNAL,
    SERVICES,
    TYPE_OF,
    WOKEN,
)
from shared.messaging.cases import upcast
from shared.services import parts, reactor

ROOT = Path(__file__).parents[2]
LONGEST = 300
GOLDEN = Path(__file__).parent / "golden"
SOURCES = [
    path
    for folder in ("services", "shared", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def test_who_may_import_what():
    ran = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert "0 broken" in ran.stdout


def test_no_file_is_longer_than_300_lines():
    long = {
        str(p.relative_to(ROOT)): n
        for p in SOURCES
        if (n := len(p.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_the_wall_clock_is_read_in_one_place():
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.parts[len(ROOT.parts)] in ("services", "shared")
        and "datetime.now(" in path.read_text()
    ]
    assert readers == ["shared/clock.py"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_reacts_to_and_publishes_what_the_language_knows(name):
    found = reactor(name)
    assert found.reacts_to <= EVENT_TYPES.keys()
    assert found.publishes <= EVENT_TYPES.keys()
    assert all(name in EVENT_TYPES[published].topics for published in found.publishes)
    assert parts(name).reactor is found


def test_every_type_has_a_source_and_a_name_of_its_own():
    published = frozenset().union(*(reactor(name).publishes for name in SERVICES))
    told = {name for name, entry in EVENT_TYPES.items() if CORE_BANKING in entry.topics}
    assert set(EVENT_TYPES) == published | told | BY_HTTP | INTERNAL | {WOKEN}
    assert len(TYPE_OF) == len(EVENT_TYPES)


RELEASES: dict[str, dict[str, int]] = {"0.1.0": {}}
"""The state versions of each release, where a service was beyond the first."""


@pytest.mark.parametrize("name", SERVICES)
def test_states_that_older_code_stored_decode_and_say_the_same(name):
    """Golden states of each release; a release adds a file and never changes one (docs: CONTRIBUTING.md)."""
    found = reactor(name)
    files = sorted(GOLDEN.glob(f"*/{name}.jsonl"))
    assert files
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            told = msgspec.json.decode(line)
            for version in range(RELEASES[file.parent.name].get(name, 1), found.state_version):
                told = found.upcasters[version](told)
            state = upcast(found, line, RELEASES[file.parent.name].get(name, 1))
            assert msgspec.json.decode(canonical(state)) == told


def test_clients_of_kafka_and_postgresql_are_made_in_one_place():
    """Made elsewhere, one would connect in plain text and without a password, whatever the settings say."""
    makers = {
        "AIOKafkaConsumer(": "shared/messaging/kafka.py",
        "AIOKafkaProducer(": "shared/messaging/kafka.py",
        "AIOKafkaAdminClient(": "shared/messaging/kafka.py",
        "create_async_engine(": "shared/db.py",
        "asyncpg.connect(": "shared/database_url.py",
    }
    elsewhere = [
        f"{path.relative_to(ROOT)} calls {maker}"
        for folder in ("services", "shared")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for maker, home in makers.items()
        if maker in path.read_text(encoding="utf-8") and str(path.relative_to(ROOT)) != home
    ]
    assert elsewhere == []
