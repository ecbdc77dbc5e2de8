"""Replayed facts per CPU second of one core, and the sizes of the states that are left, on the cardholders' tape."""

import gzip
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.tables import quantile, table
from shared.canonical import canonical
from shared.collector import collect_less
from shared.decision import Reactor
from shared.events.envelope import Woken
from shared.events.jsonl import write_line
from shared.portfolio import generate
from shared.replay.reading import Inputs, read
from shared.replay.run import Replayed, all_reactors, replay
from shared.services import standing, strategy
from shared.tape import import_tape

HOME = Path(__file__).parents[1]
TAPE = HOME.parent / "shared" / "data" / "uci_credit_card_clients.csv.gz"
MAPPING = HOME / "deploy" / "mappings" / "uci_credit_card.yaml"
GENERATED = 3_000
GOAL_FACTS, GOAL_MEDIAN, GOAL_P99 = 10_000, 2_048, 8_192


def run(tape: Path, customers: int) -> None:
    """Measure and print; without the tape a portfolio is generated. *customers* 0 takes all of them."""
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        if tape.exists():
            import_tape(shortened(tape, customers, Path(folder)), MAPPING, events)
            name = "the cardholders of the tape"
        else:
            name = "the generated portfolio, 180 days (there is no tape)"
            facts = generate(customers or GENERATED, 180, seed=1)
            events.write_bytes(b"".join(map(write_line, facts)))
        began = process_time()
        inputs = read(events)
        reading = process_time() - began
    collect_less()
    counts: Counter[str] = Counter()
    began = process_time()
    replayed = replay(inputs, reactors=_counted(counts), standing=standing())
    _print(name, inputs, replayed, counts, reading, process_time() - began)


def shortened(tape: Path, customers: int, folder: Path) -> Path:
    """Answer the tape, or its first *customers* rows in the folder (0: all)."""
    if not customers:
        return tape
    short = folder / "tape.csv"
    with gzip.open(tape, "rb") as rows:
        short.write_bytes(b"".join(islice(rows, customers + 1)))
    return short


def _counted(counts: Counter[str]) -> list[Reactor[Any]]:
    """Answer the services' reactors, which count what they decide."""

    def counting(decide: Callable[..., Any]) -> Callable[..., Any]:
        def decide_and_count(state: Any, event: Any, now: Any, policy: Any) -> Any:
            counts["ticks" if isinstance(event.data, Woken) else "facts"] += 1
            return decide(state, event, now, policy)

        return decide_and_count

    return [replace(r, decide=counting(r.decide)) for r in all_reactors(strategy(None))]


def _print(
    name: str,
    inputs: Inputs,
    replayed: Replayed,
    counts: Counter[str],
    reading: float,
    deciding: float,
) -> None:
    seconds = reading + deciding
    print(f"## replay: {name}, {len(inputs.events):,} customers, one core\n")
    head = ("what", "count", "per CPU second", "goal")
    print(table(head, [
        ("input facts (file to states)", len(inputs), len(inputs) / seconds, ""),
        ("all facts decided (inputs, published events, outcomes)", counts["facts"],
         counts["facts"] / seconds, _against(counts["facts"] / seconds)),
        ("ticks decided", counts["ticks"], counts["ticks"] / seconds, ""),
        ("events published", len(replayed.published), len(replayed.published) / seconds, ""),
    ]))  # fmt: skip
    print(f"\n{reading:.1f} CPU s to read, {deciding:.1f} CPU s to replay\n")
    sizes: dict[str, list[int]] = defaultdict(list)
    for (service, _), state in replayed.states.items():
        sizes[service].append(len(canonical(state)))
    columns = ("states of", "cases", "p50 B", "p99 B", "largest B", "goal")
    print(table(columns, [_sizes(service, found) for service, found in sizes.items()]), "\n")


def _against(rate: float) -> str:
    return f"{GOAL_FACTS:,}: {'met' if rate >= GOAL_FACTS else 'MISSED'}"


def _sizes(service: str, found: Sequence[int]) -> list[object]:
    half, most = quantile(found, 0.5), quantile(found, 0.99)
    verdict = "met" if half <= GOAL_MEDIAN and most <= GOAL_P99 else "MISSED"
    return [service, len(found), int(half), int(most), max(found), f"2 KB, 8 KB: {verdict}"]
