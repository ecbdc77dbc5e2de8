"""The loop of one instant, with reactors made up for it: rounds, effects, windows, repetitions, endless talk."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from shared.clock import AT_ONCE
from shared.decision import CaseState, Decision, Effect, Publish, Reactor
from shared.events.common import FollowUpRequested, FollowUpWithdrawn
from shared.events.envelope import Event, Woken
from shared.events.notifier import ProviderReceipt
from shared.events.permits import Permit
from shared.permits.permitted import carried
from shared.replay.world import MAX_ROUNDS, EndlessRounds, World
from shared.testing import START, days, fact
from tests.domain.scheduler.cases import merged, missed

PERMITTED = {
    "point_id": "P1",
    **carried(
        Permit(
            permit_id="PERMIT-1",
            channel="sms",
            point_id="P1",
            not_before=START - days(9),
            not_after=START + days(99),
        )
    ),
}


class Heard(CaseState, frozen=True, kw_only=True):
    """What the made-up services remember: the types they heard."""

    types: tuple[str, ...] = ()
    told: int = 0


TOMORROW = START + days(1)
Act = Callable[[Heard, datetime], Decision[Any]]


def reactor(name: str, reacts_to: set[str], act: Act) -> Reactor[Any]:
    def decide(state: Heard, event: Event, now: datetime, _: Any) -> Decision[Any]:
        if isinstance(event.data, Woken):
            return act(state, now)
        return Decision(Heard(types=(*state.types, event.type), told=state.told, wake_at=AT_ONCE))

    return Reactor(
        name=name,
        state=Heard,
        decide=decide,
        policy=None,
        reacts_to=frozenset(reacts_to),
        publishes=frozenset(),
    )


def rest(state: Heard, _: datetime) -> Decision[Any]:
    return Decision(Heard(types=state.types, told=state.told))


def answering(model: Any, limit: int, **more: Any) -> Act:
    """Publish on each tick, up to *limit* times."""

    def act(state: Heard, now: datetime) -> Decision[Any]:
        if state.told == limit:
            return rest(state, now)
        data = model(customer_id="C1", follow_up_id=f"F{state.told}", **more)
        said = Publish(f"{state.told}", data)
        return Decision(Heard(types=state.types, told=state.told + 1), (said,))

    return act


def pair(limit: int) -> list[Reactor[Any]]:
    """Two services that answer each other."""
    request = {"due_at": START, "purpose": "x"}
    return [
        reactor(
            "scheduler",
            {"payment.missed", "follow_up.withdrawn"},
            answering(FollowUpRequested, limit, **request),
        ),
        reactor("visits", {"follow_up.requested"}, answering(FollowUpWithdrawn, limit)),
    ]


def world(reactors: list[Reactor[Any]], outcomes: Any = lambda *_: (), **more: Any) -> World:
    lived = World(reactors, outcomes, **more)
    lived.run([missed()], START + days(9))
    return lived


def notifier(
    not_before: datetime = START, not_after: datetime = TOMORROW, request: Any = PERMITTED
) -> Reactor[Any]:
    """It makes one contact for the first fact that it hears."""

    def act(state: Heard, now: datetime) -> Decision[Any]:
        if state.told:
            return rest(state, now)
        effect = Effect("E1", "contact.sms", request, not_before, not_after)
        return Decision(Heard(types=state.types, told=1), effects=(effect,))

    return reactor("notifier", {"payment.missed", "provider.receipt"}, act)


def receipt(outcome: Any, at: datetime) -> tuple[datetime, ProviderReceipt]:
    return at, ProviderReceipt(customer_id="C1", effect_id="E1", outcome=outcome)


def heard(lived: World) -> tuple[str, ...]:
    return lived.states[0, "C1"].types  # type: ignore[attr-defined]


def test_each_answer_is_a_round_of_its_own():
    lived = world(pair(limit=3))
    assert [(entry.round, entry.service) for entry in lived.published] == [
        (1, 0), (2, 1), (3, 0), (4, 1), (5, 0), (6, 1),
    ]  # fmt: skip


def test_services_that_answer_each_other_for_ever_stop_the_run_as_a_defect():
    world(pair(limit=MAX_ROUNDS // 2 - 1))
    with pytest.raises(EndlessRounds, match="more than 50 rounds at 2026-03-02"):
        world(pair(limit=MAX_ROUNDS))


def test_a_case_that_always_wants_to_be_woken_stops_the_run_too():
    def restless(state: Heard, now: datetime) -> Decision[Any]:
        return Decision(Heard(types=state.types, wake_at=now))

    with pytest.raises(EndlessRounds):
        world([reactor("scheduler", {"payment.missed"}, restless)])


def test_a_fact_that_makes_a_service_act_is_a_defect():
    def decide(state: Heard, event: Event, _: datetime, __: Any) -> Decision[Any]:
        return Decision(state, (Publish("x", event.data),))

    rash = Reactor("scheduler", Heard, decide, None, frozenset({"payment.missed"}), frozenset())
    with pytest.raises(AssertionError, match=r"payment\.missed made scheduler act"):
        world([rash])


def test_an_effect_leaves_only_when_all_decisions_of_the_instant_are_settled():
    left: list[str] = []
    reactors = [*pair(limit=2), notifier()]
    told = World(reactors, lambda *_: left.append(str(len(told.published))) or ())
    told.run([missed()], START)
    assert left == ["4"]


def test_an_effect_waits_for_its_window():
    left: list[datetime] = []
    later = START + days(0.5)
    world([notifier(not_before=later)], lambda *arguments: left.append(arguments[3]) or ())
    assert left == [later]


def test_an_effect_whose_window_is_over_is_refused_as_expired():
    lived = world([notifier(not_after=START)], lambda *_: pytest.fail("it must not leave"))
    assert heard(lived) == ("payment.missed", "provider.receipt")


def test_what_the_input_speaks_for_does_not_leave():
    world([notifier()], lambda *_: pytest.fail("it must not leave"), silent=frozenset({"E1"}))


def test_what_a_provider_tells_twice_is_heard_once():
    twice = [
        receipt("sent", START),
        receipt("delivered", START + days(1)),
        receipt("delivered", START + days(2)),
    ]
    lived = world([notifier()], lambda *_: twice)
    assert heard(lived) == ("payment.missed", "provider.receipt", "provider.receipt")


def test_outcomes_beyond_the_end_are_not_heard():
    lived = world(
        [notifier()], lambda *_: [receipt("sent", START), receipt("delivered", START + days(10))]
    )
    assert heard(lived) == ("payment.missed", "provider.receipt")


def test_core_banking_is_delivered_before_outcomes_of_the_same_instant():
    lived = World([notifier()], lambda *_: ())
    outcome = fact(receipt("sent", START)[1], START, source="/a", event_id="a")
    lived.run([outcome, missed()], START)
    assert heard(lived) == ("payment.missed", "provider.receipt")


def test_a_withdrawn_effect_does_not_leave():
    def withdrawing(state: Heard, event: Event, _: datetime, __: Any) -> Decision[Any]:
        if isinstance(event.data, Woken):
            effect = Effect("E1", "contact.sms", PERMITTED, START + days(1), START + days(2))
            return Decision(Heard(told=1), effects=() if state.told else (effect,))
        return Decision(
            Heard(told=state.told, wake_at=AT_ONCE), withdraw=("E1",) if state.told else ()
        )

    hasty = Reactor(
        "notifier", Heard, withdrawing, None, frozenset({"payment.missed"}), frozenset()
    )
    lived = World([hasty], lambda *_: pytest.fail("it must not leave"))
    lived.run([missed(), missed(START + days(0.1))], START + days(9))
    assert lived.states[0, "C1"].told == 1  # type: ignore[attr-defined]


def test_a_merger_is_delivered_to_both_customers():
    lived = World([reactor("scheduler", {"customer.merged"}, rest)], lambda *_: ())
    lived.run([merged(START)], START)
    assert {customer for _, customer in lived.states} == {"C0", "C1"}


def test_each_customer_of_a_merger_is_told_under_their_own_name():
    def decide(_: Heard, event: Event, __: datetime, ___: Any) -> Decision[Any]:
        return Decision(Heard(types=(event.subject,)))

    named = Reactor("scheduler", Heard, decide, None, frozenset({"customer.merged"}), frozenset())
    lived = World([named], lambda *_: ())
    lived.run([merged(START)], START)
    assert {key[1]: state.types for key, state in lived.states.items()} == {
        "C0": ("C0",),
        "C1": ("C1",),
    }  # type: ignore[attr-defined]


def test_an_effect_without_a_permit_does_not_leave_and_its_service_hears_why():
    asked: list[Any] = []
    lived = world([notifier(request={})], lambda *about: asked.append(about) or ())
    assert asked == []
    assert heard(lived) == ("payment.missed", "provider.receipt")
