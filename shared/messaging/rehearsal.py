"""Rehearse a release: decide the queue and the tick behind it as they would be now, in a transaction that is rolled back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.batch import Batch, Sorter
from shared.messaging.cases import Case
from shared.messaging.releasing import Step, decide_again, release_customer, state_of, step_of
from shared.messaging.transaction import Kit, Transaction

MOST_STEPS = 200
"""So many places of the queue are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Started:
    """An effect that the tick would start: references only."""

    kind: str
    effect_id: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """An event that the tick would publish; `data` is its content, references only."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ahead:
    """
    The tick behind a release: what it would publish, start and withdraw, and where the case would stand.

    `error` says why it would fail, `parked_by` which other services park the customer: then no tick comes.
    """

    publishes: list[Said]
    starts: list[Started]
    withdraws: list[str]
    stage: str
    wake_at: datetime | None
    parked_by: list[str]
    error: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a release would come to: `decided` places, `left` ones and the `error` that stops it there."""

    customer_id: str
    decided: int
    left: int
    error: str
    steps: list[Step]
    tick: Ahead | None


async def rehearse_customer(
    tx: AsyncConnection,
    kit: Kit,
    sorter: Sorter,
    locked: dict[str, Case],
    customer_id: str,
    now: datetime,
) -> Rehearsal | None:
    """Release in *tx*, which the caller rolls back; None for a customer who is not parked here."""
    steps: list[Step] = []
    released = await release_customer(
        tx, kit, sorter, locked, customer_id, now, discard=False, steps=steps
    )
    if released is None:
        return None
    tick = None if released.error else _tick(tx, kit, locked[customer_id], now)
    return Rehearsal(
        customer_id, released.decided, released.left, released.error, steps[:MOST_STEPS], tick
    )


async def rehearse_loose(
    tx: AsyncConnection, kit: Kit, locked: dict[str, Case], batch: Batch, now: datetime
) -> Rehearsal:
    """Decide a record that parks nobody in *tx*, which the caller rolls back."""
    customer_id = next(iter(locked), "")
    case = locked.get(customer_id)
    before = None if case is None else state_of(kit.cases, case)
    error = await decide_again(tx, kit, locked, batch, now)
    steps = [step_of(batch, case, before, kit.cases, error)]
    tick = None if error or case is None else _tick(tx, kit, case, now)
    return Rehearsal(customer_id, int(not error), int(bool(error)), error, steps, tick)


def _tick(tx: AsyncConnection, kit: Kit, case: Case, now: datetime) -> Ahead:
    work = Transaction(tx, kit, {case.customer_id: case}, now)
    folding = work.folding
    others = sorted(case.parked_by)
    if not others:
        folding.tick_due(lambda _: True)
    if folding.failures:
        error = folding.failures[0].error
        return Ahead([], [], [], getattr(case.state, "stage", ""), case.wake_at, [], error)
    return Ahead(
        publishes=[Said(row.type, msgspec.json.decode(row.payload)) for row in folding.outbox],
        starts=[
            Started(
                start.effect.kind,
                start.effect.effect_id,
                start.effect.not_before,
                start.effect.not_after,
            )
            for start in folding.effects
        ],
        withdraws=list(folding.withdrawn),
        stage=getattr(case.state, "stage", ""),
        wake_at=case.wake_at,
        parked_by=others,
        error="",
    )
