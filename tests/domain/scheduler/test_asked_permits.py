"""Leave that people and services ask for: the next tick answers, in the order of asking, and holds stop what pursues."""

from datetime import timedelta

import pytest
from msgspec import structs

from services.scheduler.domain import asking
from services.scheduler.domain.state import Asked
from services.scheduler.domain.view import View
from shared.events import contacts, permits, visits
from shared.events.core_banking import ContactPoint
from shared.events.permits import PermitGranted, PermitRefused
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    SHIPPED,
    account,
    at,
    customer,
    follow_ups,
    invalid,
    missed,
    opted_out,
    said,
    story,
)
from tests.domain.scheduler.commanded import placed
from tests.domain.scheduler.declared import conversations

MISS = missed(at("2026-03-01", "06:00"))
KNOWN = (customer(), account(), MISS)
OPENED = (*KNOWN, tick(START))
SOON = START + timedelta(minutes=10)
TOMORROW = SOON + days(1)
MINUTES = timedelta(minutes=2)
LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content}


def wants(permit_id="P1", when=SOON, **named):
    told = {"channel": "call", "point_id": "p-mobile", "tags": ("institution_identity",)} | named
    return said(contacts.PermitAsked, when, by="u-7", reason="to call", permit_id=permit_id, **told)


def plans(permit_id="V1", not_before=SOON, not_after=TOMORROW, **named):
    told = {"channel": "visit", "point_id": "p-post", "follow_up_id": "F"} | named
    return said(
        permits.PermitRequested, SOON, permit_id=permit_id, not_before=not_before,
        not_after=not_after, **told,
    )  # fmt: skip


def test_a_person_gets_leave_for_two_minutes():
    told = story(*OPENED, wants()).when(tick(SOON))
    (granted,) = of_type(told.published, PermitGranted)
    assert (granted.by, granted.follow_up_id, granted.permit.permit_id) == ("u-7", "", "P1")
    assert (granted.permit.not_before, granted.permit.not_after) == (SOON, SOON + MINUTES)
    assert told.state.log["permit P1"].expires == SOON + MINUTES
    told.given(wants()).when(tick(SOON)).then()


def test_near_the_evening_the_leave_ends_with_the_window():
    late = at("2026-03-02", "20:59")
    told = story(*OPENED, wants(when=late)).when(tick(late))
    assert of_type(told.published, PermitGranted)[0].permit.not_after == at("2026-03-02", "21:00")


def test_of_two_who_race_for_the_last_place_exactly_one_gets_it():
    """CN.FREQ.EFFECTIVE3: two conversations were had, one is left."""
    talks = conversations(SOON, 2)
    told = story(*OPENED[:-1], *talks, wants("P1"), wants("P2"), **LAW).when(tick(SOON))
    assert [type(fact) for fact in told.published if isinstance(fact, PermitGranted | PermitRefused)] == [
        PermitGranted, PermitRefused,
    ]  # fmt: skip
    refusal = of_type(told.published, PermitRefused)[0]
    assert {reason.rule for reason in refusal.reasons} == {"CN.FREQ.EFFECTIVE3"}
    assert (refusal.permit_id, refusal.by) == ("P2", "u-7")


def test_an_outcome_that_is_told_replaces_the_reservation_of_a_person():
    told = story(*OPENED, wants()).given(tick(SOON))
    told.given(
        said(contacts.ContactReported, SOON, by="u-7", reason="rang", permit_id="P1", result="busy")
    )
    entry = told.state.log["permit P1"]
    assert (entry.result, entry.expires) == ("busy", None)


def test_who_is_answered_too_late_is_refused():
    told = story(*OPENED, wants()).when(tick(SOON + MINUTES))
    (refusal,) = of_type(told.published, PermitRefused)
    assert [reason.rule for reason in refusal.reasons] == ["PERMIT.TOO_LATE"]


def test_a_stale_tick_answers_nothing_and_keeps_the_question():
    told = story(*OPENED, wants()).when(tick(SOON, fresh=False)).then()
    assert list(told.state.asked) == ["P1"]


def test_an_unknown_point_is_nobody_s():
    told = story(*OPENED, wants(point_id="p-else")).when(tick(SOON))
    assert {each.needs_fact for each in of_type(told.published, PermitRefused)[0].reasons} == {
        "party"
    }


def test_a_hold_stops_who_pursues_and_not_who_answers():
    told = story(*OPENED, placed(SOON), wants("P1"), wants("P2", purpose="reply")).when(tick(SOON))
    (refusal,) = of_type(told.published, PermitRefused)
    assert [reason.rule for reason in refusal.reasons] == ["CASE.HOLD.PERSON"]
    assert of_type(told.published, PermitGranted)[0].permit.permit_id == "P2"


def test_nobody_is_asked_for_what_is_not_due():
    told = story(customer(), account(), wants()).when(tick(SOON))
    assert [each.rule for each in of_type(told.published, PermitRefused)[0].reasons] == [
        "CASE.NOTHING_DUE"
    ]


