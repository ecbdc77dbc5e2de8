"""The Kafka loop: fetch, hand the batch to the shell, and only then commit the offsets.

At least once, in order within a partition; the inbox drops the repeats. DESIGN.md, section 2, says what taught each rule.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from time import monotonic

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from shared import killpoints
from shared.messaging.broker import Reach
from shared.messaging.kafka import FAILURES, REBALANCE_SECONDS, REQUEST_SECONDS
from shared.messaging.member import Member, Places, Positions, kept_ranges, record_of
from shared.messaging.records import Record
from shared.messaging.vitals import Vitals

log = structlog.get_logger(__name__)

Handle = Callable[[Sequence[Record]], Awaitable[None]]
Settle = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]
Fetched = Mapping[TopicPartition, Sequence[ConsumerRecord]]

POLL_BOUND_SECONDS = 10.0
HANDLE_SECONDS = REBALANCE_SECONDS - 5
UNASSIGNED_SECONDS = 90.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0


class GiveBack(Exception):
    """The handler cannot work on these partitions at all: leave them to another member."""


class UnassignedTooLong(TimeoutError):
    """The group gave us no partitions for a long time: connect anew."""


class Consumer:
    """
    A service's place in its group; start() begins, stop() finishes the batch in hand and leaves.

    *handle* saves a batch or raises: then the same batch is handed in again, with back-off, unless it raises
    GiveBack: then we leave the group for good. *settle* hears of positions behind the last record saved,
    where a log ends in something that is no record. *assigned* hears of the partition numbers owned.
    *places* answers up to where partitions are saved: committed offsets ahead of it are not believed.

    `saved` is the offset per partition below which every record is saved, of the partitions held now.
    """

    def __init__(
        self,
        bootstrap: Reach,
        group: str,
        topics: Sequence[str],
        handle: Handle,
        *,
        partitions: int,
        settle: Settle | None = None,
        assigned: Callable[[Collection[int]], None] = lambda _: None,
        max_records: int = 500,
        places: Places | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._tps = [TopicPartition(topic, p) for topic in topics for p in range(partitions)]
        self._handle = handle
        self._settle = settle
        self._on_assigned = assigned
        self._max_records = max_records
        self._places = places
        self._stopping = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._batch = asyncio.Lock()
        self._let_go = asyncio.Event()
        self._generation = 0
        self._uncommitted: Positions = {}
        self._task: asyncio.Task[None] | None = None
        self._reason_to_leave = ""
        self.saved: Positions = {}
        self.vitals = Vitals()

    def owned(self) -> frozenset[int]:
        """The partition numbers that we hold, the same in each topic; none while a rebalance runs."""
        return frozenset(tp.partition for tp in self.vitals.assignment) - self.vitals.standing()

    def start(self) -> None:
        """Begin to consume in a task of its own."""
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._group}")

    async def stop(self, *, within: float = 30.0) -> None:
        """Finish the batch in hand, commit, leave the group; after *within* seconds, cut it off."""
        self._stopping.set()
        self._let_go.set()
        self._open.set()
        if self._task is None:
            return
        done, _ = await asyncio.wait([self._task], timeout=within)
        if not done:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=2 * REQUEST_SECONDS)

    async def pause(self) -> None:
        """Hand in nothing more; returns when nothing is in hand. We stay in the group."""
        self._open.clear()
        async with self._batch:
            pass

    def resume(self) -> None:
        """Undo pause()."""
        self._open.set()

    def give_back(self, reason: str) -> None:
        """Leave the group for good after the batch in hand: this code must not decide these cases."""
        self._reason_to_leave = reason

    async def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            began = monotonic()
            try:
                await self._be_a_member()
            except GiveBack as given:
                self.vitals.gave_back = str(given)
                log.error("partitions_given_back", group=self._group, reason=str(given))  # noqa: TRY400
                await self._stopping.wait()
            except Exception as error:
                self.vitals.failed(error)
                log.exception("consumer_failed", group=self._group, again_in=wait)
            if monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            await _set_within(self._stopping, wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _be_a_member(self) -> None:
        try:
            member = await Member.open(
                self._bootstrap,
                self._group,
                self._tps,
                client_id=self._group,
                revoked=self._revoked,
                assigned=self._assigned,
                places=self._places,
            )
        except FAILURES:
            self.vitals.disconnected()
            raise
        self.vitals.connected()
        try:
            while not self._stopping.is_set():
                await self._turn(member)
        finally:
            self._forget()
            await member.close()

    async def _turn(self, member: Member) -> None:
        generation, fetched = await self._poll(member)
        if self._reason_to_leave:
            raise GiveBack(self._reason_to_leave)
        await self._open.wait()
        if self._stopping.is_set():
            return
        async with self._batch:
            if generation != self._generation or self._let_go.is_set():
                return  # fetched before a rebalance: positions begin again at what is committed
            if fetched:
                records = [record_of(r) for batch in fetched.values() for r in batch]
                if not await self._save(records):
                    return
                killpoints.reach("consumer.after_save", in_hand=len(records))
                for tp, batch in fetched.items():
                    self._uncommitted[tp] = self.saved[tp] = batch[-1].offset + 1
            else:
                await self._settle_ends(member)
            await self._commit(member)

    async def _poll(self, member: Member) -> tuple[int, Fetched]:
        """Fetch; comes back early when stopped, and empty when a rebalance takes long."""
        poll = asyncio.ensure_future(self._fetch(member))
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(
                {poll, stop}, timeout=POLL_BOUND_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stop.cancel()
            if not poll.done():
                poll.cancel()
        if self.vitals.waited_for() > UNASSIGNED_SECONDS:
            raise UnassignedTooLong(f"no assignment for {UNASSIGNED_SECONDS:.0f} s")
        try:
            return await poll
        except asyncio.CancelledError:
            if not poll.cancelled():
                raise
        except OffsetOutOfRangeError as error:
            await self._stand_still(member, *error.args)
        return self._generation, {}

    async def _fetch(self, member: Member) -> tuple[int, Fetched]:
        fetched = await member.fetch(self._max_records)
        # no await in between: the records belong to the assignment of this generation
        generation = self._generation
        self.vitals.turned()
        return generation, fetched

    async def _save(self, records: list[Record]) -> bool:
        """
        Hand in the same batch until it is saved: the fetch position has moved on, so letting go would lose it.

        After a failure it is let go when we stop or a rebalance waits: nothing was committed, so it comes again.
        """
        wait = FIRST_WAIT
        while True:
            try:
                async with asyncio.timeout(HANDLE_SECONDS):
                    await self._handle(records)
            except GiveBack:
                raise
            except Exception as error:
                self.vitals.failed(error)
                log.exception(
                    "batch_not_saved", group=self._group, records=len(records), again_in=wait
                )
            else:
                self.vitals.saved()
                return True
            if await _set_within(self._let_go, wait):
                return False
            wait = min(2 * wait, LONGEST_WAIT)

    async def _settle_ends(self, member: Member) -> None:
        beyond = await member.beyond(self.saved)
        if not beyond:
            return
        try:
            if self._settle is not None:
                await self._settle(beyond)
        except Exception:
            log.exception("ends_not_settled", group=self._group)
        else:
            self.saved |= beyond

    async def _commit(self, member: Member) -> None:
        if not self._uncommitted:
            return
        try:
            await member.commit(self._uncommitted)
        except FAILURES as error:
            self.vitals.failed(error)
            log.warning("offsets_not_committed", group=self._group, error=type(error).__name__)
            return  # the next turn tries again
        self._uncommitted.clear()
        self.vitals.committed()

    async def _stand_still(self, member: Member, positions: Positions) -> None:
        """Stop reading these partition numbers in every topic: a customer's facts are missing there."""
        for tp, kept in (await kept_ranges(self._bootstrap, positions)).items():
            self.vitals.lost_range(tp, positions[tp], kept)
        log.error("offsets_out_of_range", group=self._group, missing=self.vitals.unready())
        member.pause(self.vitals.standing())
        self._on_assigned(self.owned())

    async def _revoked(self) -> None:
        """Hold the rebalance back until the batch in hand is saved and committed."""
        self._let_go.set()
        async with self._batch:
            self._forget()

    def _assigned(self, positions: Positions) -> None:
        if not self._stopping.is_set():
            self._let_go.clear()
        self.saved = positions
        self.vitals.assigned(positions)
        self._on_assigned(self.owned())
        log.info("partitions_assigned", group=self._group, partitions=sorted(self.owned()))

    def _forget(self) -> None:
        self._generation += 1
        self._uncommitted.clear()
        self.saved = {}
        self.vitals.revoked()
        self._on_assigned(())


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
