"""The judge is proven by planted defects: each of them alone makes it fail, and a run without any passes."""

import ast
import sys
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.honest import JUDGE, START, Run

LATER = START + timedelta(hours=1)


@pytest.fixture(scope="module")
def honest() -> Run:
    return Run()


@pytest.fixture
def run(honest: Run) -> Run:
    return deepcopy(honest)


def test_an_honest_run_passes(run: Run, tmp_path: Path):
    assert run.judge(tmp_path) == (0, {})


def test_fewer_than_500_effects_prove_nothing(tmp_path: Path):
    status, problems = Run(customers=499).judge(tmp_path)
    assert (status, [*problems]) == (1, ["too_few_effects"])


def test_a_double_send_is_found(run: Run, tmp_path: Path):
    run.request("C7", LATER, "E-C7", first=True)
    status, problems = run.judge(tmp_path)
    assert (status, problems) == (1, {"double_hand_over": ["E-C7 left 2 times"]})


def test_a_double_send_under_another_id_is_found(run: Run, tmp_path: Path):
    run.contact("C7", LATER, effect="E-other")
    status, problems = run.judge(tmp_path)
    assert (status, [*problems]) == (1, ["double_choice", "permit_twice"])


def test_a_repeat_that_the_provider_recognised_is_no_double_send(run: Run, tmp_path: Path):
    run.request("C7", LATER, "E-C7", first=False)
    assert run.judge(tmp_path) == (0, {})


def test_a_repeat_with_another_content_is_found(run: Run, tmp_path: Path):
    run.request("C7", LATER, "E-C7", first=False, content="other")
    assert run.judge(tmp_path) == (1, {"other_content": ["E-C7"]})


def test_a_lost_fact_is_found(run: Run, tmp_path: Path):
    run.debtor("C-lost", LATER)
    run.drop("C-lost", "scheduler", "notifier")
    run.debtor("C-more", LATER)
    assert run.judge(tmp_path) == (1, {"lost_fact": ["C-lost"]})


def test_a_step_that_nobody_took_is_found(run: Run, tmp_path: Path):
    run.say("scheduler", "C7", "follow_up.due", LATER, follow_up_id="F2", kind="contact")
    assert run.judge(tmp_path) == (1, {"lost_step": ["F2 of C7"]})


def test_a_contact_after_payment_is_found(run: Run, tmp_path: Path):
    run.pays("C-late", LATER + timedelta(seconds=1.9))
    run.debtor("C-late", LATER)
    run.topics.sort(key=lambda record: record["timestamp"])
    status, problems = run.judge(tmp_path)
    assert (status, [*problems]) == (1, ["contact_after_payment"])


def test_a_step_decided_long_after_the_payment_is_found(run: Run, tmp_path: Path):
    run.paying("C-cured", LATER)
    run.step("C-cured", LATER + timedelta(seconds=34))
    cancelled = {"follow_up_id": "F-C-cured"}
    run.say(
        "scheduler", "C-cured", "follow_up.cancelled", LATER + timedelta(seconds=35), **cancelled
    )
    status, problems = run.judge(tmp_path)
    assert (status, [*problems]) == (1, ["stale_step"])


def test_a_payment_of_the_very_instant_of_the_missed_one_proves_nothing(run: Run, tmp_path: Path):
    run.owes("C-tie", LATER)
    run.pays("C-tie", LATER)
    assert run.judge(tmp_path) == (1, {"ambiguous_load": ["C-tie"]})


def test_a_payment_after_the_claim_is_nobodys_fault(run: Run, tmp_path: Path):
    run.debtor("C-soon", LATER)
    run.pays("C-soon", LATER + timedelta(seconds=2.1))
    assert run.judge(tmp_path) == (0, {})


def test_a_relays_repeat_with_the_same_bytes_is_allowed_and_with_others_is_found(
    run: Run, tmp_path: Path
):
    first = next(record for record in run.topics if record["topic"] == "notifier")
    run.topics.append({**first, "offset": 10_000})
    assert run.judge(tmp_path) == (0, {})
    other = next(
        record for record in run.topics if record["topic"] == "notifier" and record is not first
    )
    run.topics.append({**first, "offset": 10_001, "value": other["value"]})
    assert [*run.judge(tmp_path)[1]] == ["other_bytes"]


