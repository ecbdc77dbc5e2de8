"""Two records were one person: one case ends and hands over, the other goes on with what both knew."""

import msgspec
from msgspec.structs import replace

from services.scheduler.domain import merging
from services.scheduler.domain.state import CollectionCase, Merger
from services.scheduler.service import SCHEDULER
from shared.events.core_banking import CustomerMerged
from shared.events.envelope import Event
from shared.events.scheduler import CaseClosed, CaseMerged, FollowUpCancelled
from shared.messaging.cases import upcast
from shared.testing import START, Story, days, fact, of_type, tick
from tests.domain.scheduler.cases import (
    account,
    at,
    customer,
    deceased,
    due,
    follow_ups,
    merged,
    missed,
    opted_out,
    promised,
    received,
    requested,
    said,
    steps_taken,
    story,
)
from tests.domain.scheduler.commanded import let_go, placed, shut
from tests.domain.scheduler.handing import handed_over

MISS = missed(at("2026-03-01", "06:00"))
OPENED = (customer(), account(), MISS, tick(START))
SOON = START + days(0.1)


def into(when, survivor="C9", ended="C1") -> Event:
    """A merger, as the case of C1 hears of it."""
    data = CustomerMerged(customer_id=survivor, from_customer_id=ended)
    told = fact(data, when, event_id=f"{ended} into {survivor}")
    return replace(told, subject="C1")


def of(customer_id: str, *events: Event) -> list[Event]:
    """The same facts and ticks of another customer."""
    return [
        replace(event, subject=customer_id, data=replace(event.data, customer_id=customer_id))
        for event in events
    ]


def handed(told: Story) -> list[CaseMerged]:
    return of_type(told.published, CaseMerged)


def ended(*events: Event) -> Story:
    """The case of C0, which ends in C1 at START: what it hands over after these facts."""
    merger = replace(merged(START), subject="C0")
    return story(*of("C0", *events), merger, *of("C0", tick(START)))


def taken(told: Story, by: Story) -> Story:
    """Let the case of C1 take over all that *told* handed over so far."""
    return by.given(*(fact(data, told.now) for data in handed(told)))


def test_the_case_that_ended_cancels_closes_and_hands_over():
    told = story(*OPENED, into(SOON)).when(tick(SOON))
    assert told.types() == [
        "follow_up.cancelled", "case.merged", "bucket.changed", "case.closed",
    ]  # fmt: skip
    (cancelled,) = of_type(told.published, FollowUpCancelled)
    assert cancelled.reason == "merged"
    assert of_type(told.published, CaseClosed)[-1].cause == "merged"
    (publication,) = [p for p in told.decision.publish if isinstance(p.data, CaseMerged)]
    assert (publication.key, publication.data.customer_id) == ("C9", "C9")
    assert publication.data.facts["accounts"]["A"]["instalments"]["I1"]["amount_minor"] == 1000
    assert told.state.stage == "idle"
    told.when(tick(SOON)).then_nothing()


def test_nothing_is_ever_due_again_in_a_case_that_ended():
    told = story(*OPENED, into(SOON), tick(SOON), missed(SOON, instalment_id="I2"))
    told.given(due(SOON, instalment_id="I3", due_on="2026-03-20"), requested(SOON, START + days(2)))
    told.given(promised(SOON, "2026-03-05"), placed(SOON)).run_until(START + days(300))
    assert len(follow_ups(told)) == 1
    assert told.state.stage == "idle"
    assert told.state.wake_at is None
    assert "promise.broken" not in told.types()


def test_each_fact_that_still_arrives_is_handed_on_by_itself():
    told = story(*OPENED, into(SOON), tick(SOON))
    told.when(received(SOON + days(1), 400)).when(tick(SOON + days(1)))
    assert told.types() == ["case.merged"]
    assert set(told.decision.publish[0].data.facts) == {"accounts"}
    told.when(opted_out(SOON + days(2), channel="call")).when(tick(SOON + days(2)))
    (entry,) = told.decision.publish[0].data.facts["log"].values()
    assert (entry["type"], entry["channel"]) == ("optout", "call")
    abouts = [entry.about for entry in told.decision.publish]
    assert len(abouts) == len(set(abouts))


def test_a_repeat_is_not_handed_on():
    told = story(*OPENED, into(SOON), tick(SOON)).given(received(SOON, 400), tick(SOON))
    told.when(received(SOON, 400)).then_nothing()
    told.when(into(SOON)).then_nothing()


def test_what_is_not_fresh_still_stops_and_hands_over():
    told = story(*OPENED, into(SOON)).when(tick(SOON, fresh=False))
    assert told.types() == ["follow_up.cancelled", "case.merged"]
    told.when(tick(SOON))
    assert told.types() == ["bucket.changed", "case.closed"]


def test_the_survivor_takes_no_step_before_the_facts_have_come():
    told = story(customer(), MISS, merged(START)).run_until(at("2026-03-20"))
    assert steps_taken(told) == []
    told.given(handed_over(at("2026-03-20", "10:00"))).when(tick(at("2026-03-20", "10:00")))
    assert steps_taken(told) == ["call_2 2026-03-20 10:00"]


def test_the_survivor_goes_on_with_the_debts_of_both():
    told = story(*OPENED, merged(SOON), handed_over(SOON), tick(SOON))
    told.run_until(at("2026-03-04"))
    (amount,) = follow_ups(told)[-1].situation.overdue
    assert amount.amount_minor == 1700
    assert follow_ups(told)[-1].situation.accounts == ("A", "B")


