"""A number that stands in the files of two customers: together they never use more than its cap of six attempts a day."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.events import contacts, notifier
from shared.events.envelope import Event
from shared.events.permits import PermitGranted, PermitRefused
from shared.testing import Story, days, of_type, tick
from tests.domain.scheduler.cases import SHIPPED, account, at, customer, missed, said, story

RULE = "CN.FREQ.ATTEMPT6"
CAP = 6
MORNING = at("2026-03-02", "09:00")
LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content, "ladder": ()}
POINT = "p-mobile"


def shared(k: int, rank: int, when=MORNING) -> Event:
    return said(notifier.ContactPointShared, when, point_id=POINT, k=k, rank=rank)


def begun(*facts: Event) -> Story:
    known = (customer(), account(), missed(at("2026-03-01", "06:00")))
    return story(*known, *facts, tick(MORNING), **LAW)


def rings_out(told: Story, number: int, when) -> bool:
    """Ask leave for a call, and let nobody answer it; whether the call was allowed."""
    permit_id = f"{number}"
    wanted = said(
        contacts.PermitAsked, when, by="u-7", reason="to call", permit_id=permit_id, channel="call",
        point_id=POINT, tags=("institution_identity",), conduct={"recording": True},
    )  # fmt: skip
    told.given(wanted, tick(when))
    answer = told.decision.publish[0].data
    if not isinstance(answer, PermitGranted):
        assert isinstance(answer, PermitRefused)
        assert {reason.rule for reason in answer.reasons} == {RULE}
        return False
    over = said(
        contacts.ContactReported, when, by="u-7", reason="rang", permit_id=permit_id,
        result="no_answer",
    )  # fmt: skip
    told.given(over, tick(when))
    return True


def attempts(cases: list[Story], turns: list[int]) -> int:
    return sum(
        rings_out(cases[turn % len(cases)], number, MORNING + timedelta(minutes=number))
        for number, turn in enumerate(turns)
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=14, max_size=14))
def test_two_customers_with_one_number_never_exceed_six_attempts_together(turns):
    assert attempts([begun(shared(2, 0)), begun(shared(2, 1))], turns) <= CAP


def test_each_of_two_has_three_and_alone_one_has_six():
    turns = [0, 1] * 8
    assert attempts([begun(shared(2, 0)), begun(shared(2, 1))], turns) == CAP
    assert attempts([begun(), begun()], turns) == 2 * CAP
    assert attempts([begun(shared(2, 0))], [0] * 8) == CAP / 2


@pytest.mark.parametrize(("k", "rank", "left"), [(4, 0, 1), (4, 3, 1), (7, 0, 1), (7, 1, 0)])
def test_what_is_left_of_the_cap_goes_to_the_oldest(k, rank, left):
    assert attempts([begun(shared(k, rank))], [0] * 3) == left


def test_when_the_number_leaves_the_other_file_the_share_rises_again():
    told = begun(shared(2, 1))
    assert attempts([told], [0] * 4) == 3
    told.given(shared(1, 0, MORNING + timedelta(hours=1)))
    assert told.state.shared == {}
    later = MORNING + timedelta(hours=2)
    assert [rings_out(told, 20 + n, later + timedelta(minutes=n)) for n in range(4)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert of_type(told.published, PermitRefused)


def test_another_number_of_the_customer_is_not_concerned():
    told = begun(replace(shared(9, 5), data=replace(shared(9, 5).data, point_id="p-email")))
    assert attempts([told], [0] * 7) == CAP
    assert told.now < MORNING + days(1)
