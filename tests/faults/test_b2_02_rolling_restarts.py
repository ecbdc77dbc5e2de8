"""RELIABILITY.md B.2, 2: twenty rolling restarts by SIGTERM under load; nothing leaves twice, no caller sees a 5xx."""

import itertools
import json
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx2
import pytest

from shared.clock import SystemClock
from shared.development_tokens import development_token
from shared.local import free_port
from shared.local.cluster import dev_key
from tests.faults import load
from tests.faults.roundabout import Roundabout
from tests.faults.world import World, note
from tests.waiting import eventually

SEED = 22
ROUNDS = 5
"""Each restarts one member of two services at a time, then the other members: twenty restarts in all."""
PAIRS = (("scheduler", "notifier"), ("scheduler-2", "notifier-2"))
CUSTOMERS, SECONDS = 700, 75
STOP_SECONDS = 10.0


@pytest.mark.faults
@pytest.mark.timeout(290)
def test_b2_02_twenty_rolling_restarts_double_nothing_and_no_caller_sees_a_5xx(faults_folder: Path):
    note(f"seed {SEED}")
    members = {"scheduler-2": "scheduler", "notifier-2": "notifier"}
    fronts = {name: free_port() for name in ("scheduler", "notifier")}
    callbacks = {name: f"http://127.0.0.1:{port}" for name, port in fronts.items()}
    world = World(faults_folder / "rolling", members=members, second_step_in=60)
    world.cluster.extra_env = {
        **world.cluster.extra_env,
        "ARREARS_SANDBOX_CALLBACK_BASE": json.dumps(callbacks),
    }
    with world.running(), ExitStack() as stack:
        roundabouts = {}
        for name, port in fronts.items():
            roundabouts[name] = Roundabout([world.cluster.url(m) for m in (name, f"{name}-2")])
            stack.enter_context(roundabouts[name].listening(port))
        world.play(load.plan(world.bank("R"), seed=SEED, customers=CUSTOMERS, seconds=SECONDS))
        asking = stack.enter_context(Asking(world, callbacks))
        eventually(lambda: world.handed_over() > 20, seconds=60)
        stops: list[float] = []
        for _, pair in itertools.product(range(ROUNDS), PAIRS):
            stops += restart(world, pair)
        note(f"{len(stops)} restarts, the longest stop {max(stops):.1f} s")
        assert len(stops) == 20
        assert max(stops) <= STOP_SECONDS
        world.drain(seconds=120)
        asking.stop()
        verdict = world.judge("--least", "300")
        for name, roundabout in roundabouts.items():
            note(f"{name}: {dict(roundabout.answers)}, {roundabout.handed_on} handed on")
            assert sum(n for status, n in roundabout.answers.items() if status >= 500) == 0
            assert roundabout.answers[200] > 50
        assert roundabouts["notifier"].answers[202] > 100, "outcomes must have come this way"
        assert verdict["repeated_requests"] == 0, "an effect was handed over again"
        assert not world.ended()
        assert world.differences() == []


def restart(world: World, names: tuple[str, ...]) -> list[float]:
    """End the processes in order and start them again; answers how long each took to end."""
    processes = [world.cluster.processes[name] for name in names]
    began = time.monotonic()
    took: list[float] = []
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        eventually(lambda process=process: process.poll() is not None, seconds=40)  # type: ignore[misc]
        took.append(time.monotonic() - began)
    for name in names:
        world.cluster.start_process(name)
    world.cluster.wait_ready()
    note(
        f"{names} stopped after {[round(each, 1) for each in took]} s, ready after {time.monotonic() - began:.1f} s"
    )
    return took


class Asking:
    """Somebody who looks at cases and work lists all the time, through the roundabouts."""

    def __init__(self, world: World, urls: dict[str, str]) -> None:
        token = development_token(
            dev_key(world.cluster.folder), SystemClock(), ["operator"], regions=["*"]
        )
        self._headers = {"Authorization": f"Bearer {token}"}
        self._urls = list(urls.values())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(20)

    def _run(self) -> None:
        with httpx2.Client(headers=self._headers, timeout=30) as client:
            for url in itertools.cycle(self._urls):
                if self._stopping.wait(0.1):
                    return
                client.get(f"{url}/cases?limit=20")
                client.get(f"{url}/worklist")
