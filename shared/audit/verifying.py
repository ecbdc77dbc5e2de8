"""Verify the audit trail of one service: chains, their heads, policies, acts and signed roots."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit import dropping
from shared.audit.acts import Act
from shared.audit.chain import NO_LINK
from shared.audit.inbox_chain import check_inbox
from shared.audit.report import Report
from shared.audit.roots import DAY, Root, begin_of, roots, tree_of
from shared.audit.sealing import last_finished
from shared.audit.signing import is_signed

_ACTS = text("""
    SELECT subject, seq, at, actor, act, reason, detail::text, link FROM acts
    WHERE CAST(:customer AS text) IS NULL OR subject = :customer ORDER BY subject, seq
""")
_POLICIES = text("SELECT digest, content FROM policies")
_UNSEALED = text("""
    SELECT count(DISTINCT day) AS days, min(day) AS first, max(day) AS last FROM (
        SELECT CAST(received_at AS date) AS day FROM inbox
            WHERE received_at >= :since AND received_at < :until AND link <> ''
        UNION ALL SELECT CAST(at AS date) FROM acts WHERE at >= :since AND at < :until) AS days
""")
LONG_AGO = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Given:
    """What a verification works with: the `customer` alone (None: everybody), public keys by id, and the instant."""

    service: str
    customer: str | None
    publics: Mapping[str, bytes]
    now: datetime


async def verify(engine: AsyncEngine, given: Given) -> Report:
    """
    Check everything in one snapshot; what does not hold stands in the report's findings.

    The engine's search path need not be the service's. For one customer the roots are not checked.
    """
    report = Report(given.service)
    async with _snapshot(engine, given.service) as connection:
        policies = await check_inbox(connection, given.customer, report)
        await _policies(connection, policies, report)
        await _acts(connection, given.customer, report)
        if given.customer is None:
            await _roots(connection, given, report)
    return report


@asynccontextmanager
async def _snapshot(engine: AsyncEngine, service: str) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        path = {"path": f'"{service}"'}
        await connection.execute(text("SELECT set_config('search_path', :path, true)"), path)
        yield connection


async def _policies(connection: AsyncConnection, used: set[str], report: Report) -> None:
    """Every decision names its policy by the hash of its content."""
    there = set()
    for digest, content in await connection.execute(_POLICIES):
        there.add(digest)
        if sha256(content.encode()).hexdigest() != digest:
            report.find("policies", digest[:12], "its content is not what was decided by")
    for digest in sorted(used - there):
        report.find("policies", digest[:12], "it is gone, and rows of the inbox were decided by it")


async def _acts(connection: AsyncConnection, customer: str | None, report: Report) -> None:
    subject, previous, expected = None, NO_LINK, 1
    async for row in await connection.stream(_ACTS, {"customer": customer}):
        act = Act(*row)
        if act.subject != subject:
            subject, previous, expected = act.subject, NO_LINK, 1
        report.acts += 1
        where = f"{act.subject or 'the service'}/{act.seq}"
        if act.seq != expected:
            report.find("acts", where, f"number {expected} should stand here: acts were removed")
        elif act.link != act.link_after(previous):
            report.find(
                "acts", where, "it was changed, or is not the act that was written at this place"
            )
        previous, expected = act.link, act.seq + 1


async def _roots(connection: AsyncConnection, given: Given, report: Report) -> None:
    dropped = await dropping.days_dropped(connection)
    before: Root | None = None
    for root in await roots(connection):
        report.roots += 1
        _check_alone(root, before, given, report)
        if root.day in dropped:
            report.signed_only += 1
        else:
            await _check_leaves(connection, root, report)
        before = root
    since = LONG_AGO if before is None else before.day + DAY
    # The service itself has had a day to seal it.
    until = last_finished(given.now)
    values = {"since": begin_of(since), "until": begin_of(until)}
    days = (await connection.execute(_UNSEALED, values)).one()
    if days.days:
        report.find(
            "roots",
            f"{days.first} to {days.last}",
            f"{days.days} finished days have rows and no root: their roots were removed, or were never made "
            "(arrears audit-trail seal)",
        )


def _check_alone(root: Root, before: Root | None, given: Given, report: Report) -> None:
    where = root.day.isoformat()
    public = given.publics.get(root.key_id)
    if public is None:
        report.find("roots", where, f"the key {root.key_id} that signed it is not known here")
    elif not is_signed(public, root.signature, root.message(given.service)):
        report.find("roots", where, "its signature does not fit: it was changed")
    if before is not None and root.day != before.day + DAY:
        report.find("roots", where, f"the root of {before.day + DAY} is missing before it")
    elif root.previous != (b"" if before is None else before.digest(given.service)):
        report.find(
            "roots", where, "it does not hold on to the root before: one was changed or removed"
        )


async def _check_leaves(connection: AsyncConnection, root: Root, report: Report) -> None:
    leaves, top = await tree_of(connection, root.day)
    if leaves != root.leaves:
        report.find(
            "roots", root.day.isoformat(),
            f"{root.leaves} chains grew on this day, and {leaves} are found: rows were removed or inserted",
        )  # fmt: skip
    elif top != root.root:
        report.find(
            "roots", root.day.isoformat(),
            "the last rows of this day are not those that were signed: rows were changed, removed or inserted",
        )  # fmt: skip
