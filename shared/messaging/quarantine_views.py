"""Look through the quarantine: what stands there by kind of failure, page by page, and one record with its bytes."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.records import Record

MOST_GROUPS = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Which entries are meant: None is any. `status` is waiting, released or discarded; `fingerprint` names
    failures that read alike but for their numbers; `regions` and `portfolios` are those of the cases that
    whoever asks may see.
    """

    reason: str | None = None
    type: str | None = None
    fingerprint: str | None = None
    customer_id: str | None = None
    status: str | None = "waiting"
    regions: list[str] | None = None
    portfolios: list[str] | None = None

    def parameters(self) -> dict[str, Any]:
        """Answer what WHERE needs."""
        return {
            "reason": self.reason,
            "type": self.type,
            "fingerprint": self.fingerprint,
            "customer": self.customer_id,
            "status": self.status,
            "regions": self.regions,
            "portfolios": self.portfolios,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """
    Entries that failed alike: how many, of how many customers, between which instants (UTC); `error` is
    the latest one's, `sample_id` its number.
    """

    reason: str
    type: str
    fingerprint: str
    count: int
    customers: int
    first_at: datetime
    last_at: datetime
    error: str
    sample_id: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """
    One quarantined record, without its content. `status`: waiting, released (decided after all), discarded.

    `offset` is -1 and `topic` "" for what did not come by Kafka. `waiting_behind` counts what is queued for
    the customer, this record included; `is_next` says that nothing of the queue comes before it.
    """

    id: int
    topic: str
    partition: int
    offset: int
    customer_id: str
    type: str
    reason: str
    fingerprint: str
    error: str
    code_version: str
    at: datetime
    status: str
    waiting_behind: int
    is_next: bool


WHERE = """
    (CAST(:status AS text) IS NULL OR status = :status)
    AND (CAST(:reason AS text) IS NULL OR reason = :reason)
    AND (CAST(:type AS text) IS NULL OR type = :type)
    AND (CAST(:fingerprint AS text) IS NULL OR fingerprint = :fingerprint)
    AND (CAST(:customer AS text) IS NULL OR quarantine.customer_id = :customer)
    AND (coalesce(CAST(:regions AS text[]), CAST(:portfolios AS text[])) IS NULL OR EXISTS (
        SELECT FROM cases WHERE cases.customer_id = quarantine.customer_id
        AND (CAST(:regions AS text[]) IS NULL OR cases.region = ANY(:regions))
        AND (CAST(:portfolios AS text[]) IS NULL OR cases.portfolio = ANY(:portfolios))))
"""
_GROUPS = text(f"""
    SELECT reason, type, fingerprint, count(*), count(DISTINCT nullif(customer_id, '')), min(at), max(at),
        (array_agg(error ORDER BY id DESC))[1], max(id)
    FROM quarantine WHERE {WHERE}
    GROUP BY reason, type, fingerprint ORDER BY count(*) DESC, max(id) DESC LIMIT {MOST_GROUPS}
""")  # noqa: S608  constants
_SELECT = """
    SELECT id, topic, partition, kafka_offset, customer_id, type, reason, fingerprint, error, code_version, at, status,
        (SELECT count(*) FROM parked WHERE parked.customer_id = quarantine.customer_id),
        status = 'waiting' AND NOT EXISTS (
            SELECT FROM parked AS mine JOIN parked AS before
                ON before.customer_id = mine.customer_id AND before.seq < mine.seq
            WHERE mine.quarantine_id = quarantine.id)
    FROM quarantine
"""
_PAGE = text(f"{_SELECT} WHERE id > :after AND {WHERE} ORDER BY id LIMIT :limit")
_ONE = text(f"{_SELECT} WHERE id = :id")


async def groups(connection: AsyncConnection, chosen: Chosen) -> list[Group]:
    """Answer the entries by reason, type and fingerprint, the most frequent first; at most 200 groups."""
    rows = await connection.execute(_GROUPS, chosen.parameters())
    return [Group(*row) for row in rows]


async def page(
    connection: AsyncConnection, chosen: Chosen, *, after: int = 0, limit: int = 100
) -> list[Quarantined]:
    """Answer entries, oldest first; `after` is the last id of the page before."""
    rows = await connection.execute(_PAGE, {**chosen.parameters(), "after": after, "limit": limit})
    return [Quarantined(*row) for row in rows]


async def one(connection: AsyncConnection, quarantine_id: int) -> Quarantined | None:
    """Answer one entry without its content; None where there is none."""
    row = (await connection.execute(_ONE, {"id": quarantine_id})).one_or_none()
    return None if row is None else Quarantined(*row)


def readable(record: Record) -> dict[str, Any]:
    """
    Answer the record's key, value and headers as JSON can hold them: {"text"}, or {"base64"} where it is no UTF-8.

    It may hold personal data: for a person with the right to see it, never for a log.
    """
    return {
        "key": _bytes(record.key),
        "value": _bytes(record.value),
        "headers": [{"name": name, **(_bytes(value) or {})} for name, value in record.headers],
    }


def _bytes(value: bytes | None) -> dict[str, str] | None:
    if value is None:
        return None
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}
