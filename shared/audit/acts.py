"""The acts of people that are no events: stop, resume, release, discard, unmask, forget, retention, key rotation.

One row per act, chained per subject like a case's inbox: who, when, what, why. Rows are only ever added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import NO_LINK, link, micros
from shared.canonical import canonical

SERVICE = ""
"""The subject of an act that concerns the service as a whole, and no single customer."""
LABEL = b"arrears acts 1\n"
_LOCK = 0x41435453

_LOCK_SUBJECT = text(
    "SELECT pg_advisory_xact_lock(:key, hashtext(current_schema() || '/' || :subject))"
)
_LAST = text("SELECT seq, link FROM acts WHERE subject = :subject ORDER BY seq DESC LIMIT 1")
_INSERT = text("""
    INSERT INTO acts (subject, seq, at, actor, act, reason, detail, link)
    VALUES (:subject, :seq, :at, :actor, :act, :reason, CAST(:detail AS json), :link)
""")
_READ = text("""
    SELECT subject, seq, at, actor, act, reason, detail::text, link FROM acts
    WHERE subject = :subject AND seq > :after ORDER BY seq LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Act:
    """
    One act: `actor` is the caller's opaque id, `detail` JSON text that holds ids and numbers, no personal data.

    `seq` counts from 1 within the `subject`: a customer, or "" for the service as a whole.
    """

    subject: str
    seq: int
    at: datetime
    actor: str
    act: str
    reason: str
    detail: str
    link: bytes

    def link_after(self, previous: bytes) -> bytes:
        """Answer the link that this row must have behind *previous*."""
        columns = (self.subject, self.seq, micros(self.at), self.actor, self.act, self.reason)
        return link(LABEL, previous, columns, self.detail.encode())


async def record_act(
    tx: AsyncConnection,
    *,
    subject: str,
    actor: str,
    act: str,
    reason: str,
    detail: Mapping[str, Any],
    at: datetime,
) -> int:
    """
    Write down, in the transaction that does it, what a person did; answers the act's number within its subject.

    *subject* is a customer's id, or SERVICE. *actor* is the caller's subject (an opaque id, no name), *act* a word
    such as "stop" or "unmask", *at* the clock's instant. *detail* holds what else is to be known as plain JSON,
    and no personal data: nobody can take it out again. Who writes for several subjects sorts them: each is locked.
    """
    await tx.execute(_LOCK_SUBJECT, {"key": _LOCK, "subject": subject})
    last = (await tx.execute(_LAST, {"subject": subject})).one_or_none()
    row = Act(
        subject=subject,
        seq=1 if last is None else last.seq + 1,
        at=at,
        actor=actor,
        act=act,
        reason=reason,
        detail=canonical(detail).decode(),
        link=NO_LINK,
    )
    await tx.execute(
        _INSERT,
        {
            "subject": subject,
            "seq": row.seq,
            "at": at,
            "actor": actor,
            "act": act,
            "reason": reason,
            "detail": row.detail,
            "link": row.link_after(NO_LINK if last is None else last.link),
        },
    )
    return row.seq


async def acts_of(
    connection: AsyncConnection, subject: str, *, after: int = 0, limit: int = 100
) -> list[Act]:
    """Answer the acts on a *subject* in order, from behind number *after* on."""
    rows = await connection.execute(_READ, {"subject": subject, "after": after, "limit": limit})
    return [Act(*row) for row in rows]
