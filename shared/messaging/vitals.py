"""How a consumer fares: what liveness and readiness are judged by. Liveness is progress, not that a task exists."""

from collections.abc import Collection
from time import monotonic

from aiokafka import TopicPartition


class Vitals:
    """Marks that the loop sets; instants are seconds of the machine's monotonic clock."""

    def __init__(self) -> None:
        self.assignment: frozenset[TopicPartition] = frozenset()
        self.gave_back = ""
        self.last_error = ""
        self.batches = 0
        self.failures = 0
        self._turned_at = self._connected_at = monotonic()
        self._waiting_since: float | None = None
        self._has_assignment = False
        self._out_of_range: dict[TopicPartition, str] = {}

    def turned(self) -> None:
        """The loop went on: a poll returned, or an attempt ended."""
        self._turned_at = monotonic()

    def connected(self) -> None:
        """A client is connected and waits for its assignment."""
        self.turned()
        self._connected_at = monotonic()
        self._wait()

    def disconnected(self) -> None:
        """The broker does not answer: no reason to restart the process."""
        self._waiting_since = None

    def failed(self, error: Exception) -> None:
        """An attempt failed, and another one follows: that is progress of the loop, not of the work."""
        self.turned()
        self.failures += 1
        self.last_error = type(error).__name__

    def saved(self) -> None:
        """A batch was saved."""
        self.turned()
        self.last_error = ""
        self.batches += 1

    def committed(self) -> None:
        """What was saved is committed."""
        self.last_error = ""

    def assigned(self, tps: Collection[TopicPartition]) -> None:
        """The group gave us these partitions; none is an assignment too."""
        self.assignment = frozenset(tps)
        self._has_assignment = True
        self._waiting_since = None
        self.last_error = ""

    def revoked(self) -> None:
        """A rebalance began, or the client is gone."""
        self._wait()
        self.assignment = frozenset()
        self._has_assignment = False
        self._out_of_range.clear()

    def lost_range(self, tp: TopicPartition, position: int, kept: range) -> None:
        """Records that we had not read are gone, or the log was cut off before our position."""
        if position < kept.start:
            missing = f"{position} to {kept.start - 1}"
        else:
            missing = f"{kept.stop} to {position - 1}"
        self._out_of_range[tp] = f"{tp.topic}[{tp.partition}] offsets {missing} are missing"

    def standing(self) -> frozenset[int]:
        """The partition numbers that are not read, because records are missing."""
        return frozenset(tp.partition for tp in self._out_of_range)

    def turned_for(self) -> float:
        """Seconds since the loop last went on."""
        return 0.0 if self.gave_back else monotonic() - self._turned_at

    def unassigned_for(self) -> float:
        """Seconds without an assignment although the broker answers; 0 while there is one."""
        return 0.0 if self._waiting_since is None else monotonic() - self._waiting_since

    def waited_for(self) -> float:
        """The same, of the present connection alone."""
        return min(self.unassigned_for(), monotonic() - self._connected_at)

    def unready(self) -> list[str]:
        """Say why the service cannot do its work; empty when it can."""
        reasons = sorted(self._out_of_range.values())
        if self.gave_back:
            reasons.append(f"gave its partitions back: {self.gave_back}")
        if not self._has_assignment and not self.gave_back:
            reasons.append("has no partitions assigned")
        if self.last_error:
            reasons.append(f"the last attempt failed: {self.last_error}")
        return reasons

    def _wait(self) -> None:
        if self._waiting_since is None:
            self._waiting_since = monotonic()
