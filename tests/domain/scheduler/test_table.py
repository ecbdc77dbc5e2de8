"""Every stage x every event: what the fact and the tick after it lead to. Each cell is written by hand.

A new event type or stage makes this fail until its cells are answered. A cell names the next stage
and what is published, in order; `-` is nothing, `=` means that the stage stays. Letters:

    o case.opened   a segment.assigned   b bucket.changed   x case.closed   e stage.entered
    d follow_up.due   c follow_up.cancelled   h hold.applied   k promise.kept   v case.diverged   s step.skipped   g permit.granted   r permit.refused
"""

from collections.abc import Callable
from functools import partial

import pytest

from services.scheduler.policy import STAGES
from services.scheduler.service import SCHEDULER
from shared.events import legal, notifier, permits, visits
from shared.events.envelope import Event
from shared.events.registry import WOKEN
from shared.testing import Story, days, tick
from tests.domain.scheduler.cases import (
    account,
    at,
    bankrupt,
    changed,
    closed,
    customer,
    deceased,
    delivered,
    due,
    failed,
    follow_ups,
    invalid,
    legal_withdrawn,
    merged,
    missed,
    opted_out,
    promised,
    received,
    refused,
    requested,
    said,
    sent,
    stated,
    story,
    taken_back,
    visit_failed,
    visited,
    withdrawn,
)
from tests.domain.scheduler.commanded import (
    complained,
    declared_opt_out,
    disputed,
    do_not_call,
    in_hardship,
    inconvenient,
    let_go,
    noted,
    placed,
    promise_taken,
    represented,
    says_paid,
    shut,
    wrote,
)
from tests.domain.scheduler.declared import BESIDE, TABLE_BESIDE, declared
from tests.domain.scheduler.handing import handed_over

TABLE = """
                           idle            open        reminder   contact    letter     visit      legal
customer.updated           -               -           -          -          -          -          -
customer.merged            -               -           =c         =c         =c         -          -
case.merged                open:oab        -           -          -          -          -          -
customer.deceased          -               =h          =ch        =ch        =ch        =h         =h
customer.bankrupt          -               =h          =ch        =ch        =ch        =h         =h
account.updated            -               -           -          -          -          -          -
account.closed             -               idle:bx     idle:cbx   idle:cbx   idle:cbx   idle:cbx   idle:cbx
account.stated             =v              =vh         =cvh       =cvh       =cvh       =vh        =vh
payment.due                -               -           -          -          -          -          -
payment.missed             open:oab        -           -          -          -          -          -
payment.received           -               idle:bx     idle:cbx   idle:cbx   idle:cbx   idle:cbx   idle:cbx
payment.reversed           open:oab        -           -          -          -          -          -
instalment.changed         -               idle:bx     idle:cbx   idle:cbx   idle:cbx   idle:cbx   idle:cbx
contact.sent               -               -           -          -          -          -          -
contact.delivered          -               -           -          -          -          -          -
contact.answered           -               -           -          -          -          -          -
contact.failed             -               -           -          -          -          -          -
contact.refused            -               -           =d         =d         =d         -          -
contact.unknown            -               -           -          -          -          -          -
contact_point.invalidated  -               -           -          -          -          -          -
contact_point.shared       -               -           -          -          -          -          -
opt_out.recorded           -               -           =cd        -          -          -          -
promise.made               =k              =h          =ch        =ch        =ch        =h         =h
visit.promise_made         =k              =h          =ch        =ch        =ch        =h         =h
visit.completed            -               -           -          -          -          -          -
visit.failed               -               -           -          -          -          -          -
visit.cancelled            -               -           -          -          -          -          -
legal.letter_sent          -               -           -          -          -          -          -
permit.requested           =r              =g          =g         =g         =g         =g         =g
legal.withdrawn            -               -           -          -          -          -          -
attorney.appointed         -               =h          =ch        =ch        =ch        =h         =h
closure.decided            -               idle:bx     idle:cbx   idle:cbx   idle:cbx   idle:cbx   idle:cbx
complaint.raised           -               =h          =ch        =ch        =ch        =h         =h
dispute.raised             -               =h          =ch        =ch        =ch        =h         =h
do_not_call.declared       -               -           -          =cd        -          -          -
hardship.declared          -               =h          =ch        =ch        =ch        =h         =h
hold.placed                -               =h          =ch        =ch        =ch        =h         =h
hold.released              -               -           -          -          -          -          -
inconvenient.declared      -               -           -          -          -          -          -
note.taken                 -               -           -          -          -          -          -
message.written            =r              =d          =d         =d         =d         =d         =d
opt_out.declared           -               -           =cd        =cr        -          -          -
payment.claimed            -               =h          =ch        =ch        =ch        =h         =h
promise.taken              =k              =h          =ch        =ch        =ch        =h         =h
follow_up.requested        =d              =d          =d         =d         =d         =d         =d
follow_up.withdrawn        -               -           -          -          -          -          -
woken                      -               reminder:de =d         =d         =d         =d         =b
"""

