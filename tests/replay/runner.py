"""Run a story file through all four deciders, as `arrears replay` does, and say what was published.

python -m tests.replay.runner            prints one digest over all stories (for other hash seeds)
python -m tests.replay.runner --tell X   prints the story X in words, to be read by a person
python -m tests.replay.runner --record   writes the expected files anew: read the difference before you keep it
"""

import sys
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.events.jsonl import write_line
from shared.replay.reading import Inputs, read
from shared.replay.run import Replayed, all_reactors, replay
from shared.services import standing, strategy

FOLDER = Path(__file__).parent / "stories"
STORIES = sorted(
    path for path in FOLDER.glob("*.jsonl") if not path.name.endswith(".expected.jsonl")
)
REACTORS = all_reactors(strategy(None))
WORDS = [
    "episode",
    "step",
    "kind",
    "purpose",
    "channel",
    "reason",
    "stage",
    "outcome",
    "result",
    "cause",
    "from_bucket",
    "to_bucket",
    "dpd",
    "promised_on",
    "due_at",
    "paid",
    "overdue",
    "fit",
    "final",
]


def run(
    inputs: Inputs, until: datetime | None = None, *, seed: int = 0, per_customer: bool = True
) -> Replayed:
    return replay(
        inputs,
        reactors=REACTORS,
        standing=standing(),
        until=until,
        seed=seed,
        per_customer=per_customer,
    )


def run_file(path: Path, until: datetime | None = None, *, seed: int = 0) -> Replayed:
    return run(read(path), until, seed=seed)


def as_bytes(replayed: Replayed) -> bytes:
    """What `--out` would hold."""
    return b"".join(write_line(entry.event) for entry in replayed.published)


def expected(path: Path) -> Path:
    return path.with_name(f"{path.stem}.expected.jsonl")


def tell(replayed: Replayed) -> str:
    """One line for each event: Shanghai's time, customer, type, and the words that matter."""
    lines = []
    for entry in replayed.published:
        data = entry.event.data
        told = [
            f"{name}={getattr(data, name)}"
            for name in WORDS
            if getattr(data, name, "") not in {"", None}
        ]
        local = entry.time.astimezone(ZoneInfo("Asia/Shanghai"))
        head = f"{local:%m-%d %H:%M}/{entry.round} {entry.customer_id} {entry.event.type}"
        lines.append(" ".join([head, *told]))
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--tell"]:
        sys.stdout.write(tell(run_file(FOLDER / f"{sys.argv[2]}.jsonl")) + "\n")
    elif sys.argv[1:2] == ["--record"]:
        for story in STORIES:
            expected(story).write_bytes(as_bytes(run_file(story)))
    else:
        sys.stdout.write(
            sha256(b"".join(as_bytes(run_file(path)) for path in STORIES)).hexdigest() + "\n"
        )
