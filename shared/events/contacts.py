"""Contacts that people make and take: leave for a call, what came of it, and customers who contact us."""

from typing import Any, Literal

from shared.events.commands import Happened, Said
from shared.events.declarations import Debts
from shared.events.envelope import DateOn, Name
from shared.events.permits import PermitChannel

Outcome = Literal[
    "not_connected",
    "no_answer",
    "busy",
    "power_off",
    "voicemail",
    "answered",
    "effective",
    "delivered",
    "failed",
]
"""What a contact came to, as rules count it; `effective` is a conversation with the person who was meant."""
Purpose = Literal[
    "collect",
    "locate",
    "reply",
    "reply_once",
    "callback",
    "reminder",
    "statutory_notice",
    "verification",
    "dispute_outcome",
    "optout_confirm",
    "terminate_notice",
    "notify_may_invoke_remedy",
    "notify_will_invoke_remedy",
    "legal_process",
]
InboundChannel = Literal["call", "sms", "email", "wechat", "letter", "visit"]


class PermitAsked(Said, frozen=True, kw_only=True):
    """
    A person (`by`) wants to make a contact now and asks for leave; the tick that follows at once answers.

    `account_ids` are the debts to be spoken of (none: all that is overdue), `contacted` a third person who is to
    be asked (her id; with `party` of the point), `place` where the contact will find them (`work`), `tags` what
    the person will disclose, `conduct` facts about the act (recording, staff ...), `template` the registered script.
    """

    permit_id: Name
    channel: PermitChannel
    point_id: Name
    purpose: Purpose = "collect"
    account_ids: Debts = ()
    contacted: str = ""
    place: str = ""
    topic: str = ""
    template: str = ""
    tags: tuple[Name, ...] = ()
    conduct: dict[str, Any] = {}


class ContactReported(Happened, frozen=True, kw_only=True):
    """What came of the contact that the permit allowed; its reservation ends. Without an amount all that is overdue was promised."""

    permit_id: Name
    result: Outcome
    promised_on: DateOn | None = None


class ContactReceived(Happened, frozen=True, kw_only=True):
    """
    The customer (or another `party`) contacted us, from a point that we may know; a text is fresh evidence of its number.

    `result` tells whether it came to a conversation (`effective`), about `account_ids` (none: nothing in particular).
    """

    channel: InboundChannel
    point_id: Name | None = None
    party: Name = "debtor"
    result: Literal["effective", "answered", "voicemail", "delivered"] = "delivered"
    account_ids: Debts = ()


TYPES: dict[str, type[Said]] = {
    "permit.asked": PermitAsked,
    "contact.reported": ContactReported,
    "contact.received": ContactReceived,
}
