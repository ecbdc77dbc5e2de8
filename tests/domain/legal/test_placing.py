"""Agencies: each fact is told once, in any order of arrival; who had the accounts when is known."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.legal.domain.placing import is_placed
from services.legal.service import LEGAL
from shared.events.agencies import AgencyContacted, AgencyPlaced, AgencyRecalled
from shared.testing import START, Story, given, tick
from tests.domain.legal.stories import C1, dismissed, engaged, reported

DAY = timedelta(days=1)


def test_what_an_agency_reports_is_told_with_the_instant_at_which_it_was():
    story = given(LEGAL, engaged(), tick())
    late = START - 3 * DAY
    contact = reported(occurred_at=late, channel="visit", result="effective", account_ids=("A1",))
    story.given(contact).when(tick()).then(
        AgencyContacted(
            customer_id=C1, contact_id="K1", agency="AG1", occurred_at=late, channel="visit",
            result="effective", account_ids=("A1",),
        )
    )  # fmt: skip
    story.when(tick()).then_nothing()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_placement_and_recalls_commute(order):
    facts = [engaged(), dismissed(at=START + 2 * DAY), dismissed(at=START + DAY)]
    story = given(LEGAL, *(facts[index] for index in order), tick(START + 3 * DAY))
    placed, recalled = story.published
    assert placed == AgencyPlaced(
        customer_id=C1, placement_id="L1", agency="AG1", on_public_list=True, placed_at=START
    )
    assert recalled == AgencyRecalled(
        customer_id=C1, placement_id="L1", agency="AG1", recalled_at=START + DAY
    )
    story.given(engaged(), dismissed(at=START)).when(tick(START + 3 * DAY)).then_nothing()


def test_who_has_the_accounts_when():
    file = given(LEGAL, engaged(occurred_at=START - DAY), dismissed(at=START + DAY)).state
    assert is_placed(file, "AG1", START - DAY)
    assert is_placed(file, "AG1", START)
    assert not is_placed(file, "AG1", START + DAY)
    assert not is_placed(file, "AG1", START - 2 * DAY)
    assert not is_placed(file, "AG2", START)
    assert not is_placed(Story(LEGAL).state, "AG1", START)
