"""One cluster in real time, in which facts come in the way they do in production, and people ask leave for contacts."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx2

from shared.clock import SystemClock
from shared.demo.live import published
from shared.development_tokens import development_token
from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentMissed,
)
from shared.events.envelope import Event, Fact
from shared.http.roles import ROLES
from shared.local.cluster import Cluster, dev_key
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics
from shared.sandbox.log import read as read_log
from shared.settings import DEFAULT_PARTITIONS
from shared.testing import fact
from tests.faults.load import hours_ahead, zone_of_noon
from tests.waiting import eventually

LATE_DAYS = 10
STRATEGY = """\
name: ways-in
business_zone: {zone}
at: "08:00"
conduct: {{recording: true}}
ladder:
  - {{name: only, day: {day}, at: "{at}", stage: reminder, ways: [{{channel: sms, template: sms.overdue}}]}}
"""
POINTS = (
    ("p-mobile", "mobile", "debtor", "+86101{:08d}"),
    ("p-mail", "email", "debtor", "u{}@x.example"),
    ("p-post", "postal", "debtor", "{} Main Street"),
    ("p-friend", "mobile", "contact_person", "+86102{:08d}"),
)
"""With a place for a number of the customer's own: who shares one with others has a part of its caps only."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Law:
    """Where customers live, and who collects from them; `at_night`: it is night there now."""

    country: str
    state: str | None = None
    role: str = "first_party"
    language: str = "en"
    currency: str = "USD"
    at_night: bool = False


CN = Law("CN", language="zh-CN", currency="CNY")
NIGHT = Law("CN", language="zh-CN", currency="CNY", at_night=True)
US = Law("US", "NJ", role="third_party")
MA = Law("US", "MA")
GB = Law("GB", currency="GBP")


@dataclass
class World:
    """A running cluster; `step_at` is when the ladder's only step, an SMS, falls due for everybody."""

    folder: Path
    step_in: float
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30))
    numbers: Any = field(default_factory=itertools.count)

    def start(self) -> None:
        now = SystemClock().now()
        self.zone = zone_of_noon(now)
        self.step_at = (now + timedelta(seconds=self.step_in)).replace(microsecond=0)
        at = f"{self.step_at + timedelta(hours=hours_ahead(self.zone)):%H:%M:%S}"
        self.strategy = self.folder / "strategy.yaml"
        self.strategy.write_text(
            STRATEGY.format(zone=self.zone, day=LATE_DAYS, at=at), encoding="utf-8"
        )
        self.cluster = Cluster(
            self.folder / "cluster", seed=5, extra_env={"ARREARS_STRATEGY": str(self.strategy)}
        )
        self.cluster.start()
        token = development_token(
            dev_key(self.cluster.folder), SystemClock(), list(ROLES), regions=["*"]
        )
        self.client.headers["Authorization"] = f"Bearer {token}"

    def stop(self) -> None:
        self.client.close()
        self.cluster.stop()

    def tell(self, facts: Iterable[Fact]) -> None:
        """Core banking says it, on its topic."""
        events = [fact(each, SystemClock().now()) for each in facts]

        async def send() -> None:
            await ensure_topics(self.cluster.broker(), DEFAULT_PARTITIONS)
            async with Publisher(self.cluster.broker()) as publisher:
                await publisher.publish(events)

        asyncio.run(send())

    def facts(self, customer: str, law: Law) -> list[Fact]:
        """The records of a customer who owes something since ten days."""
        zone = _zone_of_night() if law.at_night else self.zone
        own = crc32(customer.encode()) % 10**8
        points = tuple(
            ContactPoint(
                point_id=id_,
                kind=kind,
                party=party,
                value=value.format(own),
                zones=(zone,),  # type: ignore[arg-type]
            )
            for id_, kind, party, value in POINTS
        )
        today = (SystemClock().now() + timedelta(hours=hours_ahead(self.zone))).date()
        return [
            CustomerUpdated(
                customer_id=customer, language=law.language, time_zones=(zone,), region="R-1",
                jurisdiction=Jurisdiction(country=law.country, state=law.state), contact_points=points,
            ),
            AccountUpdated(
                customer_id=customer, account_id=f"A-{customer}", product="consumer_loan",
                currency=law.currency, creditor="bank", collector_role=law.role,  # type: ignore[arg-type]
            ),
            PaymentMissed(
                customer_id=customer, account_id=f"A-{customer}", instalment_id="1",
                due_on=today - timedelta(days=LATE_DAYS), amount_minor=12000, currency=law.currency,
            ),
        ]  # fmt: skip

    def post(self, path: str, body: dict[str, Any], service: str = "scheduler") -> httpx2.Response:
        """A command with a key of its own; asked again, with the same key, while the answer would rest on old facts."""
        key = {"Idempotency-Key": f"way-in-{next(self.numbers)}"}
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.client.post(
                f"{self.cluster.url(service)}{path}", json={"reason": "a test", **body}, headers=key
            )
            if answer.status_code not in {429, 503} or time.monotonic() > deadline:
                return answer
            time.sleep(0.3)

    def state(self, customer: str, service: str = "scheduler") -> dict[str, Any]:
        """The case as the service knows it; {} while it knows none."""
        answer = self.client.get(f"{self.cluster.url(service)}/cases/{customer}")
        found: dict[str, Any] = answer.json()["state"] if answer.is_success else {}
        return found

    def knows(self, customer: str, service: str) -> bool:
        """Whether the service has heard of the customer: the state of a case may well be empty."""
        return self.client.get(f"{self.cluster.url(service)}/cases/{customer}").is_success

    def log(self, customer: str) -> list[dict[str, Any]]:
        """The entries of the gate's log."""
        return list(self.state(customer).get("log", {}).values())

    def logged(self, customer: str, source: str) -> int:
        """How many entries come from there."""
        return sum(each.get("src") == source for each in self.log(customer))

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for it; *what* is awaited stands in the error."""
        try:
            eventually(lambda: bool(condition()), seconds=PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None

    def await_step(self) -> None:
        """Wait until the ladder's step is due and a moment more, in which messages leave."""
        left = (self.step_at - SystemClock().now()).total_seconds()
        assert left > 0, "the facts came in too late: the step was due before"
        time.sleep(left)

    def sent(self) -> dict[str, dict[str, Any]]:
        """The SMS that the provider was handed over, by customer: the judge of what left."""
        return {
            line["customer_id"]: line
            for line in read_log(self.cluster.folder / "sandbox.jsonl")
            if line["entry"] == "request" and line["kind"] == "contact.sms"
        }

    def events(self) -> list[Event]:
        """All that the services published."""
        told = asyncio.run(published(self.cluster.broker(), DEFAULT_PARTITIONS))
        return [event for _, event in told]


def _zone_of_night() -> str:
    ahead = 23 - SystemClock().now().astimezone(UTC).hour
    return f"Etc/GMT{-(ahead if ahead <= 14 else ahead - 24):+d}"


def ago(**span: float) -> str:
    """An instant before now, as requests write it."""
    when: datetime = SystemClock().now() - timedelta(**span)
    return when.isoformat()
