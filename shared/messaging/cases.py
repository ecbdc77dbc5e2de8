"""The case rows: make the missing ones, lock them in one order, read and save states."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.decision import Reactor
from shared.messaging.causes import Cause
from shared.messaging.columns import joined, split
from shared.messaging.partitions import partition_of


class StateTooNew(RuntimeError):
    """A stored state was written by newer code: this process must not decide; give the partition back."""


class CaseMissing(RuntimeError):
    """A case that was there is gone: somebody restored the database; the batch is to be handed in again."""


@dataclass(slots=True)
class Case:
    """
    A locked case. `stored` is the state as JSON until it is first needed; `cause` what the last fact that was
    decided came from, which ticks go on from; `dirty` that the row must be saved;
    `link` the head of the case's chain in the inbox (shared/audit/chain.py).
    """

    customer_id: str
    partition: int
    stored: str
    version: int
    case_seq: int
    last_now: datetime
    wake_at: datetime | None
    parked_by: set[str]
    link: bytes
    cause: Cause
    state: Any = None
    changed: bool = False
    dirty: bool = False
    parking_changed: bool = False

    def next_seq(self) -> int:
        """Raise the counter of what was handed in for this case."""
        self.case_seq += 1
        self.dirty = True
        return self.case_seq


_INSERT = text("""
    INSERT INTO cases (customer_id, partition, stage, state, state_version, wake_at)
    SELECT customer_id, partition, :stage, CAST(:state AS jsonb), :version, CAST(:wake_at AS timestamptz)
    FROM unnest(CAST(:ids AS text[]), CAST(:partitions AS int[])) AS v (customer_id, partition)
    ON CONFLICT DO NOTHING
""")

_COLUMNS = "customer_id, partition, state::text, state_version, case_seq, last_now, wake_at, parked_by, link, cause"

_LOCK = text(f"""
    SELECT {_COLUMNS} FROM cases WHERE customer_id = ANY(CAST(:ids AS text[]))
    ORDER BY customer_id FOR UPDATE
""")  # noqa: S608  a constant

_DUE = text(f"""
    SELECT {_COLUMNS} FROM cases WHERE customer_id = ANY(ARRAY(
        SELECT due.customer_id
        FROM unnest(CAST(:partitions AS int[])) AS p (partition), LATERAL (
            SELECT customer_id FROM cases
            WHERE cases.partition = p.partition AND wake_at <= :now AND parked_by = '{{}}'
            ORDER BY wake_at LIMIT :each) AS due))
      AND wake_at <= :now AND parked_by = '{{}}'
    ORDER BY customer_id FOR UPDATE SKIP LOCKED
""")  # noqa: S608  a constant

_DUE_IDS = text("""
    SELECT customer_id FROM cases
    WHERE wake_at IS NOT NULL AND wake_at <= :now AND parked_by = '{}' ORDER BY customer_id
""")

_SAVE = text(f"""
    UPDATE cases SET state = coalesce(CAST(v.state AS jsonb), cases.state), state_version = v.version,
        stage = coalesce(v.stage, cases.stage), case_seq = v.case_seq, last_now = v.last_now, wake_at = v.wake_at,
        link = v.link, cause = v.cause,
        region = coalesce(v.region, cases.region), portfolio = coalesce(v.portfolio, cases.portfolio)
    FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[]), CAST(:versions AS int[]), CAST(:stages AS text[]),
        CAST(:seqs AS bigint[]), CAST(:nows AS timestamptz[]), CAST(:wakes AS timestamptz[]), CAST(:links AS bytea[]),
        {split("causes")}, CAST(:regions AS text[]), CAST(:portfolios AS text[]))
        AS v (customer_id, state, version, stage, case_seq, last_now, wake_at, link, cause, region, portfolio)
    WHERE cases.customer_id = v.customer_id
