"""Drop what has been kept long enough: months of inbox behind snapshots, effects that are over, quarantine that was dealt with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit.acts import SERVICE, record_act
from shared.audit.dropping import ACT, days_losing
from shared.decision import Reactor
from shared.messaging.inbox import MONTHS_BACK, add_months, month_of
from shared.messaging.recorded import starts_after
from shared.privacy.owner import in_schema
from shared.privacy.registry import DONE_DAYS

BATCH = 500

_MONTHS = text("""
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'inbox'::regclass ORDER BY 1
""")
_ROWS = text("SELECT count(*), count(DISTINCT customer_id) FROM inbox WHERE month < :before")
_UNSETTLED = text("""
    SELECT inbox.customer_id, max(inbox.case_seq) FROM inbox
    LEFT JOIN case_starts USING (customer_id)
    WHERE month < :before AND inbox.case_seq > coalesce(case_starts.case_seq, -1)
    GROUP BY 1 ORDER BY 1 LIMIT :limit
""")
_START = text("""
    INSERT INTO case_starts (customer_id, case_seq, link, state, state_version, at)
    VALUES (:customer, :seq, :link, CAST(:state AS jsonb), :version, :at)
    ON CONFLICT (customer_id) DO UPDATE SET case_seq = excluded.case_seq, link = excluded.link,
        state = excluded.state, state_version = excluded.state_version, at = excluded.at
    WHERE case_starts.case_seq < excluded.case_seq
""")
_EFFECTS = "FROM effects WHERE status NOT IN ('pending', 'sending') AND updated_at < :before"
_QUARANTINE = """
    FROM quarantine WHERE status <> 'waiting' AND at < :before
        AND NOT EXISTS (SELECT FROM parked WHERE parked.quarantine_id = quarantine.id)
"""


class TooShort(ValueError):
    """Fewer months than the shell needs: a repeat from a dropped month would count twice."""


@dataclass(frozen=True, slots=True)
class Due:
    """
    What is past its retention in one service: `months` of inbox with `rows` of `customers`, `effects` that are over
    and quarantined records that were dealt with; everything of before `before` (first day of a month, UTC).
    """

    service: str
    before: date
    months: list[str] = field(default_factory=list)
    rows: int = 0
    customers: int = 0
    effects: int = 0
    quarantined: int = 0


def oldest_kept(now: datetime, months: int) -> date:
    """Answer the first month that stays; raises TooShort for fewer months than the shell takes events of."""
    if months < MONTHS_BACK:
        raise TooShort(
            f"events of the last {MONTHS_BACK} months are still taken, and a repeat of one whose row is gone would "
            f"count twice: keep at least {MONTHS_BACK}"
        )
    return add_months(month_of(now), -months)


async def preview(engine: AsyncEngine, service: str, *, now: datetime, months: int) -> Due:
    """Say what run() would take away, and take nothing."""
    async with in_schema(engine, service) as tx:
        return await _due(tx, service, now, oldest_kept(now, months))


async def run(
    engine: AsyncEngine,
    reactor: Reactor[Any],
    *,
    now: datetime,
    months: int,
    by: str,
    reason: str,
) -> Due:
    """
    Write each touched case's new start, then drop the months, as the owner of the schema; answers what went.

    Starts are written in batches, each a transaction of its own; the months go in the last one, which is short, and
    only when every case has its start. Services go on meanwhile. Stopped anywhere, the next run finishes it.
    """
    before = oldest_kept(now, months)
    service = reactor.name
    while True:
        async with in_schema(engine, service, one_snapshot=True) as tx:
            rows = (await tx.execute(_UNSETTLED, {"before": before, "limit": BATCH})).all()
            if not rows:
                break
            starts = await starts_after(tx, reactor, {row[0]: row[1] for row in rows})
            for start in starts:
                await tx.execute(
                    _START,
                    {
                        "customer": start.customer_id,
                        "seq": start.case_seq,
                        "link": start.link,
                        "state": start.state,
                        "version": start.state_version,
                        "at": now,
                    },
                )
    async with in_schema(engine, service) as tx:
        due = await _due(tx, service, now, before)
        await tx.execute(text(f"DELETE {_EFFECTS}"), {"before": now - timedelta(days=DONE_DAYS)})
        await tx.execute(text(f"DELETE {_QUARANTINE}"), {"before": now - timedelta(days=DONE_DAYS)})
        await record_act(
            tx,
            subject=SERVICE,
            actor=by,
            act=ACT,
            reason=reason,
            detail={
                "before": due.before.isoformat(),
                "months": due.months,
                "days": await days_losing(tx, before),
                "rows": due.rows,
                "customers": due.customers,
                "effects": due.effects,
                "quarantined": due.quarantined,
            },
            at=now,
        )
        for month in due.months:
            # Last, because from here on nobody reads or writes the inbox until we are through.
            await tx.execute(text(f"ALTER TABLE inbox DETACH PARTITION {month}"))
            await tx.execute(text(f"DROP TABLE {month}"))
        if (await tx.execute(_UNSETTLED, {"before": before, "limit": 1})).first() is not None:
            raise RuntimeError("a row came into a month that was to be dropped: run it again")
    return due


async def _due(tx: AsyncConnection, service: str, now: datetime, before: date) -> Due:
    done = {"before": now - timedelta(days=DONE_DAYS)}
    rows, customers = (await tx.execute(_ROWS, {"before": before})).one()
    return Due(
        service,
        before,
        [name for name in await tx.scalars(_MONTHS) if name < f"inbox_{before:%Y_%m}"],
        rows,
        customers,
        int(await tx.scalar(text(f"SELECT count(*) {_EFFECTS}"), done) or 0),
        int(await tx.scalar(text(f"SELECT count(*) {_QUARANTINE}"), done) or 0),
    )


def sentence(due: Due, *, past: bool) -> Sequence[str]:
    """Say it for people, a line for each kind of thing."""
    verb = "went" if past else "would go"
    return (
        f"{due.service}: before {due.before:%Y-%m}",
        f"  {len(due.months):>9,}  months of inbox {verb}, with {due.rows:,} rows of {due.customers:,} customers",
        f"  {due.effects:>9,}  effects that are over",
        f"  {due.quarantined:>9,}  quarantined records that were dealt with",
    )
