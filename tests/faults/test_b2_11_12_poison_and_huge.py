"""RELIABILITY.md B.2, 11 and 12: records that nobody can decide, and records that are far too large; the flow goes on."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from aiokafka.errors import KafkaError

from shared.clock import SystemClock
from shared.development_tokens import development_token
from shared.events.registry import SERVICES
from shared.http.roles import ROLES
from shared.local.cluster import dev_key
from tests.faults import load
from tests.faults.poison import (
    Poison,
    attributes,
    missed,
    of_each_sort,
    send_now,
)
from tests.faults.world import World, note
from tests.waiting import eventually

SEED = 12
CUSTOMERS = 480
SECONDS = 32
POISONED = [f"X-{n:04d}" for n in range(8)]
BURST = [f"Y-{n:04d}" for n in range(20)]
ALLOWED_GROWTH = 100 * 1024 * 1024
FLOOR_SECONDS = 1.0
"""On a machine with two cores for a dozen processes shorter waits are the machine's, not the poison's."""

_LATENCIES = """
    SELECT extract(epoch FROM received_at - time)::float8 AS waited, time FROM scheduler.inbox
    WHERE customer_id LIKE 'G-%' AND source = '/core-banking' AND type IN ('payment.missed', 'payment.received')
"""


@pytest.fixture(scope="module")
def world(faults_folder: Path) -> Iterator[World]:
    with World(faults_folder / "poison").running() as found:
        yield found


def client(world: World, service: str = "scheduler") -> httpx2.Client:
    token = development_token(
        dev_key(world.cluster.folder), SystemClock(), list(ROLES), regions=["*"]
    )
    return httpx2.Client(
        base_url=world.cluster.url(service),
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


@pytest.mark.faults
@pytest.mark.timeout(280)
def test_b2_11_poison_never_stops_a_partition_and_is_kept_to_the_byte(world: World):
    note(f"seed {SEED}")
    world.play(load.plan(world.bank("G"), seed=SEED, customers=CUSTOMERS, seconds=SECONDS))
    eventually(lambda: inbox(world) > 300, seconds=60)
    time.sleep(SECONDS / 4)
    began = SystemClock().now()
    planted = {}
    for n, customer in enumerate(POISONED):  # about one record in a hundred
        planted |= send_now(world.cluster.kafka, of_each_sort(customer, n)).places
        time.sleep(0.4)
    burst = [poison for n, customer in enumerate(BURST) for poison in of_each_sort(customer, n)]
    planted |= send_now(world.cluster.kafka, burst).places
    bank = world.bank("X")
    world.publish([bank.missed(n) for n in range(len(POISONED))])
    kept = {place: poison for place, poison in planted.items() if poison.reason}
    eventually(lambda: quarantined(world).keys() >= kept.keys(), seconds=60)
    ended = SystemClock().now()
    world.drain(seconds=120)

    rows = quarantined(world)
    assert {place: row["reason"] for place, row in rows.items()} == {
        place: poison.reason for place, poison in kept.items()
    }
    with client(world) as http:
        for place, poison in list(kept.items())[::7]:
            seen = http.get(f"/quarantine/{rows[place]['id']}").json()
            assert content(seen["record"]["value"]) == poison.value
            assert content(seen["record"]["key"]) == poison.key
            assert [(h["name"], content(h)) for h in seen["record"]["headers"]] == list(
                poison.headers
            )
        neighbours(world, began, ended)
        release_and_discard(world, http)
    assert not world.ended()
    world.drain(seconds=60)
    world.judge("--least", "200")
    assert world.differences() == []


def release_and_discard(world: World, http: httpx2.Client) -> None:
    """Nothing of it can be mended: a release says so for each customer, and each record is discarded with a reason."""
    found = http.post(
        "/quarantine/releases",
        json={"group": {"reason": "schema"}, "reason": "b2-11", "limit": 200},
    ).json()
    assert {o["customer_id"] for o in found["outcomes"]} == {*POISONED, *BURST}
    assert all(o["left"] for o in found["outcomes"])
    for customer in (*POISONED, *BURST):
        while entries := http.get("/quarantine", params={"customer_id": customer}).json()[
            "entries"
        ]:
            head = next(entry for entry in entries if entry["is_next"])
            done = http.post(f"/quarantine/{head['id']}/discard", json={"reason": "b2-11"})
            assert done.status_code == 200, done.text
    parked = world.rows("SELECT customer_id FROM scheduler.cases WHERE parked_by <> '{}'")
    assert parked == []
    owing = world.rows(
        "SELECT customer_id FROM scheduler.inbox WHERE customer_id LIKE 'X-%' AND type = 'payment.missed'"
    )
    assert sorted(row["customer_id"] for row in owing) == POISONED
    acts = world.rows("SELECT act, count(*) AS n FROM scheduler.acts GROUP BY act ORDER BY act")
    note(f"acts: {[dict(row) for row in acts]}")


def neighbours(world: World, began, ended) -> None:
    """How long others waited, with poison in the flow and without."""
    rows = world.rows(_LATENCIES)
    during = sorted(row["waited"] for row in rows if began <= row["time"] <= ended)
    before = sorted(row["waited"] for row in rows if row["time"] < began)
    assert len(during) > 50
    assert len(before) > 50
    p99 = during[int(len(during) * 0.99)]
    usual = before[int(len(before) * 0.99)]
    note(
        f"neighbours' p99 {p99 * 1000:.0f} ms with poison (n={len(during)}), "
        f"{usual * 1000:.0f} ms without (n={len(before)}): {p99 / usual:.2f} times"
    )
    assert p99 <= max(2 * usual, FLOOR_SECONDS)


def quarantined(world: World) -> dict[tuple[str, int, int], dict[str, object]]:
    rows = world.rows(
        "SELECT id, topic, partition, kafka_offset, reason FROM scheduler.quarantine "
        "WHERE customer_id ~ '^[XY]-' AND status = 'waiting'"
    )
    return {(row["topic"], row["partition"], row["kafka_offset"]): dict(row) for row in rows}


def content(found: dict[str, str | None]) -> bytes:
    if found.get("base64") is not None:
        return b64decode(str(found["base64"]))
    return str(found["text"]).encode()


def inbox(world: World) -> int:
    return int(world.rows("SELECT count(*) AS n FROM scheduler.inbox")[0]["n"])


@pytest.mark.faults
@pytest.mark.timeout(200)
def test_b2_12_huge_records_and_bodies_neither_stop_nor_swell_a_service(world: World):
    before = {name: memory(world, name) for name in SERVICES}
    large = 900_000
    for n in range(12):
        send_now(world.cluster.kafka, huge(f"Z-{n:04d}", large))
    for size in (5_000_000, 20_000_000):
        with pytest.raises(KafkaError):
            send_now(world.cluster.kafka, [garbage("Z-9000", size)])
    world.publish([world.bank("W").missed(n) for n in range(20)])
    eventually(lambda: decided(world, "W-%") == 20, seconds=60)
    eventually(lambda: decided(world, "Z-%") == 12, seconds=60)
    rows = world.rows(
        "SELECT DISTINCT reason FROM scheduler.quarantine WHERE customer_id LIKE 'Z-%'"
    )
    assert {row["reason"] for row in rows} == {"bad_json", "schema"}
    for service in ("notifier", "scheduler"):
        bodies(world, service)
    assert not world.ended()
    after = {name: memory(world, name) for name in SERVICES}
    growth = {name: (after[name] - before[name]) // 1024 // 1024 for name in SERVICES}
    note(f"resident memory grew by {growth} MB")
    assert max(after[name] - before[name] for name in SERVICES) <= ALLOWED_GROWTH


def huge(customer: str, size: int) -> list[Poison]:
    """A fact that is fine but large, garbage as large, a fact with 10,000 headers, and two that are 10,000 deep."""
    key = customer.encode()
    fine = missed(customer, note="n" * size)
    deep = missed(customer, note="deep").replace(b'"deep"', b"[" * 10_000 + b"]" * 10_000)
    many = tuple((f"h{n}", b"x") for n in range(10_000))
    return [
        Poison(key, fine, attributes(customer, "large"), ""),
        garbage(customer, size),
        Poison(key, missed(customer), (*attributes(customer, "many"), *many), ""),
        Poison(key, deep, attributes(customer, "deep"), ""),
        Poison(key, b"[" * 10_000, attributes(customer, "open"), ""),
    ]


def garbage(customer: str, size: int) -> Poison:
    return Poison(customer.encode(), b"\xff" * size, attributes(customer, "garbage"), "bad_json")


def bodies(world: World, service: str) -> None:
    """Refused by size or by what they hold; never a 5xx."""
    deep = b"[" * 10_000 + b"]" * 10_000
    sent = {
        "5 MB": b"x" * 5_000_000,
        "20 MB": b"x" * 20_000_000,
        "0.9 MB of JSON": json.dumps({"reason": "x" * 900_000}).encode(),
        "depth 10,000": b'{"customer_id": "C1", "reason": ' + deep + b"}",
    }
    with client(world, service) as http:
        for name, body in sent.items():
            try:
                answer = http.post(
                    "/quarantine/releases",
                    content=body,
                    headers={"content-type": "application/json"},
                )
            except httpx2.HTTPError as error:
                note(f"{service}: {name}: {type(error).__name__}")  # cut off while it was sent
                continue
            assert 400 <= answer.status_code < 500, (name, answer.status_code)
        try:
            many = http.get("/cases", headers=[(f"h{n}", "x") for n in range(10_000)])
            assert many.status_code < 500
        except httpx2.HTTPError as error:
            note(f"{service}: 10,000 headers: {type(error).__name__}")
        assert http.get("/cases").status_code == 200


def decided(world: World, like: str) -> int:
    query = "SELECT count(DISTINCT customer_id) AS n FROM scheduler.inbox WHERE type = 'payment.missed' AND customer_id LIKE $1"
    return int(world.rows(query, like)[0]["n"])


def memory(world: World, name: str) -> int:
    """Resident bytes of the service's process."""
    return int(psutil.Process(world.cluster.processes[name].pid).memory_info().rss)
