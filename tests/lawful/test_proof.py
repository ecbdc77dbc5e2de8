"""The proof of one contact in words and as JSON, and the command that prints it."""

import json

import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.compliance.gate import Gate
from shared.events.jsonl import write_line
from shared.lawful.judging import Auditor
from shared.lawful.words import Prover, lines
from tests.lawful.test_findings import call_by_agency, dispute
from tests.lawful.told import DAY, HOUR, MANNER, MORNING, POLICY, RECORD, due, sent


def proof_of(*events):
    gate = Gate(POLICY.packs)
    auditor = Auditor(gate, MANNER, exact=True)
    person = auditor.person([*RECORD, *events])
    judged = list(auditor.judge(person))[-1]
    assert person.last is not None
    return Prover(gate).proof(judged, person.everything(), person.last)


def test_the_proof_names_instant_place_permit_and_packs():
    proof = proof_of(due(), sent())
    assert proof.local == {"Asia/Shanghai": "2026-03-02 09:31:00"}
    assert (proof.channel, proof.point_id, proof.party, proof.debts) == (
        "sms",
        "mobile-1",
        "debtor",
        ("A",),
    )
    assert proof.permit["permit_id"] == "permit-1"
    assert any(pack.startswith("cn-bank-consumer@") for pack in proof.packs)
    assert proof.facts_then
    met = {rule.rule: rule for rule in proof.rules}
    assert met["CN.TIME.QUIET"].how == "it was 09:31; denied 22:00-08:00"
    assert met["CN.WHO.PARTY"].how == "debtor for collect"
    assert "CN.FREQ.EFFECTIVE3" not in met, "a rule for calls says nothing of a text"
    assert all(rule.then and rule.now for rule in proof.rules)


def test_the_proof_tells_what_was_counted_and_which_rule_was_not_met():
    calls = [call_by_agency(n, MORNING - (n + 1) * HOUR, MORNING - HOUR) for n in range(3)]
    proof = proof_of(*calls, call_by_agency(9, MORNING, MORNING))
    met = {rule.rule: rule for rule in proof.rules}
    cap = met["CN.FREQ.EFFECTIVE3"]
    assert (cap.now, sorted(cap.counted)) == (False, ["k0", "k1", "k2"])
    proof = proof_of(due(), sent(), dispute(MORNING + HOUR, occurred_at=MORNING - DAY))
    met = {rule.rule: rule for rule in proof.rules}
    assert (met["CN.HOLD.DISPUTE"].then, met["CN.HOLD.DISPUTE"].now) == (True, False)
    words = "\n".join(lines(proof))
    assert "LATE INFORMATION  2026-03-02 09:31:00 Asia/Shanghai" in words
    assert "met then, not now  CN.HOLD.DISPUTE" in words
    assert "leave permit-1, given 2026-03-02T01:30:00Z" in words


@pytest.fixture
def capture(tmp_path):
    def written(*events):
        inputs, published = tmp_path / "inputs.jsonl", tmp_path / "published.jsonl"
        inputs.write_bytes(b"".join(map(write_line, RECORD)))
        published.write_bytes(b"".join(map(write_line, events)))
        return [str(inputs), str(published)]

    return written


def run(*words):
    return CliRunner().invoke(app, ["audit", *words])


def test_the_command_counts_and_ends_well_when_all_is_lawful(capture):
    done = run(*capture(due(), sent()))
    assert done.exit_code == 0, done.output
    assert "1 contacts of 1 persons judged again: 1 lawful, 0 late information" in done.output


def test_a_bypass_ends_with_one_and_is_proved(capture):
    done = run(*capture(due(), sent(permit_id="")))
    assert done.exit_code == 1
    assert "BYPASS" in done.output
    assert "made without leave: no permit" in done.output


def test_late_information_is_no_fault(capture):
    done = run(*capture(due(), sent(), dispute(MORNING + HOUR, occurred_at=MORNING - DAY)))
    assert done.exit_code == 0
    assert "1 late information" in done.output
    assert "1  CN.HOLD.DISPUTE" in done.output


def test_one_customers_contacts_of_a_day_as_json(capture):
    files = capture(due(), sent())
    done = run(*files, "--customer", "C1", "--from", "2026-03-02", "--to", "2026-03-02", "--json")
    proof, end = map(json.loads, done.output.splitlines())
    assert (proof["finding"], proof["permit"]["permit_id"]) == ("lawful", "permit-1")
    assert end["summary"]["findings"]["lawful"] == 1
    other_day = run(*files, "--customer", "C1", "--from", "2026-03-03", "--json")
    assert json.loads(other_day.output.splitlines()[0])["summary"]["contacts"] == 0


def test_files_without_a_customers_record_cannot_be_judged(tmp_path):
    file = tmp_path / "published.jsonl"
    file.write_bytes(b"".join(map(write_line, (due(), sent()))))
    done = run(str(file))
    assert done.exit_code == 2
    assert "give the file of inputs too" in done.output


def test_it_wants_files_or_the_database(capture):
    assert run().exit_code == 2
    assert run("--database", *capture(due())).exit_code == 2
