"""What an effect must hold so that its text can be rendered later: references and figures, no names, no numbers."""

from datetime import timedelta
from typing import Any, cast

from services.notifier.domain.correspondence import Contact, Notice
from services.notifier.policy import NotifierPolicy, choose_language, days_to_pay
from shared.events.permits import Permit
from shared.events.scheduler import Situation
from shared.permits.permitted import carried


def request_of(
    follow_up_id: str,
    notice: Notice,
    contact: Contact,
    permit: Permit,
    policy: NotifierPolicy,
) -> dict[str, Any]:
    """Answer the request of a contact's effect; the notice still has its situation."""
    situation = cast("Situation", notice.situation)
    as_of_on = situation.oldest_due_on + timedelta(days=situation.dpd)
    grace = timedelta(days=days_to_pay(contact.template, policy))
    return {
        "follow_up_id": follow_up_id,
        "episode": notice.episode,
        "step": notice.step,
        "attempt": notice.attempt,
        "channel": contact.channel,
        "point_id": contact.point_id,
        "template": contact.template,
        "language": choose_language(situation.language, policy),
        "as_of_on": as_of_on.isoformat(),
        "pay_by_on": (as_of_on + grace).isoformat(),
        "oldest_due_on": situation.oldest_due_on.isoformat(),
        "dpd": situation.dpd,
        "overdue": [
            {"currency": due.currency, "amount_minor": due.amount_minor}
            for due in situation.overdue
        ],
        "accounts": list(situation.accounts),
        "creditor": situation.creditor,
        "region": situation.region,
        **carried(permit),
        **(
            {"content": contact.content, "message_id": contact.message_id}
            if contact.content
            else {}
        ),
    }
