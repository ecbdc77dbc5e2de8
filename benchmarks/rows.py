"""The ceiling's rows, and their columns as the runtime's statements take them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from benchmarks.tab import REACTOR, Entry
from shared.audit.chain import link, micros
from shared.canonical import digest
from shared.messaging.causes import Cause
from shared.messaging.inbox import LABEL
from shared.version import code_version

SEPARATOR = "\x1f"
POLICY = digest(REACTOR.policy)
CODE = code_version()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)


@dataclass(slots=True)
class Fact:
    """What becomes one row of the inbox."""

    key: UUID
    customer_id: str
    source: str
    id: str
    type: str
    time: datetime
    payload: bytes
    digest: bytes
    dataschema: str = ""
    data: Any = None
    topic: str = ""
    partition: int = -1
    offset: int = -1
    case_seq: int = 0
    now: datetime = LONG_AGO
    link: bytes = b""


class Known:
    """One locked row of a case."""

    __slots__ = (
        "case_seq", "cause", "customer_id", "entries", "last_now", "link", "partition", "state", "stored",
    )  # fmt: skip

    def __init__(self, row: Any) -> None:
        self.customer_id: str = row[0]
        self.partition: int = row[1]
        self.stored: str = row[2]
        self.case_seq: int = row[4]
        self.last_now: datetime = row[5]
        self.link: bytes = row[8]
        self.entries: tuple[Entry, ...] | None = None
        self.cause: Fact | None = None
        self.state = ""

    def thread(self) -> str:
        """Write down what brought the case here, as the runtime does."""
        return Cause(self.cause.id if self.cause else "", "", self.last_now).stored()

    def next_seq(self, time: datetime, clock: datetime) -> tuple[int, datetime]:
        """Number what was handed in, and give it its instant."""
        self.case_seq += 1
        self.last_now = max(clock, min(time, clock + AHEAD), self.last_now)
        return self.case_seq, self.last_now

    def next_link(self, row: Fact, received_at: datetime) -> bytes:
        """Raise the head of the chain by a row."""
        columns = (
            row.key, row.customer_id, row.case_seq, row.source, row.id, row.type, row.dataschema,
            micros(row.time), micros(received_at), micros(row.now), row.digest, row.topic,
            row.partition, row.offset, POLICY, CODE, "", "", "",
        )  # fmt: skip
        self.link = link(LABEL, self.link, columns, row.payload)
        return self.link


def _joined(values: Iterable[str]) -> str:
    return SEPARATOR.join(values) + SEPARATOR


def inbox_columns(facts: Iterable[Fact], now: datetime) -> dict[str, Any]:
    """Answer the columns of inbox rows, in the order of their keys."""
    rows = sorted(facts, key=lambda fact: fact.key.int)
    empty = SEPARATOR * len(rows)
    return {
        "received_at": now,
        "policy": POLICY,
        "code": CODE,
        "keys": [row.key for row in rows],
        "customers": _joined([row.customer_id for row in rows]),
        "seqs": [row.case_seq for row in rows],
        "sources": _joined([row.source for row in rows]),
        "ids": _joined([row.id for row in rows]),
        "types": _joined([row.type for row in rows]),
        "schemas": _joined([row.dataschema for row in rows]),
        "times": [row.time for row in rows],
        "nows": [row.now for row in rows],
        "payloads": _joined([row.payload.decode() for row in rows]),
        "digests": [row.digest for row in rows],
        "topics": _joined([row.topic for row in rows]),
        "partitions": [row.partition for row in rows],
        "offsets": [row.offset for row in rows],
        "causations": empty,
        "correlations": empty,
        "traces": empty,
        "links": [row.link for row in rows],
    }


def case_columns(cases: Collection[Known]) -> dict[str, Any]:
    """Answer the columns of the cases that changed."""
    return {
        "ids": [case.customer_id for case in cases],
        "states": [case.state for case in cases],
        "versions": [1] * len(cases),
        "stages": ["idle"] * len(cases),
        "seqs": [case.case_seq for case in cases],
        "nows": [case.last_now for case in cases],
        "wakes": [None] * len(cases),
        "links": [case.link for case in cases],
        "causes": _joined([case.thread() for case in cases]),
        "regions": [None] * len(cases),
        "portfolios": [None] * len(cases),
    }


def outbox_columns(
    out: Collection[tuple[Any, ...]], ends: Collection[tuple[int, int]], now: datetime
) -> dict[str, Any]:
    """Answer the columns of what is published, and of the control records behind it."""
    nothing = [""] * len(ends)
    rows = len(out) + len(ends)
    return {
        "topic": "scheduler",
        "ids": _joined([*(row[0] for row in out), *nothing]),
        "keys": _joined([*(row[1] for row in out), *nothing]),
        "types": _joined(["follow_up.due"] * len(out) + ["arrears.progress"] * len(ends)),
        "payloads": _joined(
            [*(row[2] for row in out), *(f'{{"offset":{end}}}' for _, end in ends)]
        ),
        "times": [now] * rows,
        "partitions": [None] * len(out) + [partition for partition, _ in ends],
        "causations": _joined([*(row[3] for row in out), *nothing]),
        "correlations": _joined([*(row[4].id for row in out), *nothing]),
        "traces": SEPARATOR * rows,
    }
