"""What the notifier remembers of a customer: follow-ups, their choices, and what has been reported of them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, get_args

import msgspec

from shared.decision import CaseState
from shared.events.permits import Permit
from shared.events.scheduler import Channel, Situation

Outcome = Literal["sent", "delivered", "answered", "failed", "refused", "unknown"]
Told = Literal[
    "sent", "delivered", "answered", "promised", "opted_out", "failed", "invalidated", "refused", "unknown",
    "skipped",
]  # fmt: skip
"""What can be told of one contact, each at most once; `skipped` is reported to nobody: a later choice got leave."""
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


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leave for a choice of a follow-up, given by the scheduler at `at`."""

    follow_up_id: str
    permit: Permit
    at: datetime


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """No leave any more, said by the scheduler at `at`: the rules in the way, what was judged, when to ask again."""

    at: datetime
    rules: tuple[str, ...] = ()
    inputs: dict[str, Any] = {}
    earliest_next: datetime | None = None


class Barred(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point that the notifier itself learnt at `at` not to use: opted_out or invalid_point."""

    at: datetime
    reason: str


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One choice of a follow-up, and what has been told of it.

    `content` is what a person wrote for it, still sealed, as message `message_id`.
    `permit_id` is the permit under which it started (the first choice's from the beginning), given at
    `granted_at`; `permit` the whole of the first choice's, until it started.
    """

    effect_id: str
    channel: Channel
    point_id: str
    template: str
    content: str = ""
    message_id: str = ""
    told: tuple[Told, ...] = ()
    permit: Permit | None = None
    permit_id: str = ""
    granted_at: datetime | None = None

    @property
    def ends(self) -> bool:
        """Whether no other choice may be tried after what was told of this one."""
        return not ENDS.isdisjoint(self.told)

    @property
    def passed(self) -> bool:
        """Whether the next choice may have its turn: it was told failed, or is skipped."""
        return "failed" in self.told or "skipped" in self.told


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One follow-up: its choices in order, and the window in which the first may leave.

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
    def passed(self) -> int:
        """How many choices, from the first on, had their turn: told failed, or skipped."""
        for index, contact in enumerate(self.contacts):
            if not contact.passed:
                return index
        return len(self.contacts)

    @property
    def started(self) -> int:
        """How many choices were started or skipped: after a failure the next one waits for its permit."""
        if not self.begun:
            return 0
        place = self.passed
        waits = 0 < place < len(self.contacts) and not self.contacts[place].permit_id
        return place if waits else place + 1

    @property
    def ended(self) -> bool:
        """Whether no further choice will be tried, whatever else is told."""
        return self.passed == len(self.contacts) or any(c.ends for c in self.contacts)

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


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    In how many files the number of a point stands (`k`), and the place of this one (`rank`, 0: the oldest), as counted
    last; `told` is what was published last, `number` counts what was published.
    """

    k: int = 1
    rank: int = 0
    told: tuple[int, int] = (1, 0)
    number: int = 0


class Correspondence(CaseState, frozen=True, kw_only=True):
    """
    All that the notifier remembers of a customer; its stages are idle and contacting.

    `notices` and `cancelled` by follow_up_id, the latter with the time of the cancellation;
    `receipts` are not reported yet, or belong to no effect known so far. `grants` and `refusals` by
    permit_id are what the scheduler said last of it, `barred` by point_id what it may not know yet.
    `shares` by point_id.
    """

    notices: dict[str, Notice] = {}
    cancelled: dict[str, datetime] = {}
    receipts: tuple[Receipt, ...] = ()
    grants: dict[str, Grant] = {}
    refusals: dict[str, Refusal] = {}
    barred: dict[str, Barred] = {}
    shares: dict[str, Share] = {}

    def point_of(self, effect_id: str) -> str:
        """Answer the point that an effect goes to, "" if it is no effect of a follow-up remembered here."""
        return next(
            (
                contact.point_id
                for notice in self.notices.values()
                for contact in notice.contacts
                if contact.effect_id == effect_id
            ),
            "",
        )

    def pending(self) -> Mapping[str, Contact]:
        """Answer, by effect_id, the contacts that were started, are still wanted, and of which nothing was told."""
        return {
            contact.effect_id: contact
            for follow_up_id, notice in self.notices.items()
            if follow_up_id not in self.cancelled
            for contact in notice.contacts
            if contact.effect_id in notice.pending
        }
