"""Judge a demo: live equals replay, and every situation that the portfolio was to show was met."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from shared.decision import CaseState
from shared.demo.compare import Difference, by_customer, compare, digests
from shared.events.core_banking import PaymentReceived, PaymentReversed
from shared.events.envelope import Event
from shared.events.legal import LegalFiled
from shared.events.registry import SERVICES
from shared.events.scheduler import CaseOpened, StepSkipped
from shared.events.visits import VisitScheduled
from shared.lawful.inboxes import audit
from shared.lawful.replayed import reporter
from shared.lawful.report import said
from shared.replay.run import Replayed
from shared.services import reactor

FULL_PORTFOLIO = 1000
FULL_DAYS = 180
MINIMUM = 10
MOST_SHOWN = 10
BACK_DATED_DAYS = 3
"""A payment that is recorded this many days after its value date counts as back-dated."""


Live = tuple[list[tuple[str, Event]], Mapping[tuple[str, str], CaseState]]
"""What a live run left: (service, event) in order, and the states by (service, customer)."""


def status(
    console: Console,
    inputs: Sequence[Event],
    live: Live,
    replayed: Replayed,
    *,
    demanded: int,
    plant: str = "",
) -> int:
    """Print the verdict and answer the demo's exit status: 0 when live equals replay and all was met, else 1."""
    good = equal(console, *live, replayed, plant=plant)
    shown = situations(console, inputs, replayed, demanded=demanded)
    return 0 if good and shown else 1


def equal(
    console: Console,
    live_events: list[tuple[str, Event]],
    live_states: Mapping[tuple[str, str], CaseState],
    replayed: Replayed,
    *,
    plant: str = "",
) -> bool:
    """Compare per service and customer, print the verdict, and answer whether all is equal."""
    differences = differing(live_events, live_states, replayed, plant=plant)
    for difference in differences[:10]:
        console.print(f"[red]{difference.service} {difference.customer_id}[/]: {difference.what}")
    customers = len({customer_id for _, customer_id in live_states})
    if differences:
        console.print(f"[red]live and replay differ[/] for {len(differences)} (service, customer)")
    else:
        console.print(
            f"live equals replay: {len(live_events):,} events and {len(live_states):,} states "
            f"of {customers:,} customers"
        )
    return not differences


def differing(
    live_events: list[tuple[str, Event]],
    live_states: Mapping[tuple[str, str], CaseState],
    replayed: Replayed,
    *,
    plant: str = "",
) -> list[Difference]:
    """Name every difference; *plant* spoils the live side first: "event", "state" or "tick"."""
    live = by_customer(live_events)
    reactors = [reactor(name) for name in SERVICES]
    live_digests = digests(live_states, reactors)
    if plant == "event":
        next(iter(live.values())).pop()
    elif plant == "state":
        key = next(iter(live_digests))
        spoiled = replace(live_states[key], stage=live_states[key].stage + "!")
        live_digests |= digests({key: spoiled}, reactors)
    elif plant == "tick":
        several = next(
            entries for entries in live.values() if len({at for _, _, at, _ in entries}) > 1
        )
        several.reverse()
    replayed_events = by_customer(
        (SERVICES[entry.service], entry.event) for entry in replayed.published
    )
    return compare(live, replayed_events, live_digests, digests(replayed.states, reactors))


async def lawful(console: Console, database_url: str, policy: Any) -> bool:
    """Audit every contact of the inboxes, print what it came to, and answer whether none was wrong."""
    report = reporter(policy)
    shown = 0
    async for proof in audit(database_url, report):
        if shown < MOST_SHOWN:
            console.print(Text(said(proof), style="red"))
        shown += 1
    console.print(report.sentence(), soft_wrap=True)
    return not report.tally.wrong


def demanded(customers: int, days: int) -> int:
    """Answer how many customers must meet each situation: 10 in the default portfolio, fewer make no promise."""
    return MINIMUM if customers >= FULL_PORTFOLIO and days >= FULL_DAYS else 0


def situations(
    console: Console, events: Sequence[Event], replayed: Replayed, *, demanded: int
) -> bool:
    """Count the customers that met each situation, print them, and answer whether they suffice."""
    counts = met(events, (entry.event for entry in replayed.published))
    console.print("customers that met: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
    short = [name for name, count in counts.items() if count < demanded]
    if short:
        console.print(f"[red]fewer than {demanded} customers met[/]: {', '.join(short)}")
    return not short


def met(inputs: Iterable[Event], published: Iterable[Event]) -> dict[str, int]:
    """Count the customers that met each of the situations the demo is to show."""
    customers: dict[str, set[str]] = {
        name: set()
        for name in (
            "reversal",
            "back-dated payment",
            "exhausted points",
            "visit",
            "filing",
            "reopening",
        )
    }
    for event in inputs:
        data = event.data
        if isinstance(data, PaymentReversed):
            customers["reversal"].add(event.subject)
        elif isinstance(data, PaymentReceived) and _is_back_dated(event, data):
            customers["back-dated payment"].add(event.subject)
    for event in published:
        data = event.data
        if isinstance(data, StepSkipped) and data.reason == "points_exhausted":
            customers["exhausted points"].add(event.subject)
        elif isinstance(data, VisitScheduled):
            customers["visit"].add(event.subject)
        elif isinstance(data, LegalFiled):
            customers["filing"].add(event.subject)
        elif isinstance(data, CaseOpened) and data.episode > 1:
            customers["reopening"].add(event.subject)
    return {name: len(found) for name, found in customers.items()}


def _is_back_dated(event: Event, data: PaymentReceived) -> bool:
    return (event.time.date() - data.value_on).days >= BACK_DATED_DAYS