LETTERS = {
    "case.opened": "o", "segment.assigned": "a", "bucket.changed": "b", "case.closed": "x",
    "stage.entered": "e", "follow_up.due": "d", "follow_up.cancelled": "c", "hold.applied": "h",
    "promise.kept": "k", "case.diverged": "v", "step.skipped": "s", "permit.granted": "g", "permit.refused": "r",
}  # fmt: skip
REACHED = {
    "idle": at("2026-03-02", "08:10"), "open": at("2026-03-02", "08:10"), "reminder": at("2026-03-02"),
    "contact": at("2026-03-08"), "letter": at("2026-04-05"), "visit": at("2026-05-05"),
    "legal": at("2026-06-04"),
}  # fmt: skip
"""When the case of I1, due on 2026-03-01, stands in each stage; `open` is before the first step."""
HISTORY = (
    customer(), account(), missed(at("2026-02-28", "06:00"), instalment_id="I0", due_on="2026-02-28"),
    received(at("2026-02-28", "12:00"), payment_id="P0", to={"I0": 1000}),
)  # fmt: skip


def contact_id(told: Story) -> str:
    """The last contact: under way in reminder, contact and letter, over in visit and legal."""
    return next((f.follow_up_id for f in reversed(follow_ups(told)) if f.kind == "contact"), "none")


def last_id(told: Story) -> str:
    return next((f.follow_up_id for f in reversed(follow_ups(told))), "none")


def of_contact(model: type, **named: object) -> Callable[[Story], Event]:
    return lambda told: said(model, told.now, follow_up_id=contact_id(told), effect_id="E", **named)


