"""A made-up run of which nothing bad can be said, for the judge to be tried on; each test spoils one thing."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

JUDGE = Path(__file__).with_name("judge.py")
START = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def text(data: bytes | str | None) -> str | None:
    if data is None:
        return None
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Run:
    """`log` is the provider's, `topics` what was dumped; both may be spoilt before judge() is asked."""

    def __init__(self, customers: int = 500) -> None:
        self.log: list[dict[str, Any]] = [{"entry": "opened", "seed": 1}]
        self.topics: list[dict[str, Any]] = []
        self._offsets: dict[tuple[str, int], int] = {}
        for number in range(customers):
            self.debtor(f"C{number}", START + timedelta(seconds=number))
        self.paying("PAID", START)

    def debtor(self, customer: str, at: datetime) -> None:
        """Misses a payment, and is sent a message that arrives."""
        self.owes(customer, at)
        self.step(customer, at + timedelta(seconds=1))
        self.contact(customer, at + timedelta(seconds=2))

    def paying(self, customer: str, at: datetime) -> None:
        """Misses a payment and pays, before anything is sent."""
        self.owes(customer, at)
        self.pays(customer, at + timedelta(seconds=1))

    def owes(self, customer: str, at: datetime) -> None:
        points = [{"point_id": "P1", "kind": "mobile", "value": "+861010000", "party": "debtor"}]
        self.say("core-banking", customer, "customer.updated", at, contact_points=points)
        self.say(
            "core-banking", customer, "payment.missed", at, instalment_id="1", amount_minor=100
        )

    def pays(self, customer: str, at: datetime) -> None:
        self.say("core-banking", customer, "payment.received", at, payment_id="P", amount_minor=100)

    def step(self, customer: str, at: datetime) -> None:
        self.say("scheduler", customer, "case.opened", at, episode=1)
        due = {"follow_up_id": f"F-{customer}", "kind": "contact", "episode": 1, "step": "first"}
        permit = {"permit_id": f"P-{customer}", "channel": "sms", "point_id": "P1"}
        permit |= {"not_before": at.isoformat(), "not_after": (at + DAY).isoformat()}
        due["choices"] = [{"channel": "sms", "point_id": "P1", "permit": permit}]
        self.say("scheduler", customer, "follow_up.due", at, **due)

    def contact(self, customer: str, at: datetime, effect: str = "") -> None:
        effect = effect or f"E-{customer}"
        self.request(customer, at, effect)
        about = {"follow_up_id": f"F-{customer}", "effect_id": effect}
        choice = {"channel": "sms", "point_id": "P1"}
        self.say("notifier", customer, "contact.sent", at, **about, **choice)
        self.say("notifier", customer, "contact.delivered", at, **about, channel="sms")

    def request(
        self, customer: str, at: datetime, effect: str, *, first: bool = True, content: str = "c"
    ) -> None:
        self.log.append(
            {
                "entry": "request", "effect_id": effect, "kind": "contact.sms", "customer_id": customer,
                "to_digest": "t", "content_digest": content, "claimed_at": at.isoformat(), "first": first,
                "outcome": "sent", "received_at": at.isoformat(), "permit_id": f"P-{customer}",
            }
        )  # fmt: skip

    def say(
        self, topic: str, customer: str, type_: str, at: datetime, **data: Any
    ) -> dict[str, Any]:
        partition = sum(customer.encode()) % 3
        offset = self._offsets[topic, partition] = self._offsets.get((topic, partition), -1) + 1
        about = data.get("effect_id") or data.get("follow_up_id") or ""
        headers = {
            "ce_id": f"{customer}/{type_}/{about}",
            "ce_type": type_,
            "ce_time": at.isoformat(),
        }
        record = {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "timestamp": int(at.timestamp() * 1000),
            "timestamp_type": 1,
            "key": text(customer),
            "headers": {name: text(value) for name, value in headers.items()},
            "value": text(json.dumps({"customer_id": customer, **data})),
        }
        self.topics.append(record)
        return record

    def drop(self, customer: str, *topics: str) -> None:
        """Let the customer's records on *topics*, and what was sent, never have been."""
        key = text(customer)
        self.topics = [r for r in self.topics if r["key"] != key or r["topic"] not in topics]
        self.log = [line for line in self.log if line.get("customer_id") != customer]

    def judge(self, folder: Path) -> tuple[int, dict[str, list[str]]]:
        """Answer the judge's exit status, and the problems it found by sort."""
        paths = folder / "log.jsonl", folder / "topics.jsonl"
        for path, lines in zip(paths, (self.log, self.topics), strict=True):
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        log, topics = map(str, paths)
        done = subprocess.run(
            [sys.executable, "-I", str(JUDGE), "--log", log, "--topics", topics],
            check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stderr
        return done.returncode, json.loads(done.stdout)["problems"]
