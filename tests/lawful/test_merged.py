"""Contacts of merged records: judged with the person united, and by what the record could know when leave was given."""

from msgspec.structs import replace

from shared.events.core_banking import CustomerMerged, CustomerUpdated
from shared.events.declarations import ReassignedCheckClean
from shared.events.scheduler import CaseMerged
from shared.lawful.judging import Person
from shared.testing import fact
from tests.lawful.test_findings import asked, call_by_agency, granted, only, reported
from tests.lawful.told import DAY, HOUR, MANNER, MINUTE, MORNING, RECORD, judged

RULE = "CN.FREQ.EFFECTIVE3"
MERGER = fact(CustomerMerged(customer_id="C1", from_customer_id="C0"), MORNING - DAY)
CALL = (asked(), granted(), reported())


def of(event, customer="C0"):
    return replace(event, subject=customer, data=replace(event.data, customer_id=customer))


def calls(told, first=0, last=3):
    """The agency's calls to the ended record this morning, told at once."""
    return [of(call_by_agency(n, MORNING - (n + 1) * MINUTE, told)) for n in range(first, last)]


def handed(*numbers, at=MORNING, to="C1", by="C0"):
    log = {f"/agencies/AG1 k{n}": {} for n in numbers}
    return fact(CaseMerged(customer_id=to, from_customer_id=by, facts={"log": log}), at)


def ours(*events):
    return next(one for one in judged(*events) if one.made.kind == "person")


def test_contacts_of_the_ended_record_count_for_the_survivor():
    assert ours(*calls(MORNING - HOUR), MERGER, handed(0, 1, 2), *CALL).finding == "engine_fault"
    assert ours(*calls(MORNING - HOUR, last=2), MERGER, handed(0, 1), *CALL).finding == "lawful"


def test_what_was_told_before_the_merger_counts_also_where_nobody_waited_for_it():
    one = ours(*calls(MORNING - HOUR), MERGER, *CALL)
    assert (one.finding, one.rules) == ("engine_fault", (RULE,))


def test_what_was_on_its_way_from_the_ended_record_is_late_information():
    lately = calls(MORNING - MINUTE / 2)
    one = ours(MERGER, handed(at=MORNING - HOUR), *lately, *CALL, handed(0, 1, 2))
    assert (one.finding, one.rules) == ("late_information", (RULE,))
    assert "not yet handed over" in one.why
    one = ours(MERGER, handed(at=MORNING - HOUR), *lately, handed(0, 1, 2), *CALL)
    assert one.finding == "engine_fault"


def test_what_should_have_been_handed_over_long_ago_is_a_fault():
    one = ours(MERGER, *calls(MORNING - HOUR), *CALL)
    assert one.finding == "engine_fault"


def test_what_was_handed_over_in_part_counts_in_part():
    lately = calls(MORNING - MINUTE / 2)
    one = ours(MERGER, *lately, handed(0, 1), *CALL)
    assert one.finding == "late_information"


def test_in_a_chain_the_last_one_has_to_hear_of_it():
    chain = (
        fact(CustomerMerged(customer_id="C0", from_customer_id="C9"), MORNING - DAY),
        MERGER,
    )
    lately = [of(each, "C9") for each in calls(MORNING - MINUTE / 2)]
    between = handed(0, 1, 2, to="C0", by="C9")
    assert ours(*chain, *lately, between, *CALL).finding == "late_information"
    assert ours(*chain, *lately, between, handed(0, 1, 2), *CALL).finding == "engine_fault"


def test_an_outcome_of_the_ended_record_s_own_call_is_judged_by_its_own_leave():
    one = only(
        judged(*(of(each) for each in (*RECORD, asked(), granted())), MERGER, of(reported()))
    )
    assert (one.finding, one.made.customer_id) == ("lawful", "C1")


def test_leave_of_a_record_is_judged_by_its_own_points_wherever_the_person_goes_on():
    """The merger that counted was told later: the one that had ended by the first goes on."""
    other = replace(
        RECORD[0].data,
        contact_points=RECORD[0].data.contact_points[:1],
        time_zones=("Europe/London",),
    )
    back = fact(CustomerMerged(customer_id="C0", from_customer_id="C1"), MORNING - 2 * DAY)
    ended = (of(fact(other, MORNING - 9 * DAY)), of(RECORD[1]))
    leave = (of(each) for each in CALL)
    one = ours(*ended, MERGER, back, *leave)
    assert one.proposals[0].person == "C0"
    assert set(one.proposals[0].zones) == {"Asia/Shanghai", "Europe/London"}


def test_nobody_is_reached_by_the_points_of_the_ended_record():
    person = Person()
    record = RECORD[0].data
    assert isinstance(record, CustomerUpdated)
    other = replace(
        record, contact_points=(replace(record.contact_points[0], point_id="mobile-2"),)
    )
    for event in (*RECORD, of(fact(other, MORNING - 2 * DAY)), MERGER):
        person.take(event, MANNER)
    assert {e.point for e in person.everything() if e.type == "point.known"} == {"mobile-1"}


def test_facts_of_a_survivor_are_never_under_way():
    person = Person()
    checked = ReassignedCheckClean(customer_id="C1", by="anna", reason="x", point_id="mobile-1")
    for event in (*RECORD, MERGER, fact(checked, MORNING)):
        person.take(event, MANNER)
    assert person.record("C1").unhanded.facts == {}
    person.take(of(fact(checked, MORNING, event_id="of the ended one")), MANNER)
    assert len(person.record("C0").unhanded.facts) == 1
