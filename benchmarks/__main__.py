"""`python -m benchmarks [content|events|gate|lawful|replay|ticks|traces ...]`: measure, and print each figure beside its goal."""

import argparse
import asyncio
import logging
from pathlib import Path

from benchmarks import content, events, gate, lawful, placing, replaying, ticks, traces
from benchmarks.tables import machine
from shared.telemetry import configure_logs

NAMES = ("content", "events", "gate", "lawful", "replay", "ticks", "traces")


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument("--records", type=int, default=30_000, help="events: records per run")
    parser.add_argument("--rounds", type=int, default=2, help="events: pairs of runs")
    parser.add_argument("--processes", type=int, default=1, help="events: members of the group")
    parser.add_argument("--batch", type=int, default=500, help="events: most records per batch")
    parser.add_argument(
        "--customers", type=int, default=0, help="replay, lawful: only so many; 0: all"
    )
    parser.add_argument(
        "--tape", type=Path, default=replaying.TAPE, help="replay, lawful: the tape"
    )
    parser.add_argument("--rules", choices=placing.PLACES, default="", help="lawful: only these")
    parser.add_argument(
        "--plant", default="", metavar="RULE", help="lawful: a gate that lets this rule through"
    )
    chosen = parser.parse_args()
    names = chosen.names or [name for name in NAMES if name != "lawful"]  # that is a proof
    if strange := set(names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(strange))}; there are {', '.join(NAMES)}")
    configure_logs("text", level=logging.WARNING)
    print(machine())
    if "content" in names:
        content.run()
    if "events" in names:
        load = events.Load(chosen.records, chosen.rounds, chosen.processes, chosen.batch)
        asyncio.run(events.run(load))
    if "traces" in names:
        load = events.Load(chosen.records, chosen.rounds, 1, chosen.batch)
        asyncio.run(traces.run(load))
    if "replay" in names:
        replaying.run(chosen.tape, chosen.customers)
    if "gate" in names:
        gate.run()
    if "lawful" in names:
        lawful.run(
            chosen.tape, chosen.customers, chosen.rules, max(chosen.processes, 2), chosen.plant
        )
    if "ticks" in names:
        asyncio.run(ticks.run())


if __name__ == "__main__":
    main()