FACTS: dict[str, Callable[[Story], Event]] = {
    "customer.updated": lambda told: customer(told.now, preferred_channel="email"),
    "customer.merged": lambda told: merged(told.now),
    "case.merged": lambda told: handed_over(told.now),
    "customer.deceased": lambda told: deceased(told.now),
    "customer.bankrupt": lambda told: bankrupt(told.now),
    "account.updated": lambda told: account(told.now, creditor="OTHER"),
    "account.closed": lambda told: closed(told.now, "settled"),
    "account.stated": lambda told: stated(told.now, 5000),
    "payment.due": lambda told: due(told.now, instalment_id="I9", due_on="2026-12-01"),
    "payment.missed": lambda told: missed(told.now, instalment_id="I8"),
    "payment.received": lambda told: received(told.now + days(0.001)),
    "payment.reversed": lambda told: taken_back(told.now, "P0"),
    "instalment.changed": lambda told: changed(
        told.now + days(0.001), cause="waived", amount_minor=0
    ),
    "contact.sent": lambda told: (
        sent(follow_ups(told)[-1], told.now)
        if told.state.stage in {"reminder", "contact", "letter"}
        else of_contact(
            notifier.ContactSent,
            channel="sms",
            point_id="p",
            template="t",
            episode=1,
            step="s",
            attempt=1,
        )(told)
    ),
    "contact.delivered": lambda told: delivered(contact_id(told), told.now),
    "contact.answered": of_contact(
        notifier.ContactAnswered, channel="call", result="refused", right_party=True
    ),
    "contact.failed": lambda told: failed(contact_id(told), told.now),
    "contact.refused": lambda told: refused(contact_id(told), told.now),
    "contact.unknown": of_contact(notifier.ContactUnknown, channel="sms"),
    "contact_point.invalidated": lambda told: invalid("p-mobile", told.now),
    "contact_point.shared": lambda told: said(
        notifier.ContactPointShared, told.now, point_id="p-mobile", k=2, rank=1
    ),
    "opt_out.recorded": lambda told: opted_out(told.now, channel="sms"),
    "promise.made": lambda told: promised(told.now, "2026-12-01"),
    "visit.promise_made": lambda told: said(
        visits.VisitPromiseMade,
        told.now,
        promise_id="R",
        follow_up_id=last_id(told),
        promised_on=at("2026-12-01").date(),
    ),
    "visit.completed": lambda told: visited(last_id(told), told.now),
    "visit.failed": lambda told: visit_failed(last_id(told), told.now),
    "visit.cancelled": lambda told: said(
        visits.VisitCancelled,
        told.now,
        visit_id="V",
        follow_up_id=last_id(told),
        reason="hold: person",
    ),
    "legal.letter_sent": lambda told: said(
        legal.LegalLetterSent,
        told.now,
        follow_up_id=last_id(told),
        effect_id="E",
        reply_by_on=at("2026-12-01").date(),
    ),
    "permit.requested": lambda told: said(
        permits.PermitRequested,
        told.now,
        permit_id="V1",
        follow_up_id=last_id(told),
        channel="visit",
        point_id="p-post",
        not_before=told.now,
        not_after=told.now + days(1),
    ),
    "legal.withdrawn": lambda told: legal_withdrawn(last_id(told), told.now),
    "hold.placed": lambda told: placed(told.now),
    "hold.released": lambda told: let_go(told.now),
    "note.taken": lambda told: noted(told.now),
    "message.written": lambda told: wrote(told.now),
    "closure.decided": lambda told: shut(told.now + days(1)),
    "promise.taken": lambda told: promise_taken(told.now, "2026-12-01"),
    "payment.claimed": lambda told: says_paid(told.now),
    "do_not_call.declared": lambda told: do_not_call(told.now),
    "dispute.raised": lambda told: disputed(told.now),
    "complaint.raised": lambda told: complained(told.now),
    "hardship.declared": lambda told: in_hardship(told.now),
    "opt_out.declared": lambda told: declared_opt_out(told.now, point_id="p-mobile"),
    "inconvenient.declared": lambda told: inconvenient(told.now, ("12:00", "14:00")),
    "attorney.appointed": lambda told: represented(told.now),
    **{
        name: partial(lambda model, told: declared(model, told.now), model)
        for name, model in BESIDE.items()
    },
    "follow_up.requested": lambda told: requested(told.now, told.now),
    "follow_up.withdrawn": lambda told: withdrawn(told.now),
}


def in_stage(stage: str) -> Story:
    """A case in the stage: the step that led there is under way, all others are over."""
    told = story(*HISTORY)
    if stage != "idle":
        told.given(missed(at("2026-03-01", "06:00")))
    told.run_until(REACHED[stage])
    told.given(tick(REACHED[stage]))
    for follow_up in follow_ups(told)[:-1]:
        told.given(delivered(follow_up.follow_up_id, told.now))
    told.given(tick(told.now))
    assert told.state.stage == stage
    return told


HEAD, *ROWS = (line.split() for line in f"{TABLE}{TABLE_BESIDE}".splitlines() if line)
CELLS = {
    (stage, name): cell for name, *cells in ROWS for stage, cell in zip(HEAD, cells, strict=True)
}


def test_every_stage_and_every_event_has_its_cell():
    assert tuple(HEAD) == ("idle", "open", *STAGES)
    assert {name for name, *_ in ROWS} == {*SCHEDULER.reacts_to, WOKEN}
    assert set(FACTS) == SCHEDULER.reacts_to


@pytest.mark.parametrize(("stage", "name"), CELLS)
def test_cell(stage, name):
    told = in_stage(stage)
    if name == WOKEN:
        told.given(tick(max(told.now, told.state.wake_at or told.now)))
    else:
        event = FACTS[name](told)
        assert event.type == name
        told.given(event, tick(event.time))
    letters = "".join(LETTERS[type_] for type_ in told.types())
    cell = CELLS[stage, name]
    after, _, publishes = (f"{stage}:{cell.strip('-=')}" if cell[0] in "-=" else cell).partition(
        ":"
    )
    assert (told.state.stage, letters) == (after, publishes)
