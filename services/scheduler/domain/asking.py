"""Answer those who ask leave for a contact: people at the phone, and services that plan a contact of their own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from services.scheduler.domain import logbook, proposing
from services.scheduler.domain.gatekeeping import MERGED, Ruling, permit, refused
from services.scheduler.domain.state import Answer, Asked, CollectionCase, Promise
from services.scheduler.domain.view import View
from shared.events import contacts, permits
from shared.events.envelope import Event
from shared.ids import derive
from shared.permits.outcomes import reservation

Fold = Callable[[CollectionCase, Any, Event], CollectionCase]
LIFETIME = timedelta(minutes=2)
"""How long a person may take from the permit to the contact (RULES.md section 4)."""
REMEMBERED = timedelta(hours=24)
"""How long a person who sends a request again hears the same answer."""
TOO_LATE = "PERMIT.TOO_LATE"
"""The request was answered when its time was over."""
HELD = "CASE.HOLD."
NOT_DUE = "CASE.NOTHING_DUE"
_PURSUING = frozenset({"collect", "locate", "reminder"})
"""What a hold of the case stops; whoever answers the customer is bound by the packs alone."""


def asked(case: CollectionCase, data: contacts.PermitAsked, event: Event) -> CollectionCase:
    """Note that a person wants to make a contact now."""
    wanted = Asked(
        at=event.time, by=data.by, channel=data.channel, point_id=data.point_id,
        purpose=data.purpose, accounts=data.account_ids, contacted=data.contacted,
        place=data.place, topic=data.topic, template=data.template, tags=data.tags,
        conduct=data.conduct,
    )  # fmt: skip
    return _noted(case, data.permit_id, wanted)


def requested(case: CollectionCase, data: permits.PermitRequested, event: Event) -> CollectionCase:
    """Note that a service wants to make a contact within a window."""
    wanted = Asked(
        at=event.time, follow_up_id=data.follow_up_id, channel=data.channel,
        point_id=data.point_id, not_before=data.not_before, not_after=data.not_after,
        purpose=data.purpose, template=data.template, tags=data.tags, conduct=data.conduct,
    )  # fmt: skip
    return _noted(case, data.permit_id, wanted)


def reported(case: CollectionCase, data: contacts.ContactReported, event: Event) -> CollectionCase:
    """Take the promise that a person was given; what else came of the contact stands in the log."""
    promise_id = derive("scheduler", data.customer_id, data.permit_id, "promise")
    if data.promised_on is None or promise_id in case.promises or promise_id in case.spent:
        return case
    promise = Promise(promised_on=data.promised_on, made_at=event.time)
    return replace(case, promises={**case.promises, promise_id: promise})


def _noted(case: CollectionCase, permit_id: str, wanted: Asked) -> CollectionCase:
    if permit_id in case.asked or permit_id in case.spent:
        return case
    return replace(case, asked={**case.asked, permit_id: wanted})


def take_back(view: View) -> None:
    """Take back what a service was granted and has not used, where a rule has come in the way since, or the record ended."""
    case = view.case
    for permit_id, wanted in sorted(case.given.items()):
        entry = case.log.get(logbook.permit_key(permit_id))
        if entry is not None and entry.expires is not None and view.now < entry.expires:
            made = proposing.asked(view, wanted, max(entry.at, view.now), permit_id)
            ruling = refused(MERGED) if view.heir else proposing.judged(view, made)
            if ruling.allowed:
                continue
            _refuse(view, permit_id, wanted, ruling, about=f"{permit_id}/taken back")
        left = {key: each for key, each in view.case.given.items() if key != permit_id}
        view.case = replace(view.case, given=left)


def answer(view: View) -> None:
    """Grant or refuse what was asked, in the order in which it was: the first one gets the last place."""
    waiting = sorted(view.case.asked.items(), key=lambda each: (each[1].at, each[0]))
    answered = dict.fromkeys(
        (permit_id for permit_id, wanted in waiting if not _can_wait(view, wanted)), view.now
    )
    for permit_id, wanted in waiting:
        if permit_id in answered:
            _answer(view, permit_id, wanted)
        elif wanted.not_after is not None:
            view.wakes.append(wanted.not_after)
    if answered:
        left = {permit_id: each for permit_id, each in waiting if permit_id not in answered}
        view.case = replace(view.case, asked=left, spent={**view.case.spent, **answered})


def _can_wait(view: View, wanted: Asked) -> bool:
    """Whether to wait for the facts of a record that goes on in this one: people at the phone do not, services do."""
    in_time = wanted.not_after is not None and view.now < wanted.not_after
    return in_time and not wanted.by and bool(view.awaits)


def advice(view: View, wanted: Asked) -> Ruling:
    """Answer what would be said to somebody who asks at the view's instant; nothing is reserved."""
    return proposing.judged(view, _stopped(view, wanted) or proposing.asked(view, wanted, view.now))


