"""Every replay audits to no bypass and no fault of the engine, also when people say much that the rules turn on."""

from pathlib import Path

import pytest

from benchmarks.lawful import refusals, with_declarations
from benchmarks.replaying import MAPPING, shortened
from shared.events.jsonl import write_line
from shared.lawful.replayed import audited
from shared.portfolio import generate
from shared.replay.reading import read
from shared.replay.run import all_reactors, replay
from shared.services import standing, strategy
from shared.tape import import_tape
from tests.replay.runner import STORIES, run_file

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "uci_credit_card_clients.csv.gz"
POLICY = strategy(None)
KINDS = {rule.id: type(rule).__struct_config__.tag for pack in POLICY.packs for rule in pack.rules}


def wrong(report):
    return [(proof.customer_id, proof.finding, proof.why) for proof in report.wrong]


def lived(inputs):
    replayed = replay(inputs, reactors=all_reactors(POLICY), standing=standing())
    published = (entry.event for entry in replayed.published)
    return replayed, audited(inputs.events, published, POLICY)


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_every_contact_of_a_story_was_lawful(path):
    inputs = read(path)
    published = (entry.event for entry in run_file(path).published)
    assert wrong(audited(inputs.events, published, POLICY)) == []


@pytest.mark.parametrize(("country", "late"), [("CN", 0), ("US", 5)])
def test_a_portfolio_of_which_much_is_told_audits_to_nothing_wrong(country, late, tmp_path):
    file = tmp_path / "portfolio.jsonl"
    file.write_bytes(b"".join(map(write_line, generate(customers=120, days=120, seed=7))))
    replayed, report = lived(with_declarations(read(file), country, seed=3, years=0))
    assert wrong(report) == []
    assert report.tally.findings["lawful"] > 100
    assert report.tally.findings["late_information"] >= late
    refused = {KINDS.get(rule, "case") for rule in refusals(replayed)}
    assert {"window", "cap", "party", "content"} <= refused


@pytest.mark.skipif(not REAL.exists(), reason=f"the real tape is not at {REAL}")
@pytest.mark.parametrize("country", ["CN", "US"])
def test_cardholders_of_the_real_tape_audit_to_nothing_wrong(country, tmp_path):
    import_tape(shortened(REAL, 300, tmp_path), MAPPING, tmp_path / "events.jsonl")
    inputs = with_declarations(read(tmp_path / "events.jsonl"), country, seed=1)
    _, report = lived(inputs)
    assert wrong(report) == []
    assert report.tally.findings["lawful"] > 300
