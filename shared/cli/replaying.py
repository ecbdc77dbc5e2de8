"""What `arrears replay FILE` does: read, replay, write, and say what came of it."""

from datetime import datetime
from pathlib import Path
from time import process_time

import msgspec

from shared.cli.output import fail, note, progress_bar, say
from shared.collector import collect_less
from shared.replay.reading import Inputs, read
from shared.replay.run import all_reactors, replay, write
from shared.services import standing
from shared.services import strategy as load_strategy


def replay_file(
    events: Path,
    *,
    out: Path | None,
    summary: Path | None,
    strategy: Path | None,
    packs: Path | None,
    until: datetime | None,
    seed: int,
    per_customer: bool,
) -> None:
    """Replay the file; malformed lines go to FILE.rejected.jsonl, with a note for each of the first ten."""
    try:
        policy = load_strategy(strategy, packs)
    except (ValueError, OSError) as error:
        fail(str(error))
    began = process_time()
    with progress_bar("reading", events.stat().st_size) as advance:
        inputs = read(events, advance)
    _put_aside(events, inputs)
    collect_less()
    with progress_bar("replaying", len(inputs)) as advance:
        replayed = replay(
            inputs,
            reactors=all_reactors(policy),
            standing=standing(),
            seed=seed,
            until=until,
            per_customer=per_customer,
            progress=advance,
        )
    seconds = process_time() - began
    if out is not None:
        write(replayed.published, out)
    text = msgspec.json.format(msgspec.json.encode(replayed.summary, order="sorted"), indent=2)
    if summary is not None:
        summary.write_bytes(text + b"\n")
    else:
        say(text.decode())
    facts, made = len(inputs), len(replayed.published)
    note(
        f"{facts:,} facts of {len(inputs.events):,} customers, {made:,} events published, "
        f"in {seconds:.1f} CPU seconds ({facts / max(seconds, 1e-9):,.0f} facts a CPU second)"
    )


def _put_aside(events: Path, inputs: Inputs) -> None:
    aside = events.with_name(f"{events.name.removesuffix('.jsonl')}.rejected.jsonl")
    if not inputs.rejected:
        aside.unlink(missing_ok=True)
        return
    with aside.open("wb") as file:
        for entry in inputs.rejected:
            text = entry.line.decode("utf-8", "replace").rstrip("\r\n")
            row = {"line": entry.number, "reason": entry.reason, "text": text}
            file.write(msgspec.json.encode(row) + b"\n")
    for entry in inputs.rejected[:10]:
        note(f"line {entry.number}: {entry.reason}")
    note(f"{len(inputs.rejected):,} lines rejected, kept in {aside.name}")
