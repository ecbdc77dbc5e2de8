"""Read the trail of one customer in one service: what was decided, by whom and why, in order of time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import micros
from shared.events.registry import WOKEN

_PAGE = text("""
    SELECT * FROM (
        SELECT now AS at, 'event' AS kind, case_seq AS seq, type, source, id, time, received_at, payload::text AS data,
            policy_digest, code_version, link, '' AS actor, '' AS reason
        FROM inbox WHERE customer_id = :customer
        UNION ALL
        SELECT at, 'act', seq, act, '', '', at, at, detail::text, '', '', link, actor, reason
        FROM acts WHERE subject = :customer) AS trail
    WHERE (at, kind, seq) > (:at, :kind, :seq) ORDER BY at, kind, seq LIMIT :limit
""")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = f"{0}.act.0"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of the trail. `kind`: a fact, a tick of the clock, or an act of a person that is no event.

    `at` is the decision's `now`. `who` is the opaque id of a person, or the system that said it; `why` the reason
    that a person gave. `seq` counts within the case (facts and ticks) or within the acts.
    """

    at: datetime
    kind: Literal["fact", "tick", "act"]
    seq: int
    what: str
    who: str
    why: str
    source: str
    id: str
    time: datetime
    received_at: datetime
    data: dict[str, Any]
    policy_digest: str
    code_version: str
    link: str

    @property
    def cursor(self) -> str:
        """Answer where this entry stands, for the page behind it."""
        return f"{micros(self.at)}.{'act' if self.kind == 'act' else 'event'}.{self.seq}"


async def trail_of(
    connection: AsyncConnection, customer_id: str, *, after: str = "", limit: int = 100
) -> list[Entry]:
    """Answer a page of the trail, from behind the entry with the cursor *after* on; raises ValueError for no cursor."""
    at, kind, seq = _place(after or FIRST)
    values = {"customer": customer_id, "at": at, "kind": kind, "seq": seq, "limit": limit}
    return [_entry(row) for row in await connection.execute(_PAGE, values)]


def _place(cursor: str) -> tuple[datetime, str, int]:
    parts = cursor.split(".")
    if len(parts) != 3 or parts[1] not in {"act", "event"}:  # noqa: PLR2004
        raise ValueError("is no place in a trail")
    try:
        return _EPOCH + timedelta(microseconds=int(parts[0])), parts[1], min(int(parts[2]), 2**62)
    except (ValueError, OverflowError):
        raise ValueError("is no place in a trail") from None


def _entry(row: Any) -> Entry:
    data: dict[str, Any] = msgspec.json.decode(row.data)
    kind: Literal["fact", "tick", "act"] = "act"
    who, why = row.actor, row.reason
    if row.kind == "event":
        kind = "tick" if row.type == WOKEN else "fact"
        who, why = str(data.get("by") or row.source), str(data.get("reason") or "")
    return Entry(
        at=row.at,
        kind=kind,
        seq=row.seq,
        what=row.type,
        who=who,
        why=why,
        source=row.source,
        id=row.id,
        time=row.time,
        received_at=row.received_at,
        data=data,
        policy_digest=row.policy_digest,
        code_version=row.code_version,
        link=row.link.hex(),
    )
