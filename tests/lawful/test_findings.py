"""What the audit calls a contact: lawful, late information, pack changed, bypass, or a fault of the engine."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.compliance.rules import Window
from shared.events.agencies import AgencyContacted, AgencyPlaced
from shared.events.commands import DisputeRaised, MessageWritten
from shared.events.contacts import ContactReported, PermitAsked
from shared.events.core_banking import CustomerMerged, CustomerUpdated
from shared.events.legal import LegalWithdrawn
from shared.events.notifier import ContactPointShared, ContactUnknown
from shared.events.permits import Permit, PermitGranted
from shared.events.scheduler import Choice
from shared.events.visits import VisitFailed
from shared.testing import fact
from tests.lawful.told import (
    DAY,
    EVENING,
    HOUR,
    MINUTE,
    MORNING,
    POLICY,
    RECORD,
    due,
    judged,
    permit,
    sent,
)

WHO = {"by": "anna", "reason": "told at the counter"}


def dispute(at, occurred_at=None):
    raised = DisputeRaised(
        customer_id="C1", hold_id="h-1", account_id="A", occurred_at=occurred_at, **WHO
    )
    return fact(raised, at)


def only(found):
    (one,) = found
    return one


def test_a_text_within_its_leave_that_no_rule_forbids_is_lawful():
    one = only(judged(due(), sent()))
    assert (one.finding, one.rules) == ("lawful", ())
    assert [verdict.allowed for verdict in (*one.then, *one.now)] == [True, True]


def test_what_was_told_after_the_leave_of_before_it_is_late_information():
    letter = dispute(MORNING + 2 * HOUR, occurred_at=MORNING - DAY)
    one = only(judged(due(), sent(), letter))
    assert one.finding == "late_information"
    assert one.rules == ("CN.HOLD.DISPUTE",)
    assert "dispute.opened" in {entry.type for entry in one.late}
    assert one.then[0].allowed


def test_a_dispute_of_after_the_contact_changes_nothing():
    assert only(judged(due(), sent(), dispute(MORNING + 2 * HOUR))).finding == "lawful"


def test_leave_that_was_given_although_a_rule_was_in_the_way_is_a_fault():
    one = only(judged(dispute(MORNING - DAY), due(), sent()))
    assert one.finding == "engine_fault"
    assert one.rules == ("CN.HOLD.DISPUTE",)


def test_a_night_of_which_the_permit_knows_nothing_is_a_fault():
    night = EVENING + 2 * HOUR
    leave = permit(not_before=night, not_after=night + HOUR)
    one = only(judged(due(leave, night), sent(night + MINUTE)))
    assert one.finding == "engine_fault"
    assert {"CN.TIME.QUIET", "FIRM.TIME.QUIET"} <= set(one.rules)


def test_in_a_capture_what_was_said_just_before_may_have_come_later():
    before = dispute(MORNING - timedelta(seconds=20))
    assert only(judged(before, due(), sent(), exact=False)).finding == "late_information"
    assert only(judged(before, due(), sent(), exact=True)).finding == "engine_fault"
    long_before = dispute(MORNING - HOUR)
    assert only(judged(long_before, due(), sent(), exact=False)).finding == "engine_fault"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ((due(), sent(permit_id="")), "no permit"),
        ((sent(),), "never given"),
        ((due(), sent(channel="email")), "by email"),
        ((due(), sent(point_id="family-1")), "to the point family-1"),
        ((due(), sent(MORNING - MINUTE)), "before its leave"),
        ((due(), sent(EVENING)), "after its leave"),
    ],
    ids=["none", "unknown", "channel", "point", "early", "late"],
)
def test_a_contact_that_its_leave_does_not_cover_is_a_bypass(told, why):
    one = only(judged(*told))
    assert one.finding == "bypass"
    assert why in one.why


def test_a_capture_may_tell_of_the_hand_over_a_little_late():
    assert only(judged(due(), sent(EVENING + MINUTE), exact=False)).finding == "lawful"
    assert only(judged(due(), sent(EVENING + 3 * MINUTE), exact=False)).finding == "bypass"


def test_rules_that_came_after_the_leave_are_no_fault():
    stricter = Window(id="NEW", strength="firm", evidence="primary", deny_local=("09:00-10:00",))
    firm = next(pack for pack in POLICY.packs if pack.pack == "firm-standard")
    packs = tuple(
        replace(pack, rules=(*pack.rules, stricter), digest="0" * 64) if pack is firm else pack
        for pack in POLICY.packs
    )
    one = only(judged(due(), sent(), packs=packs))
    assert (one.finding, one.rules) == ("pack_changed", ("NEW",))


def note(**changes):
    """What a person wrote, as the scheduler sends it: a step of its own, with a purpose."""
    named = {"stage": "", "step": "note.m-1", "purpose": "reply", **changes}
    choice = Choice(
        channel="sms", point_id="mobile-1", template="note.sms", permit=permit(),
        content="txt:1:sealed", message_id="m-1",
    )  # fmt: skip
    return due(choices=(choice,), **named)


def written(*tags):
    data = MessageWritten(
        customer_id="C1", message_id="m-1", channel="sms", point_id="mobile-1", language="zh-CN",
        tags=tags, content="txt:1:sealed", **WHO,
    )  # fmt: skip
    return fact(data, MORNING)


def test_a_note_that_answers_the_customer_is_lawful_where_a_dispute_stops_the_pursuit():
    raised = dispute(MORNING - DAY)
    one = only(judged(raised, written(), note(), sent(template="note.sms")))
    assert (one.finding, one.made.kind) == ("lawful", "message")
    one = only(judged(raised, written(), note(purpose="collect"), sent(template="note.sms")))
    assert (one.finding, one.rules) == ("engine_fault", ("CN.HOLD.DISPUTE",))


def test_what_a_person_says_in_a_note_is_judged_too():
    one = only(judged(written("claim.legal_action"), note(), sent(template="note.sms")))
    assert one.proposals[0].tags >= {"claim.legal_action", "institution_identity"}


def test_a_letter_or_a_visit_of_which_nobody_knows_is_judged_as_if_it_had_been_made():
    lost = LegalWithdrawn(
        customer_id="C1", follow_up_id="f-1", reason="letter: unknown", permit_id="none-1"
    )
    vain = VisitFailed(
        customer_id="C1", visit_id="v-1", follow_up_id="f-2", reason="unreported", final=True,
        permit_id="none-2",
    )  # fmt: skip
    found = judged(fact(lost, EVENING), fact(vain, EVENING))
    assert [(one.made.kind, one.finding) for one in found] == [
        ("letter", "bypass"), ("visit", "bypass"),
    ]  # fmt: skip
    assert not judged(
        fact(replace(lost, permit_id=""), EVENING), fact(replace(vain, reason="absent"), EVENING)
    )


def test_what_may_have_left_is_judged_as_if_it_had():
    lost = ContactUnknown(
        customer_id="C1", follow_up_id="f-1", effect_id="e-1", channel="sms", permit_id="permit-1"
    )
    one = only(judged(due(), fact(lost, EVENING + DAY)))
    assert (one.finding, one.made.surely) == ("lawful", False)


def asked(point_id="mobile-1", at=MORNING, **changes):
    data = PermitAsked(
        customer_id="C1", permit_id="call-1", channel="call", point_id=point_id,
        tags=("institution_identity",), account_ids=("A",), **WHO,
    )  # fmt: skip
    return fact(replace(data, **changes), at)


def granted(point_id="mobile-1", at=MORNING, permit_id="call-1"):
    leave = Permit(
        permit_id=permit_id, channel="call", point_id=point_id, not_before=at,
        not_after=at + 2 * MINUTE, packs=tuple(pack.name for pack in POLICY.packs), accounts=("A",),
    )  # fmt: skip
    return fact(PermitGranted(customer_id="C1", permit=leave, by="anna"), at)


def reported(at=MORNING + HOUR, occurred_at=None, permit_id="call-1"):
    data = ContactReported(
        customer_id="C1", permit_id=permit_id, result="effective", occurred_at=occurred_at, **WHO
    )
    return fact(data, at)


def test_a_persons_call_is_judged_at_the_instant_that_was_permitted():
    one = only(judged(asked(), granted(), reported()))
    assert (one.finding, one.made.kind, one.made.at) == ("lawful", "person", MORNING)
    late = only(judged(asked(), granted(), reported(occurred_at=MORNING + HOUR)))
    assert late.finding == "bypass"


def test_a_call_to_a_contact_person_needs_more_than_leave():
    one = only(judged(asked("family-1"), granted("family-1"), reported()))
    assert (one.finding, "CN.WHO.PARTY" in one.rules) == ("engine_fault", True)


def call_by_agency(number, at, told):
    data = AgencyContacted(
        customer_id="C1", contact_id=f"k{number}", agency="AG1", occurred_at=at, channel="call",
        result="effective", point_id="mobile-1", account_ids=("A",),
    )  # fmt: skip
    return fact(data, told)


def test_an_agencys_fourth_call_is_late_information_of_the_agency():
    calls = [call_by_agency(n, MORNING + n * HOUR, MORNING + n * HOUR + DAY) for n in range(4)]
    found = judged(*calls)
    assert [one.finding for one in found] == [*["lawful"] * 3, "late_information"]
    assert found[-1].rules == ("CN.FREQ.EFFECTIVE3",)


@pytest.mark.parametrize(("listed", "rules"), [(True, ()), (False, ("CN.AGENCY.LISTED",))])
def test_an_agency_that_no_public_list_named_should_not_have_called(listed, rules):
    given = AgencyPlaced(
        customer_id="C1", placement_id="L1", agency="AG1", on_public_list=listed, placed_at=MORNING - DAY
    )  # fmt: skip
    one = only(judged(call_by_agency(0, MORNING, MORNING + DAY), fact(given, MORNING + 2 * DAY)))
    assert (one.finding, one.rules) == ("late_information" if rules else "lawful", rules)


def test_an_agencys_calls_that_were_told_late_make_ours_late_information():
    calls = [call_by_agency(n, MORNING - (n + 1) * MINUTE, MORNING + DAY) for n in range(3)]
    found = judged(asked(), granted(), reported(), *calls)
    ours = next(one for one in found if one.made.kind == "person")
    assert (ours.finding, ours.rules) == ("late_information", ("CN.FREQ.EFFECTIVE3",))


def test_a_call_that_is_told_late_counts_on_the_day_on_which_it_was_made():
    day_before = [
        event
        for n in range(3)
        for event in (
            asked(permit_id=f"y{n}", at=MORNING - DAY + n * HOUR),
            granted(permit_id=f"y{n}", at=MORNING - DAY + n * HOUR),
            reported(MORNING - MINUTE, MORNING - DAY + n * HOUR, f"y{n}"),
        )
    ]
    assert {one.finding for one in judged(*day_before, asked(), granted(), reported())} == {
        "lawful"
    }


@pytest.mark.parametrize(("files", "finding"), [(1, "lawful"), (2, "engine_fault")])
def test_a_number_in_two_files_leaves_each_half_of_what_may_be_tried(files, finding):
    shared = ContactPointShared(customer_id="C1", point_id="mobile-1", k=files, rank=1)
    tries = [
        fact(
            AgencyContacted(
                customer_id="C1", contact_id=f"t{n}", agency="AG1", occurred_at=MORNING - n * MINUTE,
                channel="call", result="no_answer", point_id="mobile-1", account_ids=("A",),
            ),
            MORNING - MINUTE,
        )
        for n in range(1, 4)
    ]  # fmt: skip
    found = judged(fact(shared, MORNING - HOUR), *tries, asked(), granted(), reported())
    assert found[-1].finding == finding
    assert found[-1].rules == (() if files == 1 else ("CN.FREQ.ATTEMPT6",))


def test_what_another_record_of_the_same_person_knew_counts_from_the_merger_on():
    merger = fact(CustomerMerged(customer_id="C1", from_customer_id="C0"), MORNING + DAY)
    person = RECORD[0].data
    assert isinstance(person, CustomerUpdated)
    calls = [
        replace(each, subject="C0", data=replace(each.data, customer_id="C0"))
        for each in (
            call_by_agency(n, MORNING - (n + 1) * MINUTE, MORNING - MINUTE) for n in range(3)
        )
    ]
    before = judged(*calls, asked(), granted(), reported(), merger)
    ours = next(one for one in before if one.made.kind == "person")
    assert (ours.finding, ours.rules) == ("late_information", ("CN.FREQ.EFFECTIVE3",))
