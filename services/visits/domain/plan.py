"""Plan one attempt: the proposal, the day, the two members of staff, and the order that they will be given."""

from datetime import datetime

from msgspec.structs import replace

from services.visits.domain.state import Visit, order_id, visit_id
from services.visits.policy import VisitPolicy
from shared.decision import Effect
from shared.events.envelope import Fact
from shared.events.visits import VisitProposed, VisitScheduled


def plan(
    visit: Visit,
    whose: tuple[str, str],
    now: datetime,
    policy: VisitPolicy,
) -> tuple[Visit, tuple[Fact, ...], Effect, datetime]:
    """Answer the visit with its next attempt planned, what is said of it, the order, and when a report is due.

    *whose* is the customer_id and the follow_up_id. The visit has passed the screening, so it has a
    picture of the case, and in it an address.
    """
    situation = visit.situation
    assert situation is not None
    point_id = situation.address_point_id
    assert point_id is not None
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
    scheduled = VisitScheduled(
        customer_id=customer_id,
        visit_id=this_id,
        follow_up_id=follow_up_id,
        visit_on=visit_on,
        staff=names,
        identity_card=staff[0].identity_card,
    )
    planned = replace(
        visit,
        stage="scheduled",
        attempt=attempt,
        region=situation.region,
        visit_on=visit_on,
        staff=names,
        not_after=None,
        told="",
        report=None,
    )
    request = {
        "visit_id": this_id,
        "follow_up_id": follow_up_id,
        "attempt": attempt,
        "point_id": point_id,
        "region": situation.region,
        "language": situation.language,
        "visit_on": visit_on.isoformat(),
        "staff": list(names),
        "identity_card": staff[0].identity_card,
        "dpd": situation.dpd,
        "overdue": [
            {"currency": amount.currency, "amount_minor": amount.amount_minor}
            for amount in situation.overdue
        ],
    }
    not_before, not_after = policy.window(situation, visit_on)
    effect_id = order_id(customer_id, follow_up_id, attempt)
    order = Effect(effect_id, "visit.order", request, not_before, not_after)
    return planned, (proposed, scheduled), order, policy.report_due_at(situation, visit_on)
