"""What a merger means for contacts: the gate of the survivor sees both logs, and nothing leaves before it does."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from services.scheduler.domain import merging
from services.scheduler.domain.state import Merger
from shared.compliance.entries import Entry
from shared.events import contacts, permits
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.scheduler import CaseMerged, FollowUpCancelled
from shared.permits import outcomes
from shared.testing import START, days, fact, of_type, tick
from tests.domain.scheduler.cases import (
    SHIPPED,
    account,
    at,
    customer,
    delivered,
    failed,
    follow_ups,
    merged,
    missed,
    opted_out,
    permit_of,
    refused,
    said,
    sent,
    story,
    unknown,
)
from tests.domain.scheduler.commanded import shut
from tests.domain.scheduler.handing import handed_over
from tests.domain.scheduler.test_merging import MISS, OPENED, SOON, handed, into, of

LATER = SOON + days(0.05)
LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content, "ladder": ()}
RULE = "CN.FREQ.EFFECTIVE3"


def calls(told, ids, when, rule=RULE):
    """Ask leave for calls, one after the other, and reach the debtor; answers which were allowed."""
    allowed, whose = [], told.published[0].customer_id
    for number, id_ in enumerate(ids):
        then = when + timedelta(minutes=number)
        wanted = said(
            contacts.PermitAsked, then, by="u-7", reason="to call", permit_id=id_, channel="call",
            point_id="p-mobile", tags=("institution_identity",), conduct={"recording": True},
        )  # fmt: skip
        told.given(*of(whose, wanted, tick(then)))
        answer = told.decision.publish[-1].data
        allowed.append(isinstance(answer, PermitGranted))
        if isinstance(answer, PermitRefused):
            assert rule in {reason.rule for reason in answer.reasons}
            continue
        reached = said(
            contacts.ContactReported, then, by="u-7", reason="spoke", permit_id=id_, result="effective"
        )  # fmt: skip
        told.given(*of(whose, reached, tick(then)))
    return allowed


def _of_c0(merger):
    return replace(merger, subject="C0")


def _facts(**known):
    return msgspec.to_builtins(merging.Facts(**known))


def lives(whose="C1"):
    known = of(whose, customer(), account(account_id=f"A-{whose}"))
    owed = of(whose, missed(at("2026-03-01", "06:00"), account_id=f"A-{whose}"))
    return story(*known, *owed, *of(whose, tick(START)), **LAW)


def take_over(survivor, ended, when):
    words = [each for each in of_type(ended.published, CaseMerged) if each.customer_id == "C1"]
    survivor.given(*(fact(data, when) for data in words), tick(when))


def test_conversations_with_both_records_count_together_whenever_they_are_told():
    one, other = lives("C0"), lives()
    assert calls(one, ("a", "b"), SOON) == [True, True]
    merger = merged(LATER)
    one.given(*of("C0", tick(LATER)))
    one.given(_of_c0(merger), *of("C0", tick(LATER)))
    other.given(merger, tick(LATER))
    take_over(other, one, LATER)
    assert calls(other, ("c", "d", "e"), LATER) == [True, False, False]
    assert calls(other, ("f",), LATER + days(1)) == [True]


def test_an_opt_out_told_of_the_ended_record_stops_the_survivor():
    one, other = lives("C0"), lives()
    merger = merged(SOON)
    one.given(_of_c0(merger), *of("C0", tick(SOON)))
    other.given(merger, tick(SOON))
    take_over(other, one, SOON)
    one.given(*of("C0", opted_out(LATER, channel="call"), tick(LATER)))
    take_over(other, one, LATER)
    assert calls(other, ("a",), LATER, rule="FIRM.OPTOUT.CHANNEL") == [False]


def test_what_has_not_left_when_the_survivor_hears_of_the_merger_is_called_off_and_taken_anew():
    told = story(*OPENED)
    told.given(merged(SOON)).when(tick(SOON))
    (cancelled,) = of_type(told.published, FollowUpCancelled)
    assert cancelled.reason == "CASE.MERGED"
    told.given(handed_over(SOON)).when(tick(SOON))
    first, again = follow_ups(told)
    assert (first.step, first.attempt) == (again.step, again.attempt - 1)


def test_what_has_left_goes_on_and_its_fallback_waits_for_the_other_s_log():
    told = story(*OPENED)
    first = follow_ups(told)[0]
    due = first.follow_up_id
    told.given(sent(first, SOON), merged(SOON), tick(SOON))
    assert of_type(told.published, FollowUpCancelled) == []
    told.given(failed(due, LATER, final=False)).when(tick(LATER))
    assert told.types() == []
    told.given(handed_over(LATER)).when(tick(LATER))
    assert [each.permit.permit_id for each in of_type(told.published, PermitGranted)] == [
        permit_of(due, 1)
    ]


def plan(until):
    return said(
        permits.PermitRequested, SOON, permit_id="V1", not_before=SOON, not_after=until,
        channel="visit", point_id="p-post", follow_up_id="F",
    )  # fmt: skip


def test_a_service_that_asks_waits_for_the_other_s_log_and_a_person_does_not():
    told = story(*OPENED, merged(SOON), plan(LATER + days(1)))
    told.when(tick(SOON))
    assert told.types() == ["follow_up.cancelled"]
    assert told.state.wake_at == LATER + days(1)
    person = said(
        contacts.PermitAsked, SOON, by="u-7", reason="x", permit_id="P", channel="call", point_id="p-mobile"
    )  # fmt: skip
    told.given(person).when(tick(SOON))
    assert told.types() == ["permit.refused"]
    told.given(handed_over(LATER)).when(tick(LATER))
    assert [each.permit.permit_id for each in of_type(told.published, PermitGranted)] == ["V1"]


def test_a_service_waits_no_longer_than_its_window():
    told = story(*OPENED, merged(SOON), plan(LATER), tick(SOON)).when(tick(LATER))
    (refusal,) = of_type(told.published, PermitRefused)
    assert (refusal.permit_id, refusal.reasons[0].rule) == ("V1", "PERMIT.TOO_LATE")
    assert told.state.asked == {}


def test_a_reservation_of_the_ended_record_that_nothing_came_of_is_free_for_the_survivor():
    told = story(*OPENED)
    due = follow_ups(told)[0].follow_up_id
    told.given(into(SOON), tick(SOON)).given(refused(due, LATER)).when(tick(LATER))
    (word,) = handed(told)[1:]
    key = f"permit {permit_of(due, 0)}"
    (entry,) = word.facts["log"].values()
    survivor = story(*(fact(data, LATER) for data in handed(told)[::-1]))
    known = survivor.state.log[key]
    assert (known.result, known.expires) == ("pending", known.at)
    assert entry["expires"] == entry["at"]


@pytest.mark.parametrize("made", [unknown, delivered])
def test_an_outcome_told_of_the_ended_record_is_the_survivor_s_too(made):
    told = story(*OPENED)
    due = follow_ups(told)[0].follow_up_id
    told.given(into(SOON), tick(SOON)).given(made(due, LATER)).when(tick(LATER))
    survivor = story(*(fact(data, LATER) for data in handed(told)[::-1]))
    key = f"permit {permit_of(due, 0)}"
    assert survivor.state.log[key] == told.state.log[key]
    assert survivor.state.log[key].expires is None


def test_a_case_awaits_the_records_behind_the_one_that_hands_over():
    chain = (
        Merger(ended="C3", survivor="C0", time=START, id="1"),
        Merger(ended="C0", survivor="C1", time=START, id="2"),
    )
    told = story(customer(), MISS, handed_over(START, **_facts(mergers=chain)))
    assert merging.awaited(told.state, "C1") == ("C3",)
    told.given(handed_over(SOON, **_facts(heard_of=("C3",))))
    assert merging.awaited(told.state, "C1") == ()


def test_what_a_person_closes_at_the_ended_record_later_goes_over_too():
    told = story(*OPENED, into(SOON), tick(SOON)).given(shut(LATER)).when(tick(LATER))
    (word,) = handed(told)[1:]
    assert set(word.facts) == {"accounts"}
    survivor = story(customer(), *(fact(data, LATER) for data in handed(told)))
    survivor.run_until(at("2026-03-20"))
    assert follow_ups(survivor) == []


def test_a_case_that_a_person_closed_goes_on_with_the_debts_that_come_with_another_record():
    told = story(*OPENED, shut(SOON), tick(SOON), merged(LATER), tick(LATER))
    told.given(handed_over(LATER)).when(tick(LATER))
    assert "case.opened" in told.types()
    told.run_until(at("2026-03-04"))
    assert follow_ups(told)[-1].situation.accounts == ("B",)
    told.given(shut(at("2026-03-05"))).when(tick(at("2026-03-05")))
    assert "case.closed" in told.types()


@pytest.mark.parametrize("flip", [False, True])
def test_two_tellings_of_one_permit_are_joined_as_if_one_had_heard_of_all(flip):
    held = Entry(
        id="P", src=outcomes.SRC, type="contact", at=START, result="pending", channel="sms",
        direction="out", expires=LATER,
    )  # fmt: skip
    over = outcomes.gone(held, SOON)
    arrived = outcomes.with_outcome(held, "delivered", SOON)
    failure = outcomes.with_outcome(held, "no_answer", SOON)
    spoke = outcomes.with_outcome(arrived, "effective", LATER)
    for one, other, both in [
        (held, over, over),
        (held, failure, failure),
        (over, arrived, arrived),
        (failure, arrived, arrived),
        (arrived, spoke, spoke),
        (spoke, failure, spoke),
        (held, held, held),
    ]:
        assert outcomes.joined(*((other, one) if flip else (one, other))) == both


def test_a_reservation_for_tomorrow_that_ends_today_is_free_today():
    held = Entry(
        id="P", src=outcomes.SRC, type="contact", at=START + days(1), rec=START, result="pending",
        expires=START + days(2),
    )  # fmt: skip
    over = outcomes.gone(held, SOON)
    assert (over.at, over.expires, over.rec) == (SOON, SOON, None)
    assert outcomes.joined(held, over) == outcomes.joined(over, held) == over
