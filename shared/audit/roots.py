"""The signed root of a day: what its leaves are, what is signed, and how it holds on to the root before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import micros
from shared.audit.merkle import merkle_root

DAY = timedelta(days=1)
_encode = msgspec.json.Encoder().encode

# Rows without a link were there before there were chains.
_LEAVES = text("""
    (SELECT DISTINCT ON (customer_id COLLATE "C") 'inbox', customer_id, case_seq, link FROM inbox
        WHERE received_at >= :begin AND received_at < :until AND link <> ''
        ORDER BY customer_id COLLATE "C", case_seq DESC)
    UNION ALL
    (SELECT DISTINCT ON (subject COLLATE "C") 'acts', subject, seq, link FROM acts
        WHERE at >= :begin AND at < :until
        ORDER BY subject COLLATE "C", seq DESC)
""")
_ROOTS = text(
    "SELECT day, leaves, root, previous, signature, key_id, signed_at FROM roots ORDER BY day"
)


@dataclass(frozen=True, slots=True)
class Root:
    """
    The root over the heads of all chains that grew on one UTC `day`.

    `previous` is the hash of the root of the day before, its signature included (empty for the first).
    """

    day: date
    leaves: int
    root: bytes
    previous: bytes
    signature: bytes
    key_id: str
    signed_at: datetime

    def message(self, service: str) -> bytes:
        """Answer what is signed: everything but the signature, and whose root it is."""
        return _encode(
            (
                "arrears audit root 1", service, self.day.isoformat(), self.leaves, self.root.hex(),
                self.previous.hex(), self.key_id, micros(self.signed_at),
            )
        )  # fmt: skip

    def digest(self, service: str) -> bytes:
        """Answer what the root of the next day holds as `previous`."""
        return sha256(self.message(service) + self.signature).digest()


def begin_of(day: date) -> datetime:
    """Answer the first instant of the UTC day."""
    return datetime.combine(day, time(), tzinfo=UTC)


async def tree_of(connection: AsyncConnection, day: date) -> tuple[int, bytes]:
    """Answer number and root of the day's leaves: the last row of each chain that was received on it."""
    begin = begin_of(day)
    rows = await connection.execute(_LEAVES, {"begin": begin, "until": begin + DAY})
    # Sorted here: two databases need not agree on what an order means.
    leaves = sorted(
        _encode((table, subject, seq, link.hex())) for table, subject, seq, link in rows
    )
    return merkle_root(leaves)


async def roots(connection: AsyncConnection) -> list[Root]:
    """Answer every root, the oldest first."""
    return [Root(*row) for row in await connection.execute(_ROOTS)]
