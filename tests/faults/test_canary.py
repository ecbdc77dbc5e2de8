"""A canary person is driven through every path, good and broken, and is found in clear nowhere."""

import asyncio
import base64
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx2
import msgspec
import pytest

from shared.clock import SystemClock
from shared.development_tokens import development_token
from shared.events.core_banking import ContactPoint, CustomerUpdated, PaymentReversed
from shared.events.identifiers import id_card, luhn
from shared.events.jsonl import write_line
from shared.events.registry import CORE_BANKING, SERVICES
from shared.http.roles import ROLES
from shared.local.cluster import dev_key
from shared.messaging.cloudevents import headers_of, rfc3339
from shared.privacy.envelope import Envelope, seal_event
from shared.testing import fact
from tests.faults import broker
from tests.faults.canary import PERSON, Scanner
from tests.faults.world import World, note
from tests.waiting import eventually

CUSTOMER = "K-0001"
KEYS = f"k1={base64.b64encode(bytes(range(32))).decode()}"
THE_PROVIDERS_OWN = (r"^sandbox\.(log|jsonl)$",)
"""The sandbox stands for a provider: it is told the number that it shall call, and its log is outside."""
THE_BANKS_OWN = (rf"^kafka/.*\b{CORE_BANKING}-\d+/",)
"""What core banking itself wrote in clear into its topic; scanned before it did, too."""
WITHOUT_CONTENT = (r"^kafka/.*\.(time)?index$",)
"""Tables of offsets, made long beforehand: gigabytes of zeros."""
KEPT_FOR_US = (r"^connection\.json$", r"\.key$")


def test_b2_25_the_scanner_finds_a_value_however_it_is_written(tmp_path):
    """B.2 25: the scanner is proven: each value in each form, within other bytes, and over the edge of a piece."""
    scanner = Scanner(PERSON)
    assert id_card(PERSON["id_card"])
    assert luhn(PERSON["card"])
    for name, value in PERSON.items():
        for before in ("", "x", "xy", "xyz"):
            coded = base64.b64encode(f"{before}{value} and more".encode())
            for form in (value.encode(), coded, value.encode().hex().upper().encode()):
                assert scanner.found(b"\0" + form + b"\n") == {name}
        assert scanner.found(msgspec.json.encode({"a": value})) == {name}
        assert scanner.found(ascii(value)) == {name}
    assert scanner.found(b"138****8888, nothing here") == set()
    big = tmp_path / "big"
    big.write_bytes(b"." * ((1 << 22) - 5) + PERSON["email"].encode() + b"." * 100)
    assert scanner.in_folder(tmp_path) == {"big": {"email"}}
    assert scanner.in_folder(tmp_path, without=["^big$"]) == {}


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_b2_25_a_canary_person_is_found_nowhere_in_clear(faults_folder: Path):
    """B.2 25: every path incl. errors, then logs, metrics, answers, the whole database and Kafka's folder: 0 hits."""
    world = World(faults_folder / "canary", sandbox={"ARREARS_ENVELOPE_KEYS": KEYS})
    with world.running():
        canary = Canary(world)
        canary.lives()
        assert canary.leaks(spared=()) == {}, "sealed, not even core banking's topic holds a value"
        canary.breaks_everything()
        canary.knocks_at_every_door()
        canary.stands_before_operators()
        assert canary.leaks(spared=THE_BANKS_OWN) == {}
        canary.is_planted()


