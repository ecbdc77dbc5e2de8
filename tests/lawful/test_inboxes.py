"""The order of knowing, put together from several inboxes: what was granted stands behind the tick that granted it."""

from datetime import timedelta

from msgspec.structs import replace

from shared.events.core_banking import CustomerMerged
from shared.events.permits import PermitGranted, PermitRequested
from shared.lawful.inboxes import placed, together
from shared.testing import fact, tick
from tests.lawful.test_findings import dispute
from tests.lawful.told import DAY, MINUTE, MORNING, due, permit, sent


def test_what_a_tick_granted_stands_behind_it_and_before_what_was_taken_next():
    later = MORNING + MINUTE
    taken = [
        (dispute(MORNING - DAY), MORNING - DAY),
        (tick(MORNING), MORNING),
        (sent(later), later),
    ]
    granted = due(at=MORNING)
    order = [event for _, event in placed(taken, [granted])]
    assert [event.type for event in order] == ["dispute.raised", "follow_up.due", "contact.sent"]


def test_what_was_taken_before_the_tick_but_told_later_was_known():
    """A fact is known by its place among the decisions, not by the time that it bears."""
    late = dispute(MORNING + timedelta(seconds=1))
    taken = [(late, MORNING), (tick(MORNING), MORNING)]
    assert [event.type for _, event in placed(taken, [due(at=MORNING)])] == [
        "dispute.raised",
        "follow_up.due",
    ]


def test_each_grant_belongs_to_the_tick_of_its_instant():
    second = MORNING + DAY
    taken = [(tick(MORNING), MORNING), (sent(MORNING), MORNING), (tick(second), second)]
    grants = [due(permit(permit_id="permit-2"), second, follow_up_id="f-2"), due(at=MORNING)]
    times = [(event.type, now) for now, event in placed(taken, grants)]
    assert times == [
        ("follow_up.due", MORNING),
        ("contact.sent", MORNING),
        ("follow_up.due", second),
    ]


def test_leave_that_was_asked_for_comes_of_a_tick_after_it_was_asked_for():
    """Two ticks of one instant: at the first one nobody had asked yet."""
    asked = fact(
        PermitRequested(
            customer_id="C1", permit_id="permit-1", follow_up_id="f-1", channel="visit", point_id="postal-1",
            not_before=MORNING, not_after=MORNING + DAY,
        ),
        MORNING,
    )  # fmt: skip
    granted = fact(PermitGranted(customer_id="C1", permit=permit(), follow_up_id="f-1"), MORNING)
    taken = [(tick(MORNING), MORNING), (asked, MORNING), (tick(MORNING), MORNING)]
    order = [event.type for _, event in placed(taken, [granted])]
    assert order == ["permit.requested", "permit.granted"]


def test_a_merger_that_stands_in_both_records_is_told_once_and_in_order():
    merger = fact(CustomerMerged(customer_id="C1", from_customer_id="C0"), MORNING)
    of_other = replace(merger, subject="C0")
    one = [(MORNING - DAY, dispute(MORNING - DAY)), (MORNING, merger)]
    other = [(MORNING - MINUTE, replace(sent(), subject="C0")), (MORNING, of_other)]
    assert [event.type for event in together([other, one])] == [
        "dispute.raised",
        "contact.sent",
        "customer.merged",
    ]
