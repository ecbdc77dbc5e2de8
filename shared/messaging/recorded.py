"""Replay what the inboxes recorded: the same order, ticks, instants and policies must make the stored states, byte for byte."""

from collections.abc import AsyncIterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Start:
    """Where a case begins once older rows are gone: number and link of the last of them, and the state after it."""

    customer_id: str
    case_seq: int
    link: bytes
    state: str
    state_version: int


_ROWS = text("""
    SELECT customer_id, source, id, type, dataschema, time, now, payload::text, policy_digest, code_version,
        causationid, correlationid, traceparent, inbox.case_seq, inbox.link
    FROM inbox LEFT JOIN case_starts USING (customer_id)
    WHERE inbox.case_seq > coalesce(case_starts.case_seq, -1)
        AND (CAST(:only AS text[]) IS NULL OR customer_id = ANY(CAST(:only AS text[])))
    ORDER BY customer_id, inbox.case_seq
""")
_STARTS = text("""
    SELECT customer_id, state::text, state_version FROM case_starts
    WHERE CAST(:only AS text[]) IS NULL OR customer_id = ANY(CAST(:only AS text[]))
""")
_STATES = text("SELECT customer_id, state::text, state_version FROM cases ORDER BY customer_id")
_CASES = text("""
    SELECT customer_id, case_seq, link, state::text, state_version FROM cases
    WHERE customer_id = ANY(CAST(:only AS text[]))
""")


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


async def starts_after(
    connection: AsyncConnection, reactor: Reactor[Any], upto: Mapping[str, int]
) -> list[Start]:
    """
    Answer each customer's start after the row of the number that *upto* gives: what replay makes of all rows up to it.

    Where today's code does not make the stored state of a case any more (another version decided it), its start is the
    case as it stands now. The transaction must see one snapshot (REPEATABLE READ).
    """
    only = sorted(upto)
    policies = await _policies(connection, reactor)
    cases = {row[0]: Start(*row) for row in await connection.execute(_CASES, {"only": only})}
    found: dict[str, Start] = {}
    latest: dict[str, Any] = {}
    async for row, state in _steps(connection, reactor, policies, only):
        latest[row.customer_id] = state
        if row.case_seq <= upto[row.customer_id]:
            text_ = canonical(state).decode()
            found[row.customer_id] = Start(
                row.customer_id, row.case_seq, row.link, text_, reactor.state_version
            )
    for customer_id, case in cases.items():
        stored = canonical(upcast(reactor, case.state, case.state_version))
        if customer_id in found and canonical(latest[customer_id]) != stored:
            found[customer_id] = case
    return list(found.values())


async def _fold(
    connection: AsyncConnection, reactor: Reactor[Any], policies: dict[str, Any]
) -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """Answer each customer's state as canonical JSON, and the code versions that decided it."""
    folded: dict[str, tuple[bytes, tuple[str, ...]]] = {
        customer_id: (canonical(upcast(reactor, stored, version)), ())
        for customer_id, stored, version in await connection.execute(_STARTS, {"only": None})
    }
    customer, state, versions = "", reactor.state(), set[str]()
    async for row, after in _steps(connection, reactor, policies, None):
        if row.customer_id != customer:
            if customer:
                folded[customer] = canonical(state), tuple(sorted(versions))
            customer, versions = row.customer_id, set()
        state = after
        if row.type not in NOTES:
            versions.add(row.code_version)
    if customer:
        folded[customer] = canonical(state), tuple(sorted(versions))
    return folded


async def _steps(
    connection: AsyncConnection,
    reactor: Reactor[Any],
    policies: dict[str, Any],
    only: list[str] | None,
) -> AsyncIterator[tuple[Any, Any]]:
    """Yield each row and the state after it, customer by customer, each from its start on."""
    starts = {
        customer_id: (stored, version)
        for customer_id, stored, version in await connection.execute(_STARTS, {"only": only})
    }
    customer, state = "", reactor.state()
    async for row in await connection.stream(_ROWS, {"only": only}):
        if row.customer_id != customer:
            customer = row.customer_id
            start = starts.get(customer)
            state = reactor.state() if start is None else upcast(reactor, *start)
        if row.type not in NOTES:
            today = replace(reactor, policy=policies[row.policy_digest])
            state = _decide(today, state, _event(row), row.now)
        yield row, state


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
