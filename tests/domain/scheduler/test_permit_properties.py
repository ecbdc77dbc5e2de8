"""Under the law of every place, in every life: no contact without a permit, no permit beyond a cap, in any order."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduler.domain import logbook
from services.scheduler.domain.gatekeeping import rules_of
from shared.canonical import digest
from shared.compliance.known import Known
from shared.compliance.proposal import Proposal
from shared.events.envelope import Event
from shared.events.permits import PermitGranted, PermitRefused
from shared.events.registry import TYPE_OF, WOKEN
from shared.events.scheduler import FollowUpDue
from shared.testing import START
from tests.domain.scheduler.cases import SHANGHAI, SHIPPED, story
from tests.domain.scheduler.lives import LIVES, live, topic

LAW = {"packs": SHIPPED.packs, "content": SHIPPED.content}
for_all = settings(max_examples=60, deadline=None)


def said(told):
    return [f"{TYPE_OF[type(data)]} {data}" for data in told.published]


@for_all
@given(LIVES)
def test_every_contact_that_is_due_bears_a_permit_that_is_reserved(moves):
    told = story(**LAW)
    for event in live(moves, **LAW)[1]:
        told.given(event)
        given_now = [
            entry.data.permit
            if isinstance(entry.data, PermitGranted)
            else entry.data.choices[0].permit
            for entry in told.decision.publish
            if isinstance(entry.data, PermitGranted)
            or (isinstance(entry.data, FollowUpDue) and entry.data.kind == "contact")
        ]
        for permit in given_now:
            assert permit is not None
            assert event.time <= permit.not_before < permit.not_after
            assert permit.packs
            reserved = told.state.log[logbook.permit_key(permit.permit_id)]
            assert (reserved.result, reserved.expires) == ("pending", permit.not_after)


@for_all
@given(LIVES)
def test_no_call_is_permitted_beyond_three_that_count_on_its_day(moves):
    """CN.FREQ.EFFECTIVE3, counted by hand: what was answered or may be, by the bank and its agencies."""
    told = story(**LAW)
    for event in live(moves, **LAW)[1]:
        told.given(event)
        for entry in told.decision.publish:
            permit = getattr(entry.data, "permit", None)
            if isinstance(entry.data, FollowUpDue) and entry.data.choices:
                permit = entry.data.choices[0].permit
            if permit is not None and permit.channel == "call":
                assert len(counted(told.state.log.values(), permit.not_before)) <= 3


def counted(log, instant):
    day = instant.astimezone(SHANGHAI).date()
    return [
        each
        for each in log
        if (each.type, each.channel, each.direction) == ("contact", "call", "out")
        and each.at.astimezone(SHANGHAI).date() == day
        and (
            each.result in {"effective", "answered"}
            or (each.result == "pending" and (each.expires is None or each.expires > instant))
        )
    ]


@for_all
@given(LIVES, st.randoms(use_true_random=False))
def test_facts_commute_under_the_law_too(moves, random):
    told, events = live(moves, **LAW)
    mixed: list[Event] = []
    waiting: list[Event] = []
    for event in [*events, None]:
        if event is not None and event.type != WOKEN:
            waiting.append(event)
            continue
        while waiting:
            name = random.choice(sorted({topic(fact) for fact in waiting}))
            first = next(fact for fact in waiting if topic(fact) == name)
            waiting.remove(first)
            mixed.append(first)
        mixed += [event] if event is not None else []
    retold = story(*mixed, **LAW)
    assert said(retold) == said(told)
    assert digest(retold.state) == digest(told.state)


@for_all
@given(LIVES)
def test_a_refusal_is_never_said_twice_and_always_has_a_reason(moves):
    seen = set()
    told = story(**LAW)
    for event in live(moves, **LAW)[1]:
        told.given(event)
        for entry in told.decision.publish:
            if isinstance(entry.data, PermitRefused):
                assert entry.data.reasons
                assert entry.about not in seen
                seen.add(entry.about)


@for_all
@given(LIVES, st.sampled_from(["call", "sms", "visit"]), st.integers(0, 20))
def test_what_is_forgotten_changes_no_answer(moves, channel, later):
    """The log as it was told, and the log that is kept, answer alike from now on."""
    told, events = live(moves, **LAW)
    whole: dict[str, logbook.Entry] = {}
    retold = story(**LAW)
    for event in events:
        retold.given(event)
        whole |= retold.state.log
        for key in [
            key for key in whole if key.startswith("permit ") and key not in retold.state.log
        ]:
            if whole[key].expires is not None:
                del whole[key]  # it was given back
    now = max((event.time for event in events), default=START)
    rules = rules_of(told.reactor.policy)
    proposal = Proposal(
        at=now + timedelta(hours=6 * later), channel=channel, voice="human", purpose="collect",
        party="debtor", person="C1", debts=("A",), point="p-mobile", creditor="BANK",
        collector="bank", role="first_party", product="credit_card", zones=("Asia/Shanghai",),
        tags=frozenset({"institution_identity"}), debtor_country="CN", region="CN-31",
        debtor_state="none", debtor_city="CN-31", conduct={"recording": True},
    )  # fmt: skip
    answers = []
    for log in (told.state.log, whole):
        state = type(told.state)(
            customer=told.state.customer, accounts=told.state.accounts, log=log
        )
        known = Known(logbook.entries(state, "C1"))
        verdict = rules.gate.verdict(proposal, known, proposal.at)
        answers.append((verdict.blocked_by, verdict.earliest_next))
    assert answers[0] == answers[1]
