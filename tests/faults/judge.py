"""The judge of a fault run: reads the provider's own log and what stands in the topics, and knows nothing of our code.

    python -I judge.py --log sandbox.jsonl --topics topics.jsonl [--least 500] [--tolerance-ms 10]

Each line of the topics' dump: topic, partition, offset, timestamp (ms, the broker's) and timestamp_type, and in base64
key, headers, value. Prints one JSON object with what it counted and its `problems`; the exit status is 1 if there are any.
"""

import argparse
import base64
import json
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

LOG_APPEND_TIME = 1
CORE_BANKING = "core-banking"
FRESH = timedelta(seconds=32)
"""So old may a payment be that a decision does not know of: 30 s, and a moment to decide."""
PLANTED = "/poison"
"""In the id of each record that a test planted and that nobody is to decide."""
SENT = ("contact.sent", "effect_id")
BEFORE = {
    "contact.delivered": SENT, "contact.answered": SENT,
    "follow_up.cancelled": ("follow_up.due", "follow_up_id"),
}  # fmt: skip
SAME = ("customer_id", "kind", "to_digest", "content_digest")
ENDED = {"follow_up.cancelled", "contact.refused"}
instant = datetime.fromisoformat
ON_THE_WAY = timedelta(seconds=10)
"""So long may a request be under way that was made in time: its validity keeps it from being delivered late."""
MOST = 40
"""How many problems are told of each sort."""


class Message(NamedTuple):
    """One record with an id; `at` is when the broker took it."""

    topic: str
    partition: int
    offset: int
    at: datetime
    customer: str
    id: str
    type: str
    time: datetime
    raw: tuple[str, str, str]
    data: dict[str, Any]


