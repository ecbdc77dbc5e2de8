"""Let the services die at their kill points, one after the other, and start them again each time."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults import broker
from tests.faults.world import World, note

Agenda = dict[str, list[str]]
"""The kill points of each process, in their order, as ARREARS_KILL_AT wants them."""


class Supervisor:
    """`agenda` holds what is still to come; `deaths` what the kill log says."""

    def __init__(self, world: World, agenda: Mapping[str, Sequence[str]]) -> None:
        self._world = world
        self.agenda: Agenda = {name: list(points) for name, points in agenda.items()}
        self._under_way: set[str] = set()

    def start(self) -> None:
        """End each process in order, and start it again with its first kill point."""
        cluster = self._world.cluster
        for name in self.agenda:
            cluster.processes[name].send_signal(15)
        for name in self.agenda:
            cluster.processes[name].stop()
            self._start(name)
        cluster.wait_ready()

    def look(self) -> bool:
        """Start whatever died again; answers whether anything is still to come."""
        for name in self.agenda:
            if self._world.cluster.processes[name].poll() is None:
                continue
            assert name in self._under_way, f"{name} ended by itself: see its log"
            asyncio.run(broker.forget_members(self._world.cluster.kafka, name))
            self._start(name)
        return bool(self._under_way)

    def _start(self, name: str) -> None:
        self._under_way.discard(name)
        extra = {}
        if self.agenda[name]:
            extra = {"ARREARS_KILL_AT": self.agenda[name].pop(0)}
            self._under_way.add(name)
        note(f"{name} starts with {extra}")
        self._world.cluster.start_process(name, extra)

    @property
    def deaths(self) -> list[dict[str, object]]:
        """Read the kill log."""
        if not self._world.kill_log.exists():
            return []
        return [json.loads(line) for line in self._world.kill_log.read_text().splitlines()]

    def counts(self) -> Counter[str]:
        """Count the deaths with something in hand, by place."""
        return Counter(str(death["name"]) for death in self.deaths if death["in_hand"])  # type: ignore[misc]
