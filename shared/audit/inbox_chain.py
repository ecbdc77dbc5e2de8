"""Check the chains of the inbox against their rows, their starts and their heads."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import NO_LINK
from shared.audit.report import Report
from shared.messaging.inbox import link_of_row

_ROWS = text("""
    SELECT i.customer_id, i.case_seq, i.month, i.event_key, i.source, i.id, i.type, i.dataschema, i.time,
        i.received_at, i.now, i.payload::text AS payload, i.payload_digest, i.topic, i.partition, i.kafka_offset,
        i.policy_digest, i.code_version, i.causationid, i.correlationid, i.traceparent, i.link,
        s.case_seq AS start_seq, s.link AS start_link, c.case_seq AS head_seq, c.link AS head
    FROM inbox i
    LEFT JOIN case_starts s ON s.customer_id = i.customer_id
    LEFT JOIN cases c ON c.customer_id = i.customer_id
    WHERE CAST(:customer AS text) IS NULL OR i.customer_id = :customer
    ORDER BY i.customer_id, i.case_seq
""")
_EMPTY = text("""
    SELECT c.customer_id FROM cases c LEFT JOIN case_starts s ON s.customer_id = c.customer_id
    WHERE c.link <> coalesce(s.link, '') AND (CAST(:customer AS text) IS NULL OR c.customer_id = :customer)
        AND NOT EXISTS (SELECT FROM inbox i
            WHERE i.customer_id = c.customer_id AND i.case_seq > coalesce(s.case_seq, -1))
    ORDER BY c.customer_id
""")


@dataclass(slots=True)
class _Chain:
    """The chain of one customer, as far as it was walked."""

    customer_id: str
    link: bytes
    seq: int
    head: bytes | None
    head_seq: int | None

    @property
    def where(self) -> str:
        return f"{self.customer_id}/{self.seq}"


async def check_inbox(
    connection: AsyncConnection, customer: str | None, report: Report
) -> set[str]:
    """Walk the chains of *customer* (None: of all), and answer the digests of the policies that were decided by."""
    policies: set[str] = set()
    chain: _Chain | None = None
    async for row in await connection.stream(_ROWS, {"customer": customer}):
        if chain is None or chain.customer_id != row.customer_id:
            if chain is not None:
                _check_head(chain, report)
            chain = _begin(row)
            report.cases += 1
        policies.add(row.policy_digest)
        if row.start_seq is not None and row.case_seq <= row.start_seq:
            report.before_start += 1
            continue
        report.rows += 1
        _check_row(row, chain, report)
        chain.link, chain.seq = row.link, row.case_seq
    if chain is not None:
        _check_head(chain, report)
    for (customer_id,) in await connection.execute(_EMPTY, {"customer": customer}):
        report.find(
            "inbox", customer_id, "its rows were removed: the case holds the head of a chain"
        )
    return policies


def _begin(row: Any) -> _Chain:
    return _Chain(
        row.customer_id,
        NO_LINK if row.start_link is None else row.start_link,
        0 if row.start_seq is None else row.start_seq,
        row.head,
        row.head_seq,
    )


def _check_row(row: Any, chain: _Chain, report: Report) -> None:
    where = f"{row.customer_id}/{row.case_seq}"
    if row.link != link_of_row(chain.link, row):
        behind = f"behind {chain.where}" if chain.seq else "as the first of its chain"
        report.find(
            "inbox", where,
            f"{row.type} of {row.now:%Y-%m-%d %H:%M} does not stand here {behind}: "
            "it was changed, or a row before it was removed, inserted or moved",
        )  # fmt: skip
    elif row.month != date(row.time.year, row.time.month, 1):
        report.find("inbox", where, "it lies in the month of another row")


def _check_head(chain: _Chain, report: Report) -> None:
    if chain.head is None or chain.head_seq is None:
        report.find("cases", chain.customer_id, "the case is gone, and its inbox is not")
    elif chain.head != chain.link:
        report.find(
            "inbox", chain.where,
            "it is the last row, and not the head that the case holds: rows behind it were removed or inserted, "
            "or the head was changed",
        )  # fmt: skip
    elif chain.head_seq < chain.seq:
        report.find("cases", chain.customer_id, f"its counter went back to {chain.head_seq}")