class Judge:
    """Looks at one run; `problems` by sort."""

    def __init__(self, log: list[Any], messages: list[Message], at: datetime | None = None) -> None:
        self.problems: dict[str, list[str]] = defaultdict(list)
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in log:
            if line["entry"] == "request":
                self.requests[line["effect_id"]].append(line)
        self.restored_at = at
        self.messages = messages
        self.repeats = 0
        self.unique = self._unique()
        self.core = [m for m in self.unique if m.topic == CORE_BANKING]
        self.ours = [m for m in self.unique if m.topic != CORE_BANKING]
        self.parked = self._parked()

    def _unique(self) -> list[Message]:
        """Drop repeats; the same id with other bytes is a problem."""
        known: dict[tuple[str, str], Message] = {}
        for message in self.messages:
            first = known.setdefault((message.topic, message.id), message)
            if first is message:
                continue
            self.repeats += 1
            # restored, it is told again with other instants
            again = self.restored_at is not None and message.topic != CORE_BANKING
            if not again and (first.raw, first.partition) != (message.raw, message.partition):
                self.problems["other_bytes"].append(f"{message.topic} {message.id}")
        return sorted(known.values(), key=lambda m: (m.topic, m.partition, m.offset))

    def _parked(self) -> set[str]:
        """Name the customers whom some service still parks: nobody acts for them until somebody has looked."""
        depth: dict[str, int] = defaultdict(int)
        for m in self.ours:
            depth[m.customer] += {"case.parked": 1, "case.released": -1}.get(m.type, 0)
        return {customer for customer, parked in depth.items() if parked > 0}

    def decide(self, least: int, tolerance: timedelta) -> None:
        """Look at everything."""
        if (left := sum(any(x["first"] for x in each) for each in self.requests.values())) < least:
            self.problems["too_few_effects"].append(f"{left}, and at least {least} are needed")
        self.handed_over_once()
        self.order()
        self.each_choice_once()
        self.permitted(tolerance)
        self.debts(tolerance)

    def handed_over_once(self) -> None:
        """Each effect left once; told again it was the same."""
        for effect, lines in self.requests.items():
            if (firsts := sum(line["first"] for line in lines)) != 1:
                self.problems["double_hand_over"].append(f"{effect} left {firsts} times")
            what = {tuple(line[name] for name in SAME) for line in lines}
            # restored, it may be told anew in other words: the provider knows the effect, and sends nothing
            if len(what) > 1 and not self.before_restore(lines[0]["claimed_at"]):
                self.problems["other_content"].append(effect)

    def order(self) -> None:
        """A customer's records lie in one partition, and what a service says of them in the order of its decisions."""
        places: dict[str, int] = {}
        last: dict[tuple[str, str], datetime] = {}
        told: set[tuple[str, ...]] = set()
        for m in self.unique:
            if places.setdefault(m.customer, m.partition) != m.partition:
                self.problems["two_partitions"].append(f"{m.topic} {m.id}")
        for m in self.ours:
            if m.time < last.get((m.topic, m.customer), m.time):
                self.problems["order"].append(f"{m.topic} {m.type} {m.id} of {m.customer}")
            last[m.topic, m.customer] = m.time
            before = self._must_stand_before(m)
            if before and before not in told:
                self.problems["order"].append(f"{m.type} {m.id} before its {before[0]}")
            told.add((m.type, m.customer))
            names = [name for name in ("effect_id", "follow_up_id") if name in m.data]
            told |= {(m.type, m.data[name]) for name in names}

    @staticmethod
    def _must_stand_before(m: Message) -> tuple[str, ...]:
        if m.type in {"follow_up.due", "case.closed"}:
            return ("case.opened", m.customer)
        first, name = BEFORE.get(m.type, ("", ""))
        return (first, m.data[name]) if first else ()

    def each_choice_once(self) -> None:
        """Each choice of each attempt of a step left at most once, and what left was reported."""
        due = {m.data["follow_up_id"]: m for m in self.ours if m.type == "follow_up.due"}
        reports: dict[str, dict[str, Message]] = defaultdict(dict)
        for m in self.ours:
            if m.type.startswith("contact.") and "effect_id" in m.data:
                reports[m.data["effect_id"]].setdefault(m.type, m)
        known: dict[tuple[Any, ...], str] = {}
        acted: set[str] = set()
        for effect, lines in self.requests.items():
            told = reports[effect]
            report = told.get(f"contact.{lines[0]['outcome']}")
            step = report and due.get(report.data["follow_up_id"])
            if report is None and self.before_restore(lines[-1]["claimed_at"]):
                continue  # its report went down with the database
            if report is None or step is None:
                self.problems["unreported"].append(f"{lines[0]['customer_id']}: {effect} {[*told]}")
                continue
            acted.add(report.data["follow_up_id"])
            which = (step.customer, *(step.data.get(x, 1) for x in ("episode", "step", "attempt")))
            which += (report.data["channel"], report.data["point_id"])
            if known.setdefault(which, effect) != effect:
                self.problems["double_choice"].append(f"{which}: {effect}")
        acted |= {m.data["follow_up_id"] for m in self.ours if m.type in ENDED}
        for follow_up, step in due.items():
            forgotten = step.customer in self.parked or self.before_restore(step.at.isoformat())
            # restored, the step was decided anew; debts() tells who was forgotten
            if not forgotten and step.data["kind"] == "contact" and follow_up not in acted:
                self.problems["lost_step"].append(f"{follow_up} of {step.customer}")

    def permitted(self, tolerance: timedelta) -> None:
        """Nobody was contacted but under a permit of their own that stands in the topics: live, by its channel, once."""
        granted, used = defaultdict(list), {}
        for m in self.ours:
            for permit in [x.get("permit") for x in (m.data, *m.data.get("choices", ()))]:
                granted[m.customer, permit and permit["permit_id"]].append(permit)
        for effect, lines in self.requests.items():
            line, (service, _, what) = lines[0], lines[0]["kind"].partition(".")
            if service == "court" or self.before_restore(lines[-1]["claimed_at"]):
                continue
            channel = {"visit": "visit", "legal": "letter"}.get(service, what)
            which = (line["customer_id"], line.get("permit_id") or "")
            left, permits = instant(line["received_at"]), granted[which]
            if not permits:
                self.problems["no_permit"].append(f"{effect} of {line['customer_id']}")
            elif used.setdefault(which, effect) != effect:
                self.problems["permit_twice"].append(f"{effect} and {used[which]}")
            elif not any(
                instant(p["not_before"]) - tolerance <= left < instant(p["not_after"]) + ON_THE_WAY
                for p in permits
            ):
                self.problems["outside_permit"].append(f"{effect} at {left}: {permits}")
            elif channel not in {permit["channel"] for permit in permits}:
                self.problems["other_channel"].append(f"{effect} by {channel}: {permits}")

    def before_restore(self, at: str) -> bool:
        """Tell whether it belongs to what a restored database does not remember."""
        return self.restored_at is not None and instant(at) < self.restored_at

    def debts(self, tolerance: timedelta) -> None:
        """Who owes and can be reached was contacted; nobody was after having paid."""
        balances = self._balances()
        contacted = set()
        for lines in self.requests.values():
            line = next((x for x in lines if x["first"]), lines[0])
            contacted.add(customer := line["customer_id"])
            claimed = instant(line["claimed_at"])
            if has_paid(balances[customer], claimed - tolerance):
                what = f"{line['effect_id']} of {customer}, claimed {claimed}"
                self.problems["contact_after_payment"].append(f"{what}, {balances[customer][-1]}")
        for m in self.ours:
            asks = m.type == "follow_up.due" and m.data["kind"] == "contact"
            if asks and has_paid(balances[m.customer], m.time - FRESH):
                self.problems["stale_step"].append(f"{m.id} of {m.customer}, decided {m.time}")
        points = [(m.customer, p) for m in self.core for p in m.data.get("contact_points", ())]
        reachable = {customer for customer, point in points if point.get("value")}
        owing = {customer for customer, steps in balances.items() if steps and steps[-1][1] > 0}
        if lost := owing & reachable - contacted - self.parked:
            self.problems["lost_fact"] += sorted(lost)

    def _balances(self) -> dict[str, list[tuple[datetime, int]]]:
        """Answer what each customer owed from when on, by the broker's time; each fact counts once."""
        balances: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        once: set[tuple[str, str, str]] = set()
        times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        signs = {"payment.missed": 1, "payment.received": -1}
        for m in self.core:
            if m.type not in signs:
                continue
            about = (m.customer, m.type, m.data.get("payment_id") or m.data["instalment_id"])
            if about not in once:
                once.add(about)
                owed = ((steps := balances[m.customer]) or [(m.at, 0)])[-1][1]
                steps.append((m.at, owed + signs[m.type] * m.data["amount_minor"]))
                times[m.customer, m.type].append(m.time)
        for customer in balances:
            missed, paid = times[customer, "payment.missed"], times[customer, "payment.received"]
            if missed and paid and min(paid) <= max(missed):
                # by the contract such a payment is netted in the missed amount: no run may rest on it
                self.problems["ambiguous_load"].append(customer)
        return balances

    def verdict(self) -> dict[str, Any]:
        """Say what was counted and found."""
        return {
            "effects": len(self.requests), "records": len(self.messages),
            "repeated_requests": sum(len(lines) - 1 for lines in self.requests.values()),
            "repeated_records": self.repeats, "customers": len({m.customer for m in self.core}),
            "problems": {sort: found[:MOST] for sort, found in sorted(self.problems.items())},
        }  # fmt: skip