def forget_answers(view: View) -> None:
    """Drop what people were told so long ago that they do not ask again."""
    kept = {
        permit_id: told
        for permit_id, told in view.case.answers.items()
        if told.at >= view.now - REMEMBERED
    }
    if len(kept) < len(view.case.answers):
        view.case = replace(view.case, answers=kept)


def _answer(view: View, permit_id: str, wanted: Asked) -> None:
    begins = max(wanted.not_before or view.now, view.now)
    ends = wanted.not_after or wanted.at + LIFETIME
    stopped = _stopped(view, wanted)
    if begins >= ends:
        stopped = refused(TOO_LATE)
    made = stopped or proposing.asked(view, wanted, begins)
    ruling = proposing.judged(view, made)
    at = begins if ruling.allowed else ruling.earliest
    if (
        isinstance(made, Ruling)
        or at is None
        or at >= ends
        or not (wanted.not_before or ruling.allowed)
    ):
        _refuse(view, permit_id, wanted, ruling)
        return
    assert ruling.until is not None, "what is allowed is allowed until some time"
    way = (wanted.channel, wanted.point_id)
    if wanted.not_after is None:
        ends = at + LIFETIME
    debts = tuple(sorted({debt for each in made for debt in each.debts}))
    leave = replace(permit(permit_id, way, at, min(ruling.until, ends), ruling), accounts=debts)
    view.case = view.keeper.reserve(view.case, reservation(leave, made, view.now))
    if wanted.by:
        _remember(view, permit_id, Answer(at=view.now, permit=leave))
    if wanted.follow_up_id:
        view.case = replace(view.case, given={**view.case.given, permit_id: wanted})
    view.say(
        permit_id,
        permits.PermitGranted(
            customer_id=view.customer_id,
            permit=leave,
            follow_up_id=wanted.follow_up_id,
            by=wanted.by,
        ),
    )


def _stopped(view: View, wanted: Asked) -> Ruling | None:
    """Answer what of the case itself stands in the way: for any purpose, or of pursuing the debt."""
    if view.heir:
        return refused(MERGED)
    if view.awaits:
        return refused(MERGED, needs_fact="case.merged")
    if wanted.purpose and wanted.purpose not in _PURSUING:
        return None
    if held := view.held():
        return refused(HELD + held[0].partition(":")[0].upper())
    return None if view.overdue or wanted.purpose == proposing.REMIND else refused(NOT_DUE)


def _refuse(view: View, permit_id: str, wanted: Asked, ruling: Ruling, *, about: str = "") -> None:
    said = permits.PermitRefused(
        customer_id=view.customer_id,
        permit_id=permit_id,
        channel=wanted.channel,
        point_id=wanted.point_id,
        follow_up_id=wanted.follow_up_id,
        by=wanted.by,
        reasons=ruling.reasons,
        earliest_next=ruling.earliest,
        inputs={
            "at": view.now.isoformat(),
            "purpose": wanted.purpose,
            "conduct": wanted.conduct,
        },
        packs=ruling.packs,
        facts=ruling.facts,
    )
    if wanted.by:
        _remember(view, permit_id, Answer(at=view.now, refused=said))
    view.say(about or permit_id, said)


def _remember(view: View, permit_id: str, told: Answer) -> None:
    view.case = replace(view.case, answers={**view.case.answers, permit_id: told})


FOLDS: dict[type[Any], Fold] = {
    contacts.PermitAsked: asked,
    contacts.ContactReported: reported,
    permits.PermitRequested: requested,
}
