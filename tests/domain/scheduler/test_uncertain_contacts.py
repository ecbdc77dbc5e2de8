"""Contacts of which nobody knows whether they were made, or of which no leave is known: they count."""

import pytest

from shared.events import legal, permits, visits
from shared.events.permits import PermitGranted
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import account, at, customer, missed, said, story
from tests.domain.scheduler.test_asked_permits import plans

KNOWN = (customer(), account(), missed(at("2026-03-01", "06:00")), tick(START))
BEGIN, END = at("2026-03-04", "12:00"), at("2026-03-04", "20:00")
WEEK = BEGIN + days(7)


def granted():
    told = story(*KNOWN, plans(not_before=BEGIN, not_after=END)).when(tick(START))
    assert len(of_type(told.published, PermitGranted)) == 1
    return told


def failed(reason, when=WEEK):
    return said(
        visits.VisitFailed, when, visit_id="V", follow_up_id="F", reason=reason, final=True,
        permit_id="V1",
    )  # fmt: skip


def met(when, permit_id="V1"):
    return said(
        visits.VisitCompleted, when, visit_id="V", follow_up_id="F", outcome="met",
        permit_id=permit_id,
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["unknown", "unreported"])
def test_a_visit_whose_order_left_counts_although_nobody_tells_of_it(reason):
    entry = granted().given(failed(reason)).state.log["permit V1"]
    assert (entry.result, entry.expires) == ("pending", None)


@pytest.mark.parametrize("reason", ["failed", "expired", "no_permit"])
def test_a_visit_that_was_not_made_counts_no_more(reason):
    entry = granted().given(failed(reason, START)).state.log["permit V1"]
    assert (entry.result, entry.at, entry.expires) == ("pending", START, START)


@pytest.mark.parametrize("reason", ["unreported", "failed"])
def test_a_visit_that_is_reported_after_it_was_given_up_counts(reason):
    entry = granted().given(failed(reason), met(WEEK + days(1))).state.log["permit V1"]
    assert (entry.result, entry.expires) == ("effective", None)


@pytest.mark.parametrize("permit_id", ["", "never-given"])
def test_a_visit_that_nobody_gave_leave_for_counts_for_every_debt(permit_id):
    told = story(*KNOWN).given(met(START, permit_id))
    (entry,) = [each for each in told.state.log.values() if each.channel == "visit"]
    assert (entry.type, entry.result, entry.debts) == ("contact", "effective", ())


def test_a_letter_that_may_have_left_counts():
    asked = said(
        permits.PermitRequested, START, permit_id="L1", channel="letter", point_id="p-post",
        follow_up_id="F", not_before=START, not_after=END, purpose="legal_process",
    )  # fmt: skip
    told = story(*KNOWN, asked).when(tick(START))
    gone = said(
        legal.LegalWithdrawn, START, follow_up_id="F", reason="letter: unknown", permit_id="L1"
    )
    entry = told.given(gone).state.log["permit L1"]
    assert (entry.result, entry.expires) == ("pending", None)
