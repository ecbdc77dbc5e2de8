"""Free text that a person writes to the customer: it waits for the gate, and leaves within an approved frame."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from services.scheduler.domain import following, ladder, logbook, proposing, situation
from services.scheduler.domain.asking import HELD, NOT_DUE, TOO_LATE
from services.scheduler.domain.gatekeeping import MERGED, Ruling, refused
from services.scheduler.domain.state import CollectionCase, Offer, OpenStep, Written
from services.scheduler.domain.view import View
from shared.compliance.proposal import Proposal
from shared.events import commands
from shared.events.envelope import Event
from shared.events.permits import PermitRefused
from shared.events.scheduler import Choice, FollowUpDue
from shared.ids import derive

Fold = Callable[[CollectionCase, Any, Event], CollectionCase]
FRAME = "note."
"""How the names of the frames begin; the channel follows."""
NOTE = "note"
"""How `about` of a message's open step begins; "/" and its id follow."""
LIFETIME = timedelta(days=2)
"""How long a message waits for its permit: what was written for today may be wrong the day after tomorrow."""
POINT_GONE = "CASE.POINT_NOT_USABLE"


def written(case: CollectionCase, data: commands.MessageWritten, event: Event) -> CollectionCase:
    """Note that a person wrote to the customer; the text itself is sealed."""
    if data.message_id in case.messages or data.message_id in case.spent:
        return case
    message = Written(
        at=event.time, by=data.by, channel=data.channel, point_id=data.point_id,
        purpose=data.purpose, tags=data.tags, content=data.content,
    )  # fmt: skip
    return replace(case, messages={**case.messages, data.message_id: message})


def send(view: View) -> None:
    """
    Send what may be sent, in the order in which it was written; wait for what may be sent in time; refuse the rest.

    All wait while the facts of a record that goes on in this one have not come.
    """
    if view.awaits:
        return
    waiting = sorted(view.case.messages.items(), key=lambda each: (each[1].at, each[0]))
    for message_id, message in waiting:
        _send(view, message_id, message)


def is_note(step: OpenStep) -> bool:
    """Whether the follow-up is a message that a person wrote."""
    return step.about.startswith(f"{NOTE}/")


def replies(case: CollectionCase, step: OpenStep) -> bool:
    """Whether the follow-up is a message that answers the customer: a hold of the case does not stop it."""
    entry = case.log.get(logbook.permit_key(step.permit_id))
    return is_note(step) and entry is not None and entry.purpose != proposing.COLLECT


def _send(view: View, message_id: str, message: Written) -> None:
    accounts = proposing.accounts_of(view.contactable)
    offer = _offer(view, message, accounts)
    made = _stopped(view, message, offer) or proposing.offered(
        view, offer, accounts, message.purpose
    )
    if isinstance(made, Ruling):
        ruling = made
    else:
        made = tuple(replace(each, tags=each.tags | frozenset(message.tags)) for each in made)
        ruling = proposing.judged(view, made)
    ends = message.at + LIFETIME
    if ruling.allowed and not isinstance(made, Ruling):
        _follow_up(view, message_id, message, offer, made, ruling)
    elif ruling.earliest is not None and ruling.earliest < ends:
        view.wakes.append(ruling.earliest)
        return
    else:
        _refuse(view, message_id, message, ruling)
    case = view.case
    left = {key: value for key, value in case.messages.items() if key != message_id}
    view.case = replace(case, messages=left, spent={**case.spent, message_id: view.now})


def _offer(view: View, message: Written, accounts: tuple[str, ...]) -> Offer:
    template = FRAME + message.channel
    if view.case.customer is not None:
        template = proposing.text_for(view, view.case.customer, template, accounts)
    return Offer(channel=message.channel, point_id=message.point_id, template=template)


def _stopped(view: View, message: Written, offer: Offer) -> Ruling | None:
    """Answer what of the case itself stands in the way of the message."""
    customer = view.case.customer
    if view.heir:
        return refused(MERGED)
    if view.now >= message.at + LIFETIME:
        return refused(TOO_LATE)
    if customer is None:
        return refused(proposing.NO_RECORD, needs_fact="party")
    if not view.contactable:
        return refused(NOT_DUE)
    if message.purpose == proposing.COLLECT and (held := view.held()):
        return refused(HELD + held[0].partition(":")[0].upper())
    return None if ladder.works(view.case, customer, offer) else refused(POINT_GONE)


def _follow_up(
    view: View,
    message_id: str,
    message: Written,
    offer: Offer,
    made: tuple[Proposal, ...],
    ruling: Ruling,
) -> None:
    follow_up_id = derive("scheduler", view.customer_id, message_id, "message")
    this_id = following.permit_id(view.customer_id, follow_up_id, 0)
    leave = following.granted(view, this_id, (offer.channel, offer.point_id), made, ruling)
    choice = Choice(
        channel=offer.channel, point_id=offer.point_id, template=offer.template, permit=leave,
        content=message.content, message_id=message_id,
    )  # fmt: skip
    step = FRAME + message_id
    bucket = view.strategy.bucket(view.dpd)
    due = FollowUpDue(
        customer_id=view.customer_id,
        follow_up_id=follow_up_id,
        kind="contact",
        episode=view.case.episode,
        step=step,
        purpose=message.purpose,
        choices=(choice,),
        not_before=view.now,
        not_after=ruling.until,
        situation=situation.describe(view.case, view.contactable, view.dpd, bucket),
    )
    view.say(follow_up_id, due)
    opened = OpenStep(
        step=step, kind="contact", about=f"{NOTE}/{message_id}", offers=(offer,), permit_id=this_id,
        not_after=ruling.until,
    )  # fmt: skip
    view.case = replace(view.case, open={**view.case.open, follow_up_id: opened})


def _refuse(view: View, message_id: str, message: Written, ruling: Ruling) -> None:
    follow_up_id = derive("scheduler", view.customer_id, message_id, "message")
    view.say(
        message_id,
        PermitRefused(
            customer_id=view.customer_id,
            permit_id=following.permit_id(view.customer_id, follow_up_id, 0),
            channel=message.channel,
            point_id=message.point_id,
            follow_up_id=follow_up_id,
            by=message.by,
            reasons=ruling.reasons,
            earliest_next=ruling.earliest,
            inputs={"at": view.now.isoformat(), "purpose": message.purpose, "tags": message.tags},
            packs=ruling.packs,
            facts=ruling.facts,
        ),
    )


FOLDS: dict[type[Any], Fold] = {commands.MessageWritten: written}