""")  # noqa: S608  constants

_PARK = text("UPDATE cases SET parked_by = CAST(:by AS text[]) WHERE customer_id = :id")


class Cases:
    """The cases of one service, as its reactor knows them."""

    def __init__(self, reactor: Reactor[Any], partitions: int) -> None:
        self.reactor = reactor
        self.partitions = partitions
        self._decoder = msgspec.json.Decoder(reactor.state)
        self._encoder = msgspec.json.Encoder()

    async def create(self, tx: AsyncConnection, customer_ids: list[str]) -> None:
        """Make the rows that are missing, in one order: unsorted, overlapping batches deadlock."""
        customer_ids = sorted(customer_ids)
        initial = self.reactor.state()
        await tx.execute(
            _INSERT,
            {
                "ids": customer_ids,
                "partitions": [partition_of(c, self.partitions) for c in customer_ids],
                "stage": initial.stage,
                "state": self._encoder.encode(initial).decode(),
                "version": self.reactor.state_version,
                "wake_at": initial.wake_at,
            },
        )

    async def lock(self, tx: AsyncConnection, customer_ids: list[str]) -> dict[str, Case]:
        """Lock rows that exist, in order of customer_id; raises StateTooNew, CaseMissing."""
        found = self._read(await tx.execute(_LOCK, {"ids": customer_ids}))
        if len(found) != len(customer_ids):
            raise CaseMissing(
                f"{len(customer_ids) - len(found)} cases of {self.reactor.name} are gone"
            )
        return found

    async def lock_due(
        self, tx: AsyncConnection, now: datetime, partitions: list[int], limit: int
    ) -> dict[str, Case]:
        """Lock up to about *limit* due cases of the partitions, each partition's share; skips locked ones."""
        each = max(1, -(-limit // len(partitions)))
        return self._read(
            await tx.execute(_DUE, {"now": now, "partitions": partitions, "each": each})
        )

    async def due(self, tx: AsyncConnection, now: datetime) -> list[str]:
        """Name every case that is due, sorted."""
        return list(await tx.scalars(_DUE_IDS, {"now": now}))

    def _read(self, rows: Iterable[Any]) -> dict[str, Case]:
        cases = {}
        for (
            customer_id,
            partition,
            stored,
            version,
            case_seq,
            last_now,
            wake_at,
            by,
            link,
            cause,
        ) in rows:
            if version > self.reactor.state_version:
                raise StateTooNew(
                    f"a state of {self.reactor.name} has version {version}, "
                    f"and this code knows {self.reactor.state_version}"
                )
            cases[customer_id] = Case(
                customer_id=customer_id,
                partition=partition,
                stored=stored,
                version=version,
                case_seq=case_seq,
                last_now=last_now,
                wake_at=wake_at,
                parked_by=set(by),
                link=link,
                cause=Cause.read(cause),
            )
        return cases

    def state_of(self, case: Case) -> Any:
        """Answer the case's state, decoded and brought up to this code's version when first needed.

        Raises what a state raises that cannot be decoded.
        """
        if case.state is None:
            if case.version == self.reactor.state_version:
                case.state = self._decoder.decode(case.stored)
            else:
                case.state = upcast(self.reactor, case.stored, case.version)
                case.version = self.reactor.state_version
                case.changed = case.dirty = True
        return case.state

    def put(self, case: Case, state: Any, now: datetime) -> None:
        """Replace the state in memory, and note that it must be saved."""
        if state != case.state:
            case.changed = True
        case.state = state
        case.wake_at = state.wake_at
        case.last_now = now
        case.dirty = True

    async def save(self, tx: AsyncConnection, cases: Iterable[Case]) -> None:
        """Save what changed: one UPDATE, however many events each case met."""
        dirty = [case for case in cases if case.dirty]
        if dirty:
            encode = self._encoder.encode
            await tx.execute(
                _SAVE,
                {
                    "ids": [c.customer_id for c in dirty],
                    "states": [encode(c.state).decode() if c.changed else None for c in dirty],
                    "versions": [c.version for c in dirty],
                    "stages": [c.state.stage if c.changed else None for c in dirty],
                    "seqs": [c.case_seq for c in dirty],
                    "nows": [c.last_now for c in dirty],
                    "wakes": [c.wake_at for c in dirty],
                    "links": [c.link for c in dirty],
                    "causes": joined(c.cause.stored() for c in dirty),
                    "regions": [c.state.region or None if c.changed else None for c in dirty],
                    "portfolios": [c.state.portfolio or None if c.changed else None for c in dirty],
                },
            )
        for case in cases:
            if case.parking_changed:
                await tx.execute(_PARK, {"id": case.customer_id, "by": sorted(case.parked_by)})


def upcast(reactor: Reactor[Any], stored: str, version: int) -> Any:
    """Bring a stored state of an older *version* up to the reactor's, step by step; raises LookupError."""
    plain = msgspec.json.decode(stored)
    for step in range(version, reactor.state_version):
        if step not in reactor.upcasters:
            raise LookupError(f"{reactor.name} has no upcaster from state version {step}")
        plain = reactor.upcasters[step](plain)
    return msgspec.json.decode(msgspec.json.encode(plain), type=reactor.state)