def test_a_visit_gets_leave_within_its_window_and_the_hours():
    begin, end = at("2026-03-04", "06:00"), at("2026-03-04", "23:00")
    told = story(*OPENED, plans(not_before=begin, not_after=end)).when(tick(SOON))
    (granted,) = of_type(told.published, PermitGranted)
    assert (granted.follow_up_id, granted.permit.channel) == ("F", "visit")
    assert granted.permit.not_before == at("2026-03-04", "08:00")
    assert granted.permit.not_after == at("2026-03-04", "21:00")
    assert told.state.log["permit V1"].at == at("2026-03-04", "08:00")


def test_a_visit_that_no_hour_of_its_window_allows_is_refused_with_the_next():
    begin, end = at("2026-03-04", "21:00"), at("2026-03-04", "23:00")
    told = story(*OPENED, plans(not_before=begin, not_after=end)).when(tick(SOON))
    (refusal,) = of_type(told.published, PermitRefused)
    assert refusal.earliest_next == at("2026-03-05", "08:00")
    assert "permit V1" not in told.state.log


def test_what_a_visit_was_granted_is_taken_back_when_a_rule_comes_in_its_way():
    begin, end = at("2026-03-04", "09:00"), at("2026-03-04", "18:00")
    told = story(*OPENED, plans(not_before=begin, not_after=end), tick(SOON))
    told.when(tick(SOON)).then()
    later = SOON + days(0.1)
    told.given(opted_out(later, point_id="p-post")).when(tick(later))
    (refusal,) = of_type(told.published, PermitRefused)
    assert (refusal.permit_id, [each.rule for each in refusal.reasons]) == (
        "V1",
        ["FIRM.OPTOUT.POINT"],
    )
    told.when(tick(later)).then()


def test_a_visit_that_was_made_keeps_its_leave():
    begin, end = at("2026-03-04", "09:00"), at("2026-03-04", "18:00")
    told = story(*OPENED, plans(not_before=begin, not_after=end), tick(SOON))
    came = said(
        visits.VisitCompleted, begin, visit_id="V", follow_up_id="F", outcome="met", permit_id="V1"
    )
    told.given(came, opted_out(begin, point_id="p-post")).given(tick(begin))
    assert of_type(told.published, PermitRefused) == []
    assert (told.state.log["permit V1"].result, told.state.given) == ("effective", {})


def test_a_visit_without_two_members_of_staff_is_refused_under_the_law_of_the_place():
    conduct = {"staff": 1, "id_shown": True, "recording": True, "entry_consent_or_outside": True}
    told = story(*OPENED, plans(conduct=conduct), **LAW).when(tick(SOON))
    (refusal,) = of_type(told.published, PermitRefused)
    assert "CN.VISIT.CONDUCT" in {reason.rule for reason in refusal.reasons}
    assert follow_ups(told)


def test_what_a_person_was_told_is_remembered_for_a_day_and_not_what_a_service_was():
    told = story(*OPENED, wants("P1"), wants("P2", purpose="locate"), plans()).given(tick(SOON))
    answers = told.state.answers
    assert answers["P1"].permit.not_after == SOON + MINUTES
    assert set(answers) == {"P1", "P2"}
    told.given(tick(SOON + days(1)))
    assert set(told.state.answers) == {"P1", "P2"}
    told.given(wants("P3", when=SOON + days(1.1)), tick(SOON + days(1.1)))
    assert set(told.state.answers) == {"P3"}


def test_a_look_beforehand_says_what_an_answer_would_and_changes_nothing():
    told = story(*OPENED)
    night = at("2026-03-03", "22:00")
    view = View("C1", told.state, night, told.reactor.policy)
    wanted = Asked(at=night, by="u-7", channel="call", point_id="p-mobile")
    ruling = asking.advice(view, wanted)
    assert (ruling.allowed, ruling.rules) == (False, ("FIRM.TIME.QUIET",))
    assert ruling.earliest == at("2026-03-04", "08:00")
    assert (view.case, view.out) == (told.state, [])


@pytest.mark.parametrize(("party", "is_unreachable"), [("debtor", False), ("contact_person", True)])
def test_only_the_debtor_s_own_numbers_tell_that_nobody_reaches_them(party, is_unreachable):
    """CN.WHO.PARTY: a contact person may be asked where the debtor is once all mobile numbers of the debtor are void."""
    friend = ContactPoint(point_id="p-friend", kind="mobile", party="contact_person")
    other = ContactPoint(point_id="p-other", kind="mobile", party=party)
    mobile = ContactPoint(point_id="p-mobile", kind="mobile", party="debtor")
    known = customer()
    record = structs.replace(known.data, contact_points=(mobile, friend, other))
    told = story(
        structs.replace(known, data=record), account(), MISS, invalid("p-mobile", SOON), **LAW
    )
    told.given(wants(point_id="p-friend", purpose="locate")).when(tick(SOON))
    assert bool(of_type(told.published, PermitGranted)) == is_unreachable
