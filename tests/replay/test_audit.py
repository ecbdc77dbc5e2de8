"""Every replay audits to no bypass and no fault of the engine, also when people say much that the rules turn on."""

from pathlib import Path

import pytest

from benchmarks.lawful import Figures, by_kind, kinds, lived, run, with_declarations
from benchmarks.replaying import MAPPING, TAPE, shortened
from shared.events.jsonl import write_line
from shared.lawful.replayed import audited
from shared.portfolio import generate
from shared.replay.reading import Inputs, read
from shared.services import strategy
from shared.tape import import_tape
from tests.replay.runner import STORIES, run_file

POLICY = strategy(None)
REFUSING = {
    "cn": {"window", "declared_window", "cap", "party", "hold", "optout", "content", "conduct"},
    "us": {
        "window", "declared_window", "cap", "cooldown", "party", "hold", "optout", "fresh", "content",
    },
    "gb": {"window", "declared_window", "party", "hold", "optout", "precondition"},
    "eu": {"window", "declared_window", "party", "optout", "precondition"},
}  # fmt: skip
"""The kinds of rules of each law that a contact of production can meet; together all but `clock`, which no pack has."""


def told(tmp_path: Path, rules: str) -> Inputs:
    file = tmp_path / f"{rules}.jsonl"
    file.write_bytes(b"".join(map(write_line, generate(customers=300, days=150, seed=7))))
    return with_declarations(read(file), rules, seed=3, years=0)


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_every_contact_of_a_story_was_lawful(path):
    inputs = read(path)
    published = (entry.event for entry in run_file(path).published)
    report = audited(inputs.events, published, POLICY)
    assert [(proof.customer_id, proof.finding, proof.why) for proof in report.wrong] == []


@pytest.mark.parametrize("rules", REFUSING)
def test_lives_of_which_much_is_told_audit_to_nothing_wrong_and_every_kind_of_rule_refuses(
    rules, tmp_path
):
    figures = lived(told(tmp_path, rules))
    assert figures.wrong == 0, "\n".join(figures.proofs)
    assert figures.findings["lawful"] > 500
    assert figures.findings["late_information"] > 5
    assert figures.made["person"] > 20
    refused = by_kind(figures)
    assert {kind for kind in refused if kind != "case"} == REFUSING[rules]
    assert refused["case"] > 20


def test_the_kinds_that_refuse_are_all_that_the_packs_have():
    assert set().union(*REFUSING.values()) == set(kinds().values())


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ("cn", "CN.FREQ.EFFECTIVE3"),
        ("us", "REGF.FREQ.TALK7"),
        ("eu", "EU.NPL.10_2"),
        ("gb", "FIRM.OPTOUT.CHANNEL"),
    ],
)
def test_a_gate_that_lets_one_rule_through_is_found_out(rules, rule, tmp_path):
    figures = lived(told(tmp_path, rules), plant=rule)
    assert figures.findings["engine_fault"] > 0
    assert any(rule in proof for proof in figures.proofs)
    assert rule not in figures.refusals


def test_figures_of_parts_add_up():
    one = Figures(customers=1, proofs=["a"])
    one.findings["lawful"] = 2
    one.add(Figures(customers=2, proofs=["b"]))
    assert (one.customers, one.findings["lawful"], one.proofs) == (3, 2, ["a", "b"])


@pytest.mark.skipif(not TAPE.exists(), reason=f"the real tape is not at {TAPE}")
@pytest.mark.parametrize("rules", ["cn", "us"])
def test_cardholders_of_the_real_tape_audit_to_nothing_wrong(rules, tmp_path):
    import_tape(shortened(TAPE, 300, tmp_path), MAPPING, tmp_path / "events.jsonl")
    figures = lived(with_declarations(read(tmp_path / "events.jsonl"), rules, seed=1))
    assert figures.wrong == 0, "\n".join(figures.proofs)
    assert figures.findings["lawful"] > 300


def test_without_the_tape_the_proof_says_so(tmp_path, capsys):
    run(tmp_path / "none.csv.gz", 0)
    assert "skipped" in capsys.readouterr().out