def test_promises_holds_and_deaths_go_over_and_their_ends_win():
    told = ended(
        promised(START, "2026-03-09", "R"), placed(START, "H1"), placed(START, "H2"), deceased(START),
        opted_out(START, channel="sms"),
    )  # fmt: skip
    survivor = taken(told, story(let_go(START, "H2")))
    assert set(survivor.state.promises) == {"R"}
    assert set(survivor.state.halts) == {"H1"}
    assert survivor.state.deceased == (START, False)
    types = [entry.type for entry in survivor.state.log.values()]
    assert {"optout", "person.merged", "hold.released"} <= {*types}
    told.given(*of("C0", let_go(SOON, "H1"), tick(SOON)))
    taken(told, survivor)
    assert survivor.state.halts == {}


def test_what_a_person_closed_stays_closed_until_something_newer_is_late():
    told = ended(customer(), MISS, tick(START), shut(START + days(0.05)))
    survivor = taken(told, story(customer(), merged(START))).given(tick(SOON))
    survivor.run_until(at("2026-03-20"))
    assert survivor.published == []
    later = missed(at("2026-03-20"), instalment_id="I2", due_on="2026-03-15")
    survivor.given(later).when(tick(at("2026-03-20", "10:00")))
    assert survivor.types()[0] == "case.opened"


def test_a_chain_hands_on_what_it_was_handed():
    middle = story(handed_over(START), into(START, survivor="C9"), tick(START))
    (data,) = handed(middle)
    assert set(data.facts["accounts"]) == {"B"}
    middle.given(handed_over(SOON, bankrupt={"N1": [START, False]}), tick(SOON))
    assert set(handed(middle)[-1].facts) == {"bankrupt"}


def test_a_circle_ends_nobody_twice():
    told = story(*OPENED, into(START, "C9"), into(SOON, "C1", "C9"), tick(SOON))
    assert merging.survivors(told.state.mergers) == {"C1": "C9"}
    other = story(*OPENED, into(SOON, "C9"), into(START, "C1", "C9"), tick(SOON))
    assert merging.survivors(other.state.mergers) == {"C9": "C1"}
    assert other.state.stage == "reminder"


def test_a_circle_of_three_is_seen_when_the_others_tell():
    told = story(*OPENED, into(START + days(1), "C3", "C1"), tick(START + days(1)))
    assert told.state.stage == "idle"
    known = [
        Merger(ended="C3", survivor="C2", time=START, id="1"),
        Merger(ended="C2", survivor="C1", time=START, id="2"),
    ]
    facts = msgspec.to_builtins(merging.Facts(mergers=tuple(known)))
    told.given(handed_over(START + days(2), **facts)).when(tick(START + days(2)))
    assert "case.opened" in told.types()
    assert told.state.episode == 2


def test_who_was_named_later_is_told_where_the_record_had_ended_before():
    told = story(*OPENED, into(START, "C8"), tick(START))
    told.given(replace(into(SOON, "C9"), time=SOON), tick(SOON))
    everything, mergers, word = handed(told)
    assert [each.customer_id for each in (everything, mergers, word)] == ["C8", "C8", "C9"]
    assert set(mergers.facts) == {"log", "mergers"}
    assert set(word.facts) == {"mergers"}


def test_who_had_ended_in_another_before_brings_that_one_along():
    waiting = story(customer(), MISS, merged(SOON))
    assert merging.awaited(waiting.state, "C1") == ("C0",)
    elsewhere = Merger(ended="C0", survivor="C8", time=START, id="a")
    facts = msgspec.to_builtins(merging.Facts(mergers=(elsewhere,)))
    waiting.given(handed_over(SOON, **facts))
    assert merging.survivors(waiting.state.mergers) == {"C0": "C8", "C8": "C1"}
    assert merging.awaited(waiting.state, "C1") == ("C8",)


def test_a_record_merged_into_itself_ends_nobody():
    told = story(*OPENED).given(said(CustomerMerged, SOON, from_customer_id="C1"))
    told.when(tick(SOON)).then()
    assert merging.survivor_of(told.state, "C1") == ""
    assert merging.awaited(told.state, "C1") == ()


def test_every_field_of_the_case_is_handed_over_or_stays_for_a_reason():
    """A new field of the state must be put here: a fact that is not handed over is lost with the record that ended."""
    stays = {
        "stage", "wake_at", "region", "portfolio", "customer", "invalid", "closure", "heard_of", "handed",
        "to_hand", "episode", "opened_at", "bucket", "steps", "open", "cancelled", "regrets", "reminded",
        "holds", "diverged", "cures", "kept", "broken", "changes", "requests", "asked", "refusals",
        "shared", "messages", "answers", "given",
    }  # fmt: skip
    over = {*merging.KEYED, *merging.WHOLE}
    assert over | stays == set(CollectionCase.__struct_fields__)
    assert over | {"points"} == set(merging.Facts.__struct_fields__)


def test_a_state_that_knew_a_merger_as_a_hold_is_read():
    old = '{"merged":["C0>C1"],"stage":"open"}'
    case = upcast(SCHEDULER, old, 1)
    assert merging.survivors(case.mergers) == {"C0": "C1"}
    assert merging.awaited(case, "C1") == ("C0",)
    assert merging.survivor_of(case, "C0") == "C1"
    assert upcast(SCHEDULER, '{"stage":"open"}', 1) == CollectionCase(stage="open")
    told = story()
    told.state = replace(case, stage="idle")
    assert [p.key for p in merging.hand_over(told.state, "C0")[1]] == ["C1"]
