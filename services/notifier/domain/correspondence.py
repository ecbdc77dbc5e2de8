"""What the notifier remembers of a customer: follow-ups, their choices, and what has been reported of them."""

from datetime import date, datetime
from typing import Any, Literal, get_args

import msgspec

from shared.decision import CaseState
from shared.events.scheduler import Channel, Situation

Outcome = Literal["sent", "delivered", "answered", "failed", "refused", "unknown"]
Told = Literal[
    "sent", "delivered", "answered", "promised", "failed", "invalidated", "refused", "unknown"
]
"""What can be reported of one contact, each at most once."""
IN_ORDER: tuple[Told, ...] = get_args(Told)
ENDS = frozenset({"delivered", "answered", "refused", "unknown"})
"""
After these no other choice is tried: it arrived, the permit is over, or it may have left. A mailbox that
bounces after a delivery changes nothing: the scheduler has closed the step and could not stop another.
"""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A receipt that no tick has reported yet; `time` is its event's."""

    effect_id: str
    outcome: Outcome
    reason: str = ""
    result: str = ""
    promised_on: date | None = None
    time: datetime

    @property
    def place(self) -> tuple[Any, ...]:
        """Its place among others: the same in whatever order they came in."""
        content = (self.outcome, self.reason, self.result, str(self.promised_on))
        return (self.time, self.effect_id, *content)


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of a follow-up, and what has been reported of it."""

    effect_id: str
    channel: Channel
    point_id: str
    template: str
    told: tuple[Told, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether no other choice may be tried after what was told of this one."""
        return not ENDS.isdisjoint(self.told)


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One follow-up: its choices in order, and the window in which they may leave.

    `begun`: the first choice was started. `situation` is dropped as soon as no further text can be
    needed. `news_at`: the latest time of a fact about it.
    """

    episode: int
    step: str
    attempt: int
    contacts: tuple[Contact, ...]
    not_before: datetime
    not_after: datetime
    news_at: datetime
    begun: bool = False
    situation: Situation | None = None

    @property
    def failed(self) -> int:
        """How many choices, from the first on, were told failed."""
        for index, contact in enumerate(self.contacts):
            if "failed" not in contact.told:
                return index
        return len(self.contacts)

    @property
    def started(self) -> int:
        """How many choices were started: the next one is in the tick in which one is told failed."""
        return self.failed + 1 if self.begun else 0

    @property
    def ended(self) -> bool:
        """Whether no further choice will be tried, whatever else is told."""
        return self.failed == len(self.contacts) or any(c.ends for c in self.contacts)

    @property
    def waits(self) -> bool:
        """Whether the choice under way has not come to its end yet."""
        return not self.ended

    @property
    def pending(self) -> tuple[str, ...]:
        """The started effects of which nothing was told: they may not have left yet."""
        if self.ended:
            return ()
        return tuple(c.effect_id for c in self.contacts[: self.started] if not c.told)


class Correspondence(CaseState, frozen=True, kw_only=True):
    """
    All that the notifier remembers of a customer; its stages are idle and contacting.

    `notices` and `cancelled` by follow_up_id, the latter with the time of the cancellation;
    `receipts` are not reported yet, or belong to no effect known so far.
    """

    notices: dict[str, Notice] = {}
    cancelled: dict[str, datetime] = {}
    receipts: tuple[Receipt, ...] = ()
