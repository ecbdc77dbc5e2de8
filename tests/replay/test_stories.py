"""Each story comes out as its expected file says, byte for byte, however its lines are put (stories/README.md)."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from random import Random

import pytest

from shared.replay.run import write
from tests.replay.runner import STORIES, as_bytes, expected, run_file

NAMES = [path.stem for path in STORIES]
TOKENS = {"zones": ["Asia/Shanghai"]}
each_story = pytest.mark.parametrize("path", STORIES, ids=NAMES)


@each_story
def test_a_story_comes_out_as_expected(path):
    assert as_bytes(run_file(path)) == expected(path).read_bytes()


def test_every_story_is_explained():
    told = (STORIES[0].parent / "README.md").read_text(encoding="utf-8")
    assert NAMES
    assert [name for name in NAMES if f"**{name}**" not in told] == []


@each_story
def test_the_order_of_the_lines_and_repeated_lines_change_nothing(path, tmp_path):
    lines = path.read_bytes().splitlines(keepends=True)
    for seed in range(4):
        random = Random(seed)
        mixed = [*lines, *random.sample(lines, k=3)]
        random.shuffle(mixed)
        other = tmp_path / f"{seed}.jsonl"
        other.write_bytes(b"".join(mixed))
        replayed = run_file(other)
        assert as_bytes(replayed) == expected(path).read_bytes()
        assert replayed.digests() == run_file(path).digests()


@each_story
def test_contact_values_replaced_by_tokens_change_nothing(path, tmp_path):
    changed = 0
    other = tmp_path / "tokens.jsonl"
    with other.open("w", encoding="utf-8") as file:
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            for point in event["data"].get("contact_points", []):
                token = sha256(point["value"].encode()).hexdigest()
                point.update(value=f"token-{token}", **TOKENS)
                changed += 1
            file.write(json.dumps(event) + "\n")
    assert changed
    assert as_bytes(run_file(other)) == expected(path).read_bytes()


def test_hash_seeds_change_nothing():
    digests = set()
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.replay.runner"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_another_seed_of_the_sandbox_is_another_life():
    path = STORIES[NAMES.index("to_court")]
    lives = {as_bytes(run_file(path, seed=seed)) for seed in range(4)}
    assert len(lives) > 1


@each_story
def test_nothing_personal_comes_out(path):
    text = as_bytes(run_file(path)).decode()
    for value in ("138", "wx-zhang", "example.com", "愚园路"):
        assert f'"{value}' not in text
    assert "zhang" not in text


def test_until_ends_the_replay_where_it_says():
    path = STORIES[NAMES.index("cure_then_relapse")]
    whole = run_file(path)
    for cut in (5, 12, 21):
        until = whole.published[cut].time
        part = run_file(path, until)
        assert part.until == until
        assert part.published == [entry for entry in whole.published if entry.time <= until]


def test_until_is_the_last_inputs_time_unless_said():
    path = STORIES[NAMES.index("cure_then_relapse")]
    assert run_file(path).until.isoformat() == "2026-04-05T04:00:00+00:00"


def test_what_the_input_tells_of_an_effect_silences_the_sandbox_for_it(tmp_path):
    path = STORIES[NAMES.index("promise_broken")]
    lines = path.read_bytes().splitlines(keepends=True)
    alone = tmp_path / "alone.jsonl"
    alone.write_bytes(b"".join(line for line in lines if b"provider.receipt" not in line))
    spoken, sandbox = as_bytes(run_file(path)), as_bytes(run_file(alone))
    call = json.loads(next(line for line in lines if b"provider.receipt" in line))["data"][
        "effect_id"
    ]

    def of_call(text):
        return [json.loads(line)["type"] for line in text.splitlines() if call.encode() in line]

    assert of_call(spoken) == ["contact.sent", "contact.answered"]
    assert of_call(sandbox) == ["contact.sent", "contact.failed"]


def test_the_file_appears_whole_and_is_what_was_published(tmp_path):
    path = STORIES[NAMES.index("merged")]
    write(run_file(path).published, tmp_path / "out.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_bytes() == expected(path).read_bytes()


@each_story
def test_what_is_written_is_ordered_by_time_round_service_customer_and_index(path):
    orders = [entry.order for entry in run_file(path).published]
    assert orders == sorted(set(orders))


def test_customers_are_written_in_one_order_of_time(tmp_path):
    first, second = (STORIES[NAMES.index(name)] for name in ("two_currencies", "reversal_reopens"))
    both = tmp_path / "both.jsonl"
    both.write_bytes(first.read_bytes().replace(b'"C1"', b'"C0"') + second.read_bytes())
    orders = [entry.order for entry in run_file(both).published]
    assert len({order[3] for order in orders}) == 2
    assert orders == sorted(orders)