def test_what_left_and_was_not_reported_is_found(run: Run, tmp_path: Path):
    run.request("C7", LATER, "E-nobody-knows")
    assert [*run.judge(tmp_path)[1]] == ["permit_twice", "unreported"]


def test_an_overtaken_record_is_found(run: Run, tmp_path: Path):
    run.say("scheduler", "C7", "bucket.changed", START)
    assert [*run.judge(tmp_path)[1]] == ["order"]


def test_a_cancellation_before_its_step_is_found(run: Run, tmp_path: Path):
    run.say("scheduler", "C7", "follow_up.cancelled", LATER, follow_up_id="F-none")
    assert [*run.judge(tmp_path)[1]] == ["order"]


def test_a_customer_in_two_partitions_is_found(run: Run, tmp_path: Path):
    run.topics[-1]["partition"] = 9
    assert [*run.judge(tmp_path)[1]] == ["two_partitions"]


def left(run: Run, effect: str) -> dict[str, Any]:
    return next(line for line in run.log if line.get("effect_id") == effect)


def test_a_contact_without_a_permit_is_found(run: Run, tmp_path: Path):
    left(run, "E-C7")["permit_id"] = ""
    assert run.judge(tmp_path) == (1, {"no_permit": ["E-C7 of C7"]})


def test_a_contact_under_a_permit_that_nobody_gave_is_found(run: Run, tmp_path: Path):
    left(run, "E-C7")["permit_id"] = "P-made-up"
    assert run.judge(tmp_path) == (1, {"no_permit": ["E-C7 of C7"]})


def test_a_contact_under_the_permit_of_another_customer_is_found(run: Run, tmp_path: Path):
    left(run, "E-C7")["permit_id"] = "P-C8"
    assert run.judge(tmp_path) == (1, {"no_permit": ["E-C7 of C7"]})


def test_two_contacts_under_one_permit_are_found(run: Run, tmp_path: Path):
    at = datetime.fromisoformat(left(run, "E-C7")["received_at"])
    run.contact("C7", at, effect="E-again")
    status, problems = run.judge(tmp_path)
    assert status == 1
    assert problems["permit_twice"] == ["E-again and E-C7"]


@pytest.mark.parametrize("off", [timedelta(days=2), timedelta(seconds=-2)])
def test_a_contact_outside_its_permits_window_is_found(run: Run, tmp_path: Path, off: timedelta):
    line = left(run, "E-C7")
    line["received_at"] = (datetime.fromisoformat(line["received_at"]) + off).isoformat()
    status, problems = run.judge(tmp_path)
    assert (status, [*problems]) == (1, ["outside_permit"])


def test_a_contact_by_another_channel_than_its_permits_is_found(run: Run, tmp_path: Path):
    left(run, "E-C7")["kind"] = "contact.call"
    status, problems = run.judge(tmp_path)
    assert (status, [*problems]) == (1, ["other_channel"])


def test_a_fallback_goes_by_its_own_permit(run: Run, tmp_path: Path):
    line = left(run, "E-C7")
    at = datetime.fromisoformat(line["received_at"])
    line |= {"kind": "contact.call", "permit_id": "P-2"}
    permit = {"permit_id": "P-2", "channel": "call", "point_id": "P1"}
    permit |= {"not_before": at.isoformat(), "not_after": (at + timedelta(hours=1)).isoformat()}
    run.say("scheduler", "C7", "permit.granted", at, permit=permit, follow_up_id="F-C7")
    assert run.judge(tmp_path) == (0, {})


def test_what_goes_to_a_court_needs_no_permit(run: Run, tmp_path: Path):
    left(run, "E-C7").update(kind="court.filing", permit_id="")
    assert run.judge(tmp_path) == (0, {})


def test_a_parked_customer_is_left_alone(run: Run, tmp_path: Path):
    run.owes("C-parked", LATER)
    run.say("scheduler", "C-parked", "case.parked", LATER, service="scheduler")
    assert run.judge(tmp_path) == (0, {})


def test_records_without_the_brokers_time_prove_nothing(run: Run, tmp_path: Path):
    run.topics[0]["timestamp_type"] = 0
    assert [*run.judge(tmp_path)[1]] == ["stamps"]


def test_the_judge_imports_nothing_of_ours():
    tree = ast.walk(ast.parse(JUDGE.read_text()))
    modules = {
        name.split(".")[0]
        for node in tree
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert modules <= set(sys.stdlib_module_names)
