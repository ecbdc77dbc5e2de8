"""Follow the contacts under way: what came in their way before they left, and the next choice after one failed."""

from msgspec.structs import replace

from services.scheduler.domain import ladder, logbook, proposing
from services.scheduler.domain.gatekeeping import MERGED, Ruling, permit
from services.scheduler.domain.state import OpenStep, Taken
from services.scheduler.domain.view import View
from shared.compliance.proposal import Proposal
from shared.events.permits import Permit, PermitGranted
from shared.events.scheduler import FollowUpCancelled
from shared.ids import derive
from shared.permits.outcomes import reservation

NO_PERMIT = "no_permit"


def permit_id(customer_id: str, follow_up_id: str, index: int) -> str:
    """Answer the id of the permit for the choice number *index* of a follow-up."""
    return derive("scheduler", customer_id, follow_up_id, "permit", index)


def granted(
    view: View, this_id: str, way: tuple[str, str], made: tuple[Proposal, ...], ruling: Ruling
) -> Permit:
    """Answer the permit for a contact that may be made now, and reserve its place under every cap."""
    assert ruling.until is not None, "what is allowed is allowed until some time"
    leave = permit(this_id, way, view.now, ruling.until, ruling)
    view.case = view.keeper.reserve(view.case, reservation(leave, made, view.now))
    return leave


def in_the_way(view: View, step: OpenStep) -> str:
    """
    Name the rule that came in the way of a contact that has not left; "" if none did, or it has.

    While the facts of a record that goes on in this one have not come, nobody knows: it is taken anew when they have.
    """
    entry = view.case.log.get(logbook.permit_key(step.permit_id)) if step.permit_id else None
    if entry is None or entry.expires is None or not entry.at <= view.now < entry.expires:
        return ""
    if view.awaits:
        return MERGED
    offer = step.offers[step.turn]
    made = proposing.offered(view, offer, entry.debts, entry.purpose, step.permit_id)
    ruling = proposing.judged(view, made)
    return "" if ruling.allowed else ruling.rules[0]


def move_on(view: View) -> None:
    """Let the next choice have its turn where one failed: with a permit, or the follow-up ends."""
    if view.awaits:
        return
    for follow_up_id, step in sorted(view.case.open.items()):
        if step.permit_id in step.failed:
            _next_choice(view, follow_up_id, step)


def _next_choice(view: View, follow_up_id: str, step: OpenStep) -> None:
    before = view.case.log.get(logbook.permit_key(step.permit_id))
    customer = view.case.customer
    rulings: list[Ruling] = []
    for index in range(step.turn + 1, len(step.offers)):
        offer = step.offers[index]
        if customer is None or before is None or not ladder.works(view.case, customer, offer):
            continue
        made = proposing.offered(view, offer, before.debts, before.purpose)
        ruling = proposing.judged(view, made)
        if ruling.allowed and not isinstance(made, Ruling):
            this_id = permit_id(view.customer_id, follow_up_id, index)
            leave = granted(view, this_id, (offer.channel, offer.point_id), made, ruling)
            view.say(
                this_id,
                PermitGranted(
                    customer_id=view.customer_id, permit=leave, follow_up_id=follow_up_id
                ),
            )
            moved = replace(step, turn=index, permit_id=this_id)
            view.case = replace(view.case, open={**view.case.open, follow_up_id: moved})
            return
        rulings.append(ruling)
    _wait_or_give_up(view, follow_up_id, step, rulings)


def _wait_or_give_up(view: View, follow_up_id: str, step: OpenStep, rulings: list[Ruling]) -> None:
    """Wait for the choice that is allowed before the follow-up is over; else end it, to be taken again later."""
    earliest = min((each.earliest for each in rulings if each.earliest is not None), default=None)
    if earliest is not None and step.not_after is not None and earliest < step.not_after:
        view.wakes.append(earliest)
        return
    cancelled = FollowUpCancelled(
        customer_id=view.customer_id, follow_up_id=follow_up_id, kind=step.kind, reason=NO_PERMIT
    )
    view.say(follow_up_id, cancelled)
    case = view.case
    taken = Taken(
        attempt=step.attempt, result=NO_PERMIT, again=earliest is not None, after=earliest
    )
    view.case = replace(
        case,
        open={key: value for key, value in case.open.items() if key != follow_up_id},
        steps=case.steps if step.about else {**case.steps, step.step: taken},
        cancelled={**case.cancelled, **dict.fromkeys((follow_up_id, *step.sent), view.now)},
    )
