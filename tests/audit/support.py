"""A story through the shell that leaves every kind of row, sealed and verified."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from shared.audit.acts import SERVICE, record_act
from shared.audit.report import Report
from shared.audit.roots import Root
from shared.audit.sealing import seal
from shared.audit.signing import Signer
from shared.audit.verifying import Given, verify
from shared.clock import SteppedClock
from shared.messaging.release_terms import By
from shared.testing import START, fact
from tests.database.ledger import FAILING
from tests.database.support import Database, always, missed, received, records
from tests.database.test_http_facts import told

SIGNER = Signer(b"s" * 32)
PUBLICS = {SIGNER.key_id: SIGNER.public}
DAY = timedelta(days=1)
LATER = START + 4 * DAY


async def verified(
    db: Database, *, customer: str | None = None, now: datetime = LATER, publics: Any = None
) -> Report:
    given = Given("scheduler", customer, PUBLICS if publics is None else publics, now)
    return await verify(db.engine, given)


async def found(db: Database, **given: Any) -> list[tuple[str, str]]:
    """Table and place of each finding."""
    report = await verified(db, **given)
    return [(finding.table, finding.where) for finding in report.findings]


async def sealed(db: Database, now: datetime = LATER, until: date | None = None) -> Sequence[Root]:
    return await seal(db.engine, "scheduler", SIGNER, now, until)


async def act(db: Database, subject: str = "C1", at: datetime = START) -> None:
    async with db.engine.begin() as tx:
        await record_act(
            tx,
            subject=subject,
            actor="agent-7",
            act="unmask",
            reason="call",
            detail={"n": 1},
            at=at,
        )


async def live(shell: Any, mended: Any, db: Database, clock: SteppedClock) -> None:
    """Two days with repeats, a conflict, a merger's worth of customers, facts by HTTP, parking, a release, and acts."""
    batch = records(missed(), missed("C2"), missed("C3"), missed(instalment="I2"))
    await shell.handle(batch, fresh=always)
    await shell.handle([*batch, *batch[:2]], fresh=always)
    await shell.handle(records(missed("C4", FAILING), missed("C4"), start=10), fresh=always)
    reused = fact(missed("C5"), event_id="same"), fact(missed("C5", "I9"), event_id="same")
    await shell.handle(records(*reused, start=20), fresh=always)
    await shell.handle_facts([told(), told(), told(key="R2")], fresh=always)
    await shell.handle_facts([told(), told(key="R3")], fresh=always)
    await act(db)
    clock.set(START + DAY)
    released = await mended.releases.customer("C4", By("officer-1", "mended"))
    assert (released.decided, released.left) == (2, 0)
    await shell.handle(records(received(), received("C3"), at=START + DAY, start=30), fresh=always)
    await shell.tick_step(clock.now())
    await act(db, at=START + DAY)
    await act(db, SERVICE, at=START + DAY)
    await act(db, SERVICE, at=START + DAY)