def has_paid(balance: list[tuple[datetime, int]], before: datetime) -> bool:
    """Tell whether nothing was owed any more by all that the broker had before that instant."""
    stood = [amount for at, amount in balance if at < before]
    return bool(stood) and stood[-1] <= 0


def read_messages(path: Path) -> tuple[list[Message], bool]:
    """Read the dump; also answer whether every record of core banking bears the broker's time."""
    messages, stamped = [], True
    with path.open(encoding="ascii") as file:
        for record in map(json.loads, file):
            if record["topic"] == CORE_BANKING:
                stamped &= record["timestamp_type"] == LOG_APPEND_TIME
            headers = {k: base64.b64decode(v or "").decode() for k, v in record["headers"].items()}
            if record["key"] is None or "ce_id" not in headers or PLANTED in headers["ce_id"]:
                continue
            try:
                data = json.loads(base64.b64decode(record["value"] or ""))
            except ValueError:
                continue
            raw = (record["key"], json.dumps(record["headers"], sort_keys=True), record["value"])
            at = datetime.fromtimestamp(record["timestamp"] / 1000, UTC)
            place = (record["topic"], record["partition"], record["offset"], at)
            customer = base64.b64decode(record["key"]).decode()
            time = instant(headers["ce_time"])
            what = (customer, headers["ce_id"], headers["ce_type"], time)
            messages.append(Message(*place, *what, raw, data))
    return sorted(messages, key=lambda m: (m.topic, m.partition, m.offset)), stamped


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--topics", type=Path, required=True)
    parser.add_argument("--least", type=int, default=500)
    # the broker stamps a record before anybody can read it; and its stamps are whole milliseconds
    parser.add_argument("--tolerance-ms", type=int, default=10)
    parser.add_argument("--restored-at", type=datetime.fromisoformat)
    options = parser.parse_args()
    messages, stamped = read_messages(options.topics)
    with options.log.open(encoding="utf-8") as file:
        log = [json.loads(line) for line in file if line.endswith("\n")]
    judge = Judge(log, messages, options.restored_at)
    judge.decide(options.least, timedelta(milliseconds=options.tolerance_ms))
    if not stamped:
        judge.problems["stamps"].append("core banking's records bear their publisher's time")
    sys.stdout.write(json.dumps(judge.verdict()) + "\n")
    return int(bool(judge.problems))


if __name__ == "__main__":
    sys.exit(main())
