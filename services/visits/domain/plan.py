"""Plan one attempt: the proposal, the day, the two members of staff, the leave that is asked, and the order then."""

from datetime import datetime

from msgspec.structs import replace

from services.visits.domain.state import Visit, order_id, permit_id, visit_id
from services.visits.policy import VisitPolicy
from shared.decision import Effect
from shared.events.envelope import Fact
from shared.events.permits import Permit, PermitRequested
from shared.events.scheduler import Situation
from shared.events.visits import VisitProposed, VisitScheduled
from shared.permits.permitted import carried


def plan(
    visit: Visit,
    whose: tuple[str, str],
    now: datetime,
    policy: VisitPolicy,
) -> tuple[Visit, tuple[Fact, ...]]:
    """Answer the visit with its next attempt planned, and what is said of it: the proposal, and that leave is asked.

    *whose* is the customer_id and the follow_up_id. The visit has passed the screening, so it has a
    picture of the case, and in it an address.
    """
    situation, point_id = _where(visit)
    customer_id, follow_up_id = whose
    attempt = visit.attempt + 1
    this_id = visit_id(customer_id, follow_up_id, attempt)
    visit_on = policy.day_of_visit(situation, now)
    staff = policy.staff_for(this_id, situation.region)
    names = tuple(member.staff_id for member in staff)
    proposed = VisitProposed(
        customer_id=customer_id,
        visit_id=this_id,
        follow_up_id=follow_up_id,
        episode=visit.episode,
        attempt=attempt,
        region=situation.region,
        point_id=point_id,
        score=policy.score(situation),
    )
    not_before, not_after = policy.window(situation, visit_on)
    asked = PermitRequested(
        customer_id=customer_id,
        permit_id=permit_id(customer_id, follow_up_id, attempt),
        follow_up_id=follow_up_id,
        channel="visit",
        point_id=point_id,
        not_before=not_before,
        not_after=not_after,
        tags=policy.says,
        conduct={"staff": len(staff), **policy.conduct},
    )
    planned = replace(
        visit,
        stage="asked",
        attempt=attempt,
        region=situation.region,
        visit_on=visit_on,
        staff=names,
        not_after=None,
        permit_id=asked.permit_id,
        answer=None,
        granted_at=None,
        told="",
        report=None,
    )
    return planned, (proposed, asked)


def schedule(
    visit: Visit, whose: tuple[str, str], permit: Permit, policy: VisitPolicy
) -> tuple[VisitScheduled, Effect, datetime]:
    """Answer what is said of a planned visit that got leave, its order, and when (UTC) a report is due.

    The order leaves within the permit and the hours of the day of the visit, and tells the staff that they are bound to them.
    """
    situation, point_id = _where(visit)
    customer_id, follow_up_id = whose
    visit_on = visit.visit_on
    assert visit_on is not None, "every plan has a day"
    this_id = visit_id(customer_id, follow_up_id, visit.attempt)
    card = policy.staff_for(this_id, situation.region)[0].identity_card
    scheduled = VisitScheduled(
        customer_id=customer_id,
        visit_id=this_id,
        follow_up_id=follow_up_id,
        visit_on=visit_on,
        staff=visit.staff,
        identity_card=card,
        permit_id=permit.permit_id,
    )
    request = {
        "visit_id": this_id,
        "follow_up_id": follow_up_id,
        "attempt": visit.attempt,
        "point_id": point_id,
        "region": situation.region,
        "language": situation.language,
        "visit_on": visit_on.isoformat(),
        "time_zone": policy.zone_of(situation).key,
        "staff": list(visit.staff),
        "identity_card": card,
        "dpd": situation.dpd,
        "overdue": [
            {"currency": amount.currency, "amount_minor": amount.amount_minor}
            for amount in situation.overdue
        ],
        **carried(permit),
    }
    opens, closes = policy.window(situation, visit_on)
    effect_id = order_id(customer_id, follow_up_id, visit.attempt)
    begin, end = max(opens, permit.not_before), min(closes, permit.not_after)
    order = Effect(effect_id, "visit.order", request, begin, end)
    return scheduled, order, policy.report_due_at(situation, visit_on)


def _where(visit: Visit) -> tuple[Situation, str]:
    situation = visit.situation
    assert situation is not None, "it has passed the screening"
    assert situation.address_point_id is not None, "likewise"
    return situation, situation.address_point_id
