"""Replay what the inboxes recorded: the same order, ticks, instants and policies must make the stored states, byte for byte."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from shared.canonical import canonical, digest
from shared.decision import Reactor
from shared.events.envelope import Event
from shared.events.registry import WOKEN
from shared.messaging.batch import NOTES
from shared.messaging.cases import upcast
from shared.messaging.deciding import decide_fact, decide_tick
from shared.messaging.decode import from_stored
from shared.version import code_version


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A case whose state is not what its inbox makes of it; both as canonical JSON ("" where there is none).

    `code_versions` are the versions that decided it: for another than today's, a difference is no defect.
    """

    customer_id: str
    stored: str
    replayed: str
    code_versions: tuple[str, ...]

    @override
    def __str__(self) -> str:
        """Say whose case it is, and from which byte on the two differ."""
        pairs = zip(self.stored, self.replayed, strict=False)
        shortest = min(len(self.stored), len(self.replayed))
        place = next((i for i, (a, b) in enumerate(pairs) if a != b), shortest)
        start = max(0, place - 40)
        other = "" if self.code_versions == (code_version(),) else f", by {self.code_versions}"
        return (
            f"{self.customer_id}: stored ...{self.stored[start : place + 60]!r}, "
            f"replayed ...{self.replayed[start : place + 60]!r}{other}"
        )


_ROWS = text("""
    SELECT customer_id, source, id, type, dataschema, time, now, payload::text, policy_digest, code_version,
        causationid, correlationid, traceparent
    FROM inbox ORDER BY customer_id, case_seq
""")
_STATES = text("SELECT customer_id, state::text, state_version FROM cases ORDER BY customer_id")


async def replay_recorded(engine: AsyncEngine, reactor: Reactor[Any]) -> list[Difference]:
    """Fold every customer's inbox again, in order of case_seq, and answer the cases that differ."""
    async with engine.connect() as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        policies = await _policies(connection, reactor)
        replayed = await _fold(connection, reactor, policies)
        differences = []
        async for customer_id, stored, version in await connection.stream(_STATES):
            state, versions = replayed.pop(customer_id, (canonical(reactor.state()), ()))
            there = canonical(upcast(reactor, stored, version))
            if there != state:
                differences.append(
                    Difference(customer_id, there.decode(), state.decode(), tuple(versions))
                )
    differences += [
        Difference(customer_id, "", state.decode(), tuple(versions))
        for customer_id, (state, versions) in sorted(replayed.items())
    ]
    return differences


async def _fold(
    connection: AsyncConnection, reactor: Reactor[Any], policies: dict[str, Any]
) -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """Answer each customer's state as canonical JSON, and the code versions that decided it."""
    folded: dict[str, tuple[bytes, tuple[str, ...]]] = {}
    customer, state, versions = "", reactor.state(), set[str]()
    async for row in await connection.stream(_ROWS):
        if row.customer_id != customer:
            if customer:
                folded[customer] = canonical(state), tuple(sorted(versions))
            customer, state, versions = row.customer_id, reactor.state(), set()
        if row.type not in NOTES:
            versions.add(row.code_version)
            today = replace(reactor, policy=policies[row.policy_digest])
            state = _decide(today, state, _event(row), row.now)
    if customer:
        folded[customer] = canonical(state), tuple(sorted(versions))
    return folded


def _decide(reactor: Reactor[Any], state: Any, event: Event, now: datetime) -> Any:
    decide = decide_tick if event.type == WOKEN else decide_fact
    return decide(reactor, state, event, now).state


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        source=row.source,
        type=row.type,
        subject=row.customer_id,
        time=row.time,
        data=from_stored(row.type, row[7]),
        dataschema=row.dataschema,
        causationid=row.causationid,
        correlationid=row.correlationid,
        traceparent=row.traceparent,
    )


async def _policies(connection: AsyncConnection, reactor: Reactor[Any]) -> dict[str, Any]:
    """Answer every policy that decided anything, by digest."""
    rows = await connection.execute(text("SELECT digest, content FROM policies"))
    known = {row.digest: _read_policy(reactor.policy, row.content) for row in rows}
    return known | {digest(reactor.policy): reactor.policy}


def _read_policy(today: Any, content: str) -> Any:
    if isinstance(today, BaseModel):
        return type(today).model_validate_json(content)
    return msgspec.json.decode(content, type=type(today))
