"""What people write to customers: it waits for the gate, leaves once, in a frame, and is refused when it is too late."""

from datetime import timedelta

from services.notifier.service import NOTIFIER
from services.scheduler.domain.writing import LIFETIME
from shared.events.notifier import ProviderReceipt
from shared.events.permits import PermitRefused
from shared.events.scheduler import FollowUpCancelled, FollowUpDue
from shared.testing import START, fact, given, of_type, tick
from tests.domain.scheduler.cases import (
    SHIPPED,
    account,
    at,
    customer,
    delivered,
    missed,
    opted_out,
    received,
    story,
)
from tests.domain.scheduler.commanded import disputed, placed, wrote

MISS = missed(at("2026-03-01", "06:00"))
LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content}
OPENED = (customer(), account(), MISS, tick(START))
SOON = START + timedelta(minutes=10)
NIGHT = at("2026-03-02", "22:30")
MORNING = at("2026-03-03", "08:00")


def notes(published):
    return [due for due in of_type(published, FollowUpDue) if due.step.startswith("note.")]


def cancelled(published):
    return {each.follow_up_id for each in of_type(published, FollowUpCancelled)}


def rules(published):
    return [each.rule for told in of_type(published, PermitRefused) for each in told.reasons]


def test_a_message_leaves_in_its_frame_with_a_permit_and_a_place_under_the_caps():
    told = story(*OPENED, wrote(SOON), **LAW).when(tick(SOON))
    (due,) = notes(told.published)
    (choice,) = due.choices
    assert (choice.channel, choice.point_id, choice.template) == ("sms", "p-mobile", "note.sms")
    assert (choice.content, choice.message_id) == ("txt:1:c2VhbGVk", "M1")
    assert choice.permit.not_before == due.not_before == SOON
    assert choice.permit.not_after == due.not_after
    assert told.state.log[f"permit {choice.permit.permit_id}"].purpose == "reply"
    assert told.state.messages == {}


def test_the_same_message_leaves_once_and_two_are_two():
    told = story(*OPENED, wrote(SOON), wrote(SOON, "M2"), **LAW).when(tick(SOON))
    first, second = notes(told.published)
    assert first.follow_up_id != second.follow_up_id
    assert first.step != second.step
    again = told.given(wrote(SOON)).when(tick(SOON))
    assert len(notes(again.published)) == len([first, second])


def test_at_night_a_message_that_pursues_the_debt_waits_for_the_morning():
    told = story(*OPENED, wrote(NIGHT, purpose="collect"), **LAW).when(tick(NIGHT))
    assert not notes(told.published)
    assert told.state.wake_at == MORNING
    assert notes(told.when(tick(MORNING)).published)


def test_what_could_not_leave_in_two_days_is_refused():
    late = NIGHT + LIFETIME
    told = story(*OPENED, wrote(NIGHT, purpose="collect"), **LAW).when(tick(late))
    assert not notes(told.published)
    assert "PERMIT.TOO_LATE" in rules(told.published)
    assert told.state.messages == {}


def test_what_the_text_says_counts_beside_its_frame():
    bad = wrote(SOON, purpose="collect", tags=("threat",))
    told = story(*OPENED, bad, **LAW).when(tick(SOON))
    assert rules(told.published) == ["CN.CONTENT.FORBIDDEN"]
    assert told.state.messages == {}


def test_a_point_that_was_taken_back_or_is_unknown_gets_nothing():
    told = story(*OPENED, opted_out(SOON), wrote(SOON), **LAW).when(tick(SOON))
    assert not notes(told.published)
    gone = story(*OPENED, wrote(SOON, point_id="p-gone"), **LAW).when(tick(SOON))
    assert rules(gone.published) == ["CASE.POINT_NOT_USABLE"]


def test_a_hold_stops_what_pursues_and_not_what_answers():
    held = (*OPENED, placed(SOON))
    told = story(*held, wrote(SOON, purpose="collect"), **LAW).when(tick(SOON))
    assert rules(told.published) == ["CASE.HOLD.PERSON"]
    answered = story(*held, wrote(SOON), **LAW).when(tick(SOON))
    (due,) = notes(answered.published)
    on_its_way = answered.when(tick(SOON + timedelta(minutes=1)))
    assert due.follow_up_id not in cancelled(on_its_way.published)


def test_a_dispute_lets_a_reply_through():
    told = story(*OPENED, disputed(SOON), wrote(SOON), **LAW).when(tick(SOON))
    assert notes(told.published)


def test_a_hold_that_comes_later_takes_back_what_pursues():
    told = story(*OPENED, wrote(SOON, purpose="collect"), **LAW).when(tick(SOON))
    (due,) = notes(told.published)
    stopped = told.given(placed(SOON)).when(tick(SOON + timedelta(minutes=1)))
    assert due.follow_up_id in cancelled(stopped.published)


def test_who_has_paid_is_not_written_to_about_a_debt():
    told = story(*OPENED, received(SOON), wrote(SOON), **LAW).when(tick(SOON))
    assert rules(told.published) == ["CASE.NOTHING_DUE"]


def test_the_notifier_takes_it_as_any_contact_and_its_report_ends_it():
    told = story(*OPENED, wrote(SOON), **LAW).when(tick(SOON))
    (due,) = notes(told.published)
    served = given(NOTIFIER, fact(due, SOON)).when(tick(SOON))
    (effect,) = served.effects
    assert effect.kind == "contact.sms"
    assert effect.request["template"] == "note.sms"
    assert effect.request["content"] == "txt:1:c2VhbGVk"
    assert effect.request["message_id"] == "M1"
    receipt = ProviderReceipt(customer_id="C1", effect_id=effect.effect_id, outcome="delivered")
    heard = served.given(fact(receipt, SOON)).when(tick(SOON + timedelta(minutes=1)))
    for report in heard.published:
        told = told.given(fact(report, SOON))
    permit_id = due.choices[0].permit.permit_id
    assert told.state.log[f"permit {permit_id}"].result == "delivered"
    assert due.follow_up_id not in told.state.open


def test_a_message_that_arrived_is_over():
    told = story(*OPENED, wrote(SOON), **LAW).when(tick(SOON))
    (due,) = notes(told.published)
    over = told.given(delivered(due.follow_up_id, SOON)).when(tick(SOON + timedelta(minutes=1)))
    assert due.follow_up_id not in over.state.open
