"""The demo from start to end: parts, portfolio, stepped time, comparison with the replay, summary."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.demo import show, verdict
from shared.demo.driver import Driver
from shared.demo.live import published, states
from shared.demo.memory import proportional_bytes
from shared.events.envelope import Event
from shared.events.jsonl import write_line
from shared.events.registry import SERVICES
from shared.local import LocalPartError
from shared.local.cluster import SANDBOX, Cluster
from shared.local.up import erase
from shared.messaging.publisher import Publisher
from shared.messaging.topics import ensure_topics
from shared.portfolio import generate
from shared.replay.reading import read
from shared.replay.run import Replayed, all_reactors, replay
from shared.services import standing, strategy
from shared.settings import DEFAULT_PARTITIONS
from shared.signals import catch_signals
from shared.stepper import StepClient


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What the demo is asked for; `plant` spoils the live side of the comparison, to prove it; `packs`: other rules."""

    customers: int
    days: int
    seed: int
    start: date
    leave: bool
    plant: str = ""
    packs: Path | None = None


def run(settings: DemoSettings, folder: Path) -> int:
    """Run the demo with its data under *folder*; answers the exit status."""
    console = Console()
    began = time.monotonic()
    rules = {"ARREARS_PACKS": str(settings.packs.resolve())} if settings.packs else {}
    cluster = Cluster(folder, stepped=True, seed=settings.seed, extra_env=rules)
    erase(folder)
    catch_signals()
    try:
        cluster.start(
            lambda text: console.print(f"[dim]{time.monotonic() - began:6.1f} s[/] {text}")
        )
        status = asyncio.run(_live(settings, cluster, console, began))
        if not settings.leave:
            _stay(cluster, console)
    except LocalPartError as error:
        console.print(f"[red]{error}[/]")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    else:
        return status
    finally:
        cluster.stop()


async def _live(settings: DemoSettings, cluster: Cluster, console: Console, began: float) -> int:
    events = sorted(
        generate(
            customers=settings.customers,
            days=settings.days,
            seed=settings.seed,
            start=settings.start,
        ),
        key=lambda event: (event.time, event.source, event.id),
    )
    path = cluster.folder / "core-banking.jsonl"
    path.write_bytes(b"".join(write_line(event) for event in events))
    until = datetime.combine(settings.start, datetime.min.time(), UTC) + timedelta(
        days=settings.days
    )
    console.print(
        f"{settings.customers:,} customers, {len(events):,} facts of core banking, "
        f"{settings.days} days from {settings.start}"
    )
    stepping = time.monotonic()
    driver, memory = await step(cluster, events, until, console, began)
    seconds = time.monotonic() - stepping
    console.print(
        f"{settings.days} days passed in {seconds:.1f} s: {driver.instants:,} instants, "
        f"{driver.rounds:,} rounds; all processes together held {memory / 2**30:.2f} GiB (PSS)"
    )
    live_events = await published(cluster.broker(), DEFAULT_PARTITIONS)
    live_states = await states(cluster.database_url)
    replaying = time.process_time()
    replayed = replay(
        read(path),
        reactors=all_reactors(strategy(None, settings.packs)),
        standing=standing(),
        seed=settings.seed,
        until=until,
    )
    console.print(f"replayed in {time.process_time() - replaying:.1f} CPU seconds")
    show.summary(console, replayed.summary)
    customer_id = _telling(replayed)
    story = [event for _, event in live_events if event.subject == customer_id]
    story += [event for event in events if event.subject == customer_id]
    show.timeline(console, customer_id, sorted(story, key=lambda event: event.time))
    lawful = await verdict.lawful(console, cluster.database_url, strategy(None, settings.packs))
    same = verdict.status(
        console,
        events,
        (live_events, live_states),
        replayed,
        demanded=verdict.demanded(settings.customers, settings.days),
        plant=settings.plant,
    )
    return same if lawful else 1


async def step(
    cluster: Cluster,
    events: list[Event],
    until: datetime,
    console: Console,
    began: float | None = None,
) -> tuple[Driver, int]:
    """Step through time; answers the driver, with its counts, and the most memory seen (bytes)."""
    memory, stepping = 0, time.monotonic()
    first_case: float | None = None
    async with AsyncExitStack() as stack:
        await ensure_topics(cluster.broker(), DEFAULT_PARTITIONS)
        publisher = await stack.enter_async_context(Publisher(cluster.broker()))
        clients = {
            name: await stack.enter_async_context(StepClient(cluster.step_ports[name]))
            for name in SERVICES
        }
        sandbox = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=cluster.url(SANDBOX), timeout=60)
        )
        driver = Driver(publisher, clients, sandbox)
        bar = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                console=console,
                disable=not console.is_terminal,
            )
        )
        first = events[0].time
        task = bar.add_task("", total=max(1.0, (until - first).total_seconds()))

        def on_instant(now: datetime) -> None:
            nonlocal memory, first_case
            if first_case is None:
                first_case = time.monotonic() - (began or stepping)
                console.print(f"first cases after {first_case:.1f} s")
            if driver.instants % 50 == 1:
                memory = max(memory, proportional_bytes())
            bar.update(
                task,
                completed=(now - first).total_seconds(),
                description=f"{now:%Y-%m-%d %H:%M} UTC, {driver.instants} instants",
            )

        await driver.run(events, until, on_instant)
    return driver, max(memory, proportional_bytes())


def _telling(replayed: Replayed) -> str:
    """Choose the customer whose story has the most kinds of events: the one worth reading."""
    kinds: dict[str, set[str]] = {}
    for entry in replayed.published:
        kinds.setdefault(entry.customer_id, set()).add(entry.event.type)
    return max(sorted(kinds), key=lambda customer_id: len(kinds[customer_id]), default="")


def _stay(cluster: Cluster, console: Console) -> None:
    for name in SERVICES:
        console.print(f"{name:10} {cluster.url(name)}/readyz   {cluster.url(name)}/docs")
    console.print("Ctrl-C ends it")
    cluster.watch()