class Canary:
    """The person, and all that is said and answered about them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.token = development_token(
            dev_key(world.cluster.folder), SystemClock(), list(ROLES), regions=["*"]
        )
        self.scanner = Scanner({**PERSON, "token": self.token, "envelope": KEYS.partition("=")[2]})
        self.answers: list[bytes] = []

    def lives(self) -> None:
        """The good path: sealed values, a missed payment, messages that leave."""
        bank = self.world.bank("K")
        updated = bank.record(1).data
        assert isinstance(updated, CustomerUpdated)
        data = msgspec.structs.replace(updated, contact_points=self._points(bank.zone))
        now = SystemClock().now()
        record = fact(data, now, event_id="canary/record", source="/core-banking")
        sealed = seal_event(record, Envelope.from_text(KEYS))
        self.world.publish([sealed, bank.account(1), bank.missed(1)])
        eventually(lambda: self.world.handed_over() >= 1, seconds=60)
        self.world.drain(seconds=60)
        told = {line.get("to") for line in self.world.log() if line["entry"] == "request"}
        note(f"{self.world.handed_over()} effects left")
        assert not told or told <= {*PERSON.values(), None}

    def _points(self, zone: str) -> tuple[ContactPoint, ...]:
        kinds = {"mobile": "phone", "email": "email", "wechat": "wechat", "postal": "address"}
        return tuple(
            ContactPoint(
                point_id=f"{kind}-1", kind=kind, value=PERSON[name], zones=(zone,), party="debtor"
            )  # type: ignore[arg-type]
            for kind, name in kinds.items()
        )

    def breaks_everything(self) -> None:
        """Records of core banking that hold values in clear where none may stand, in every way we can think of."""
        whole = " ".join(PERSON.values())
        now = rfc3339(SystemClock().now())

        def send(customer: str, kind: str, value: bytes, **changes: str) -> None:
            attributes = {
                "id": f"{customer}/{kind}", "source": "/core-banking", "subject": customer, "time": now,
            } | changes  # fmt: skip
            headers = headers_of(kind, attributes)
            key = customer.encode()
            asyncio.run(
                broker.send_raw(self.world.cluster.kafka, CORE_BANKING, key, value, headers)
            )

        point = {"point_id": "m", "kind": "mobile", "value": PERSON["phone"], "party": "debtor"}
        record = {
            "customer_id": "K-0002", "language": "zh", "time_zones": ["Asia/Shanghai"], "region": "SH",
            "jurisdiction": {"country": "CN"}, "contact_points": [point], "name": PERSON["name"],
        }  # fmt: skip
        encode = msgspec.json.encode
        send("K-0002", "customer.updated", encode(record))
        send(
            "K-0002",
            "customer.updated",
            encode(record | {"contact_points": [{**point, "value": "1"}]}),
        )
        send("K-0003", "customer.updated", encode({**record, "customer_id": "K-0003", "region": 7}))
        send("K-0004", "payment.missed", f'{{"customer_id": "{whole}"'.encode())
        send(PERSON["phone"], "payment.missed", encode(record))
        send(PERSON["id_card"], "payment.missed", encode(record))
        send("K-0005", "payment.missed", whole.encode(), id=PERSON["card"])
        send("K-0006", PERSON["phone"], whole.encode())
        send("K-0007", "payment.missed", encode(record), time=whole, dataschema=whole)
        for number, name in enumerate(("card", "id_card")):
            customer = f"K-001{number}"
            reversed_ = PaymentReversed(
                customer_id=customer, payment_id="P1", account_id="A1", reason=f"returned {PERSON[name]}"
            )  # fmt: skip
            send(customer, "payment.reversed", encode(reversed_))
        statement = "SELECT count(*) AS n FROM scheduler.quarantine"
        eventually(lambda: self.world.rows(statement)[0]["n"] >= 8, seconds=60)
        eventually(lambda: self.world.behind() == 0, seconds=60)

    def knocks_at_every_door(self) -> None:
        """Every route that an address can be made for, with bodies and addresses that hold values."""
        bodies = [
            {"type": PERSON["phone"], "id": PERSON["card"], "time": PERSON["name"], "data": PERSON},
            {"type": "provider.receipt", "id": PERSON["card"], "time": rfc3339(SystemClock().now()),
             "data": {"customer_id": CUSTOMER, "effect_id": "E", "outcome": PERSON["phone"]}},
            {"type": "provider.receipt", "id": "r", "time": rfc3339(SystemClock().now()),
             "data": {"customer_id": PERSON["phone"], "effect_id": "E", "outcome": "failed", "reason": PERSON["card"]}},
            PERSON,
        ]  # fmt: skip
        for service in SERVICES:
            with httpx2.Client(
                base_url=self.world.cluster.url(service),
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=20,
            ) as client:
                for path, methods in client.get("/openapi.json").json().get("paths", {}).items():
                    for method in methods:
                        for value in (CUSTOMER, PERSON["phone"], PERSON["email"]):
                            self._knock(client, method, path, value, bodies)
                broken = client.post(
                    "/webhooks/outcomes", content=f'{{"id": "{PERSON["phone"]}'.encode()
                )
                self._keep(broken)
                self._keep(client.get(f"/nowhere/{PERSON['phone']}", params=PERSON))
                self._keep(client.get("/cases", headers={"Authorization": f"Bearer {self.token}x"}))

    def _knock(
        self, client: httpx2.Client, method: str, path: str, value: str, bodies: list
    ) -> None:
        """Call one route; with an ordinary customer it is answered, with a number for one it is refused."""
        address = "/".join(value if part.startswith("{") else part for part in path.split("/"))
        query = {"reason": PERSON["name"], "after": "", "limit": "5"}
        for body in bodies if method in {"post", "put", "patch"} else [None]:
            headers = {"Idempotency-Key": PERSON["card"]}
            self._keep(
                client.request(method.upper(), address, params=query, json=body, headers=headers)
            )

    def _keep(self, answer: httpx2.Response) -> None:
        assert answer.status_code != 500, f"{answer.request.method} {answer.request.url.path[:20]}"
        self.answers.append(repr(sorted(answer.headers.items())).encode() + answer.content)

    def stands_before_operators(self) -> None:
        """What the command line prints of quarantine, of files that are refused, and of keys."""
        folder = self.world.folder
        bad = PaymentReversed(
            customer_id=CUSTOMER, payment_id="P1", account_id="A1", reason=PERSON["card"]
        )
        (folder / "bad.jsonl").write_bytes(write_line(fact(bad, SystemClock().now())))
        plain = fact(
            msgspec.structs.replace(self.world.bank("K").record(1).data, contact_points=self._points("Asia/Shanghai")),
            SystemClock().now(),
        )  # fmt: skip
        (folder / "plain.jsonl").write_bytes(write_line(plain))
        for command in (
            ["quarantine", "list"],
            ["publish", str(folder / "bad.jsonl")],
            ["publish", "--seal", str(folder / "plain.jsonl")],
            ["replay", str(folder / "bad.jsonl")],
            ["replay", str(folder / "plain.jsonl"), "--per-customer"],
            ["replay", "--recorded"],
            ["retention", "--preview"],
            ["forget", "K-0009", "--reason", PERSON["card"]],
            ["vault", "rotate", "--reason", "canary"],
        ):
            done = subprocess.run(
                [sys.executable, "-m", "shared.cli.main", *command],
                check=False, capture_output=True, timeout=120,
                env={**os.environ, **self.world.cluster.env("scheduler"), "ARREARS_ENVELOPE_KEYS": KEYS},
            )  # fmt: skip
            assert b"Traceback" not in done.stderr, f"{command[0]}: {done.stderr[-500:]!r}"
            self.answers += [done.stdout, done.stderr]

    def leaks(self, *, spared: tuple[str, ...]) -> dict[str, set[str]]:
        """Answer place -> what was found there: files of all processes, the database's rows, answers, topics."""
        folder = self.world.cluster.folder
        hits = self.scanner.in_folder(
            folder, without=(*THE_PROVIDERS_OWN, *KEPT_FOR_US, *WITHOUT_CONTENT, *spared)
        )
        hits |= {
            f"answer {number}": held
            for number, answer in enumerate(self.answers)
            if (held := self.scanner.found(answer))
        }
        tables = self.world.sql(self._dump)
        hits |= {
            f"table {name}": held for name, text in tables if (held := self.scanner.found(text))
        }
        note(
            f"scanned {len(self.answers)} answers, {len(tables)} tables, the folder of the cluster: {hits}"
        )
        return hits

    @staticmethod
    async def _dump(connection: asyncpg.Connection) -> list[tuple[str, str]]:
        names = await connection.fetch(
            "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables"
            " WHERE table_schema = ANY($1) AND table_type = 'BASE TABLE'", [*SERVICES, "vault", "public"],
        )  # fmt: skip
        return [
            (
                row["name"],
                await connection.fetchval(
                    f"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {row['name']} AS t"
                ),
            )
            for row in names
        ]

    def is_planted(self) -> None:
        """The scan is proven: a value planted in a row, in a log, in a topic and in an answer is found there."""
        folder = self.world.cluster.folder
        with (folder / "legal.log").open("a") as log:
            log.write(f"reason={PERSON['name']}\n")
        self.world.rows(
            "INSERT INTO visits.policies (digest, content) VALUES ('planted', $1) RETURNING 1",
            PERSON["phone"],
        )
        value = PERSON["email"].encode()
        asyncio.run(broker.send_raw(self.world.cluster.kafka, "visits", b"K", value, []))
        self.answers.append(f"Bearer {self.token}".encode())
        hits = self.leaks(spared=THE_BANKS_OWN)
        assert hits["legal.log"] == {"name"}
        assert hits["table visits.policies"] == {"phone"}
        assert hits[f"answer {len(self.answers) - 1}"] == {"token"}
        assert {"email"} in [held for name, held in hits.items() if name.startswith("kafka/")]
