"""What core banking says in a fault run: seeded customers who miss a payment, many of whom pay a moment later.

A plan is a list of (seconds from the start, event); the player sets each event's time when it sends it first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from shared.clock import AT_ONCE, SystemClock
from shared.events.core_banking import (
    AccountUpdated,
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentMissed,
    PaymentReceived,
)
from shared.events.envelope import Event
from shared.events.jsonl import write_line
from shared.testing import fact

Plan = list[tuple[float, Event]]
AMOUNT = 120_00
LATE_DAYS = 10
"""So old is every missed instalment: the ladder's steps up to this day are past, and the last is due at once."""
STRATEGY = """\
name: faults
business_zone: {zone}
at: "08:00"
ladder:
  - {{name: first, day: 1, stage: reminder, ways: [{{channel: sms, template: sms.reminder}}]}}
  - {{name: second, day: 3, stage: reminder, ways: [{{channel: wechat, template: wechat.overdue}}]}}
  - name: third
    day: 5
    stage: contact
    ways:
      - {{channel: sms, template: sms.overdue}}
      - {{channel: wechat, template: wechat.overdue}}
      - {{channel: email, template: email.overdue}}
  - name: in_the_run
    day: {day}
    at: "{at}"
    stage: contact
    ways:
      - {{channel: wechat, template: wechat.overdue}}
      - {{channel: sms, template: sms.urgent}}
      - {{channel: email, template: email.final}}
"""


def zone_of_noon(now: datetime) -> str:
    """Name a zone in which it is between twelve and one: contacts are allowed for hours, and it stays today."""
    ahead = 12 - now.astimezone(UTC).hour
    return f"Etc/GMT{-ahead:+d}"  # POSIX counts westward


def strategy(zone: str, second_step_at: datetime | None) -> str:
    """
    Write the ladder of a run; its last step falls due for everybody at *second_step_at*, or in the evening.

    The instant is told in local time, which differs from UTC by whole hours.
    """
    at = "20:59"
    if second_step_at is not None:
        at = f"{second_step_at + timedelta(hours=hours_ahead(zone)):%H:%M:%S}"
    return STRATEGY.format(zone=zone, day=LATE_DAYS, at=at)


def hours_ahead(zone: str) -> int:
    return -int(zone.removeprefix("Etc/GMT"))


@dataclass(frozen=True)
class Bank:
    """Makes the events of customers `<prefix>-<n>`."""

    prefix: str
    zone: str

    def customer(self, number: int) -> str:
        return f"{self.prefix}-{number:04d}"

    def today(self) -> date:
        return (SystemClock().now() + timedelta(hours=hours_ahead(self.zone))).date()

    def record(self, number: int, *, values: bool = True, version: int = 1) -> Event:
        """The customer's record; without *values* nobody can tell yet where a message would go."""
        kinds = {
            "mobile": f"+86101{number:08d}",
            "wechat": f"wx{number:06d}",
            "email": f"u{number}@x.example",
        }
        points = tuple(
            ContactPoint(
                point_id=f"{kind}-1",
                kind=kind,  # type: ignore[arg-type]
                value=value if values else "",
                zones=(self.zone,),
                party="debtor",
            )
            for kind, value in kinds.items()
        )
        data = CustomerUpdated(
            customer_id=self.customer(number),
            language="zh-CN",
            time_zones=(self.zone,),
            region="CN-31",
            jurisdiction=Jurisdiction(country="CN"),
            contact_points=points,
        )
        return self._event(data, f"record/{version}")

    def account(self, number: int) -> Event:
        data = AccountUpdated(
            customer_id=self.customer(number),
            account_id=f"A{number}",
            product="consumer_loan",
            currency="CNY",
            creditor="bank",
            collector_role="first_party",
        )
        return self._event(data, "account")

    def missed(self, number: int) -> Event:
        data = PaymentMissed(
            customer_id=self.customer(number),
            account_id=f"A{number}",
            instalment_id="1",
            due_on=self.today() - timedelta(days=LATE_DAYS),
            amount_minor=AMOUNT,
            currency="CNY",
        )
        return self._event(data, "missed")

    def paid(self, number: int) -> Event:
        data = PaymentReceived(
            customer_id=self.customer(number),
            payment_id="P1",
            account_id=f"A{number}",
            amount_minor=AMOUNT,
            currency="CNY",
            value_on=self.today(),
        )
        return self._event(data, "paid")

    def _event(self, data: object, about: str) -> Event:
        return fact(
            data,  # type: ignore[arg-type]
            AT_ONCE,
            event_id=f"{data.customer_id}/{about}",  # type: ignore[attr-defined]
            source="/core-banking",
        )


def plan(bank: Bank, *, seed: int, customers: int, seconds: float, pay_within: float = 3.0) -> Plan:
    """
    Spread *customers* over *seconds*: some 30 % pay within *pay_within* seconds, some later, most never.

    Some records come late or never, and some events twice, as they do.
    """
    random = Random(seed)
    told: Plan = []
    for number in range(customers):
        begins = seconds * number / customers + random.uniform(0, 0.5)
        told += _life(bank, number, begins, random, seconds, pay_within)
    told += [(at + random.uniform(0, 5), event) for at, event in told if random.random() < 0.05]
    return sorted(told, key=lambda pair: (pair[0], pair[1].id))


def _life(
    bank: Bank, number: int, begins: float, random: Random, seconds: float, pay_within: float
) -> Iterator[tuple[float, Event]]:
    fate = random.random()
    if fate >= 0.03:
        yield begins + (random.uniform(0.2, 3) if fate < 0.1 else 0), bank.record(number)
    yield begins + 0.01, bank.account(number)
    yield begins + 0.02, bank.missed(number)
    pays = random.random()
    if pays < 0.3:
        yield begins + 0.03 + random.uniform(0, pay_within), bank.paid(number)
    elif pays < 0.35:
        yield max(begins + 0.03, random.uniform(begins, seconds)), bank.paid(number)


def write(told: Plan, path: Path) -> None:
    """Write a plan for the player."""
    path.write_bytes(
        b"".join(
            msgspec.json.encode({"at": at, "line": write_line(event).decode()}) + b"\n"
            for at, event in told
        )
    )
