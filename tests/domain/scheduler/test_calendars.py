"""The scheduler's gate counts working days by the calendars that are loaded beside its packs."""

from datetime import datetime

import pytest

from services.scheduler.domain.gatekeeping import rules_of
from services.scheduler.loading import policy
from shared.compliance.entries import Entry
from shared.compliance.known import Known
from shared.compliance.proposal import Proposal
from shared.services import STANDARD_STRATEGY

PACK = """\
pack: trial
version: 2026.11.0
calendar: CN
rules:
  - {id: T.WAIT, kind: precondition, cite: trial, strength: must, evidence: primary,
     needs: notice.served, min_days: 3, mode: business_days}
"""
YEAR = "calendar: CN\nyears:\n  - {year: 2027, rest: [2027-03-03], work: [2027-03-06]}\n"


@pytest.fixture
def verdict(tmp_path):
    (tmp_path / "packs.yaml").write_text(PACK)
    served = Entry(
        id="n",
        type="notice.served",
        at=datetime.fromisoformat("2027-03-02T10:00:00+08:00"),
        debts=("A",),
    )

    def ask(at):
        strategy = policy(
            STANDARD_STRATEGY, tmp_path / "packs.yaml", calendars=tmp_path / "calendars"
        )
        proposal = Proposal(
            at=datetime.fromisoformat(at), action="enforce", debts=("A",), zones=("Asia/Shanghai",)
        )
        return rules_of(strategy).gate.verdict(proposal, Known([served]))

    return ask


def test_a_year_that_is_not_announced_blocks_as_a_missing_fact(verdict):
    (reason,) = verdict("2027-04-01T10:00:00+08:00").reasons
    assert (reason.needs_fact, reason.next_at) == ("calendar 2027", None)


def test_the_file_of_a_year_says_which_days_count(verdict, tmp_path):
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "CN.yaml").write_text(YEAR)
    last = verdict("2027-03-06T23:59:59+08:00")  # Thursday, Friday, and the Saturday that is worked
    assert last.earliest_next == datetime.fromisoformat("2027-03-07T00:00:00+08:00")
    assert verdict("2027-03-07T00:00:00+08:00").allowed
