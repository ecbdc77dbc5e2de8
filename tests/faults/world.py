"""The whole system in real time for a fault run: every process real, a load from outside, a drain, and the judge."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from shared.clock import SystemClock
from shared.db import engine_for
from shared.events.envelope import Event
from shared.events.registry import SERVICES
from shared.local.cluster import Cluster
from shared.messaging.publisher import Publisher
from shared.messaging.recorded import replay_recorded
from shared.messaging.topics import topics_of
from shared.sandbox.log import read as read_log
from shared.sandbox.outcomes import outcomes
from shared.services import parts
from tests.faults import broker, load
from tests.waiting import eventually

JUDGE = Path(__file__).with_name("judge.py")
SEED = 11

_STATUS = """
    SELECT (SELECT count(*) FROM {0}.outbox) AS outbox,
           (SELECT count(*) FROM {0}.effects WHERE status IN ('pending', 'sending')) AS effects,
           (SELECT count(*) FROM {0}.cases WHERE wake_at <= now() AND parked_by = '{{}}') AS due,
           (SELECT count(*) FROM {0}.inbox) AS inbox
"""


class World:
    """
    One run. `second_step_at` is when the ladder's last step falls due for everybody (None: not in this run).

    `expected_open` effects stay pending at the end: those of parked customers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        members: Mapping[str, str] | None = None,
        sandbox: Mapping[str, str] | None = None,
        second_step_in: float | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        self.folder = folder
        now = SystemClock().now()
        self.zone = load.zone_of_noon(now)
        self.second_step_at: datetime | None = None
        if second_step_in is not None:
            self.second_step_at = (now + timedelta(seconds=second_step_in)).replace(microsecond=0)
        strategy = folder / "strategy.yaml"
        strategy.write_text(load.strategy(self.zone, self.second_step_at), encoding="utf-8")
        self.kill_log = folder / "kills.jsonl"
        self.cluster = Cluster(
            folder / "cluster",
            seed=SEED,
            members=dict(members or {}),
            extra_env={
                "ARREARS_STRATEGY": str(strategy),
                "ARREARS_SANDBOX_TIME_SCALE": "0",
                "ARREARS_KILL_LOG": str(self.kill_log),
                **(sandbox or {}),
            },
        )
        self._player: subprocess.Popen[bytes] | None = None
        self.expected_open = 0

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Run it while the body does."""
        began = time.monotonic()
        try:
            self.cluster.start()
            note(f"ready after {time.monotonic() - began:.1f} s, zone {self.zone}")
            yield self
        finally:
            if self._player is not None:
                self._player.kill()
                self._player.wait()
            self.cluster.stop()

    def bank(self, prefix: str) -> load.Bank:
        return load.Bank(prefix, self.zone)

    def play(self, plan: load.Plan) -> None:
        """Begin to publish *plan*, in a process of its own."""
        path = self.folder / "plan.jsonl"
        load.write(plan, path)
        with (self.folder / "player.log").open("ab") as output:
            self._player = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.player", str(path), self.cluster.kafka],
                stderr=output,
                cwd=Path(__file__).parents[2],
            )

    def plays(self) -> bool:
        """Tell whether the plan is still under way; fails when the player did."""
        assert self._player is not None
        status = self._player.poll()
        assert not status, f"the player ended with {status}: see {self.folder / 'player.log'}"
        return status is None

    def publish(self, events: Iterable[Event]) -> None:
        """Publish at once, with the present as their time."""
        now = SystemClock().now()
        timed = [msgspec.structs.replace(event, time=now) for event in events]

        async def send() -> None:
            async with Publisher(self.cluster.kafka) as publisher:
                await publisher.publish(timed)

        asyncio.run(send())

    def drain(self, *, seconds: float) -> None:
        """
        Wait until the plan is published and nothing is under way any more, in two looks at the same counts.

        Each look asks for the lag before it counts: a record that is taken in between is in the counts.
        """
        began = time.monotonic()
        last: list[Any] = []

        def quiet() -> bool:
            nonlocal last
            if self._player is not None and self.plays():
                time.sleep(0.3)
                return False
            waiting = [self.behind(), len(self.untold())]
            counts = self.counts()
            busy = [n for c in counts.values() for n in (c["outbox"], c["due"])]
            still = (
                not any(busy) and sum(c["effects"] for c in counts.values()) == self.expected_open
            )
            seen = [counts, self.handed_over(), waiting]
            settled = still and last == seen and not any(waiting)
            last = seen
            time.sleep(0.7)
            return settled

        try:
            eventually(quiet, seconds=seconds)
        except AssertionError:
            note(f"not drained: {last}, lag {self.behind()}, untold {len(self.untold())}")
            raise
        note(f"drained after {time.monotonic() - began:.1f} s: {last}")

    def counts(self) -> dict[str, dict[str, int]]:
        """Count what is under way, by service."""

        async def ask(connection: asyncpg.Connection) -> dict[str, dict[str, int]]:
            return {
                name: dict(await connection.fetchrow(_STATUS.format(name))) for name in SERVICES
            }

        return self.sql(ask)

    def sql(self, ask: Callable[[asyncpg.Connection], Any]) -> Any:
        """Run *ask* on a connection to the database."""

        async def run() -> Any:
            url = self.cluster.database_url.replace("+asyncpg", "")
            connection = await asyncpg.connect(url, timeout=10)
            try:
                return await ask(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    def rows(self, statement: str, *arguments: Any) -> list[Any]:
        return self.sql(lambda connection: connection.fetch(statement, *arguments))

    def behind(self) -> int:
        """Count the records that services still have to take in."""
        reads = {
            name: topics_of(parts(name).reactor, keeps_vault=parts(name).keeps_vault)
            for name in SERVICES
        }
        return asyncio.run(broker.lag(self.cluster.kafka, reads))

    def log(self) -> list[dict[str, Any]]:
        return list(read_log(self.cluster.folder / "sandbox.jsonl"))

    def handed_over(self) -> int:
        """Count the effects that left."""
        return sum(1 for line in self.log() if line["entry"] == "request" and line["first"])

    def untold(self) -> set[tuple[str, int]]:
        """Name the outcomes that the sandbox has still to tell, as (effect, number)."""
        log = self.log()
        told = {(line["effect_id"], line["nth"]) for line in log if line["entry"] == "webhook"}
        due = {
            (line["effect_id"], nth)
            for line in log
            if line["entry"] == "request" and line["first"]
            for nth in range(
                1, len(outcomes(SEED, line["effect_id"], line["kind"], valid_for(line)))
            )
        }
        return due - told

    def topics(self) -> Path:
        """Write down what stands in the topics."""
        path = self.folder / "topics.jsonl"
        asyncio.run(broker.dump(self.cluster.kafka, path))
        return path

    def judge(self, *options: str) -> dict[str, Any]:
        """Let the judge decide; fails with what it found."""
        arguments = ["--log", self.cluster.folder / "sandbox.jsonl", "--topics", self.topics()]
        done = subprocess.run(
            [sys.executable, "-I", str(JUDGE), *map(str, arguments), *options],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"
        verdict: dict[str, Any] = msgspec.json.decode(done.stdout)
        note(f"judge: {verdict}")
        return verdict

    def differences(self) -> list[str]:
        """Replay every inbox and answer what differs from the states."""

        async def run() -> list[str]:
            found = []
            for name in SERVICES:
                engine = engine_for(self.cluster.database_url, name, pool_size=1, name="recorded")
                try:
                    replayed = await replay_recorded(engine, parts(name).reactor)
                    found += [f"{name}: {difference}" for difference in replayed]
                finally:
                    await engine.dispose()
            return found

        return asyncio.run(run())

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.cluster.processes.items()}

    def ended(self) -> list[str]:
        """Name the processes that ended."""
        return [n for n, process in self.cluster.processes.items() if process.poll() is not None]


def valid_for(line: dict[str, Any]) -> timedelta | None:
    """Answer how long after its hand-over what a line of the provider's log tells could be delivered."""
    if line.get("validity_until") is None:
        return None
    until, left_at = (datetime.fromisoformat(line[x]) for x in ("validity_until", "received_at"))
    return until - left_at


def note(text: str) -> None:
    """Say what happens; pytest shows it when a test fails, or with -s."""
    sys.stdout.write(f"[{time.monotonic():.1f}] {text}\n")
    sys.stdout.flush()
