"""The terms in which releases speak: who acts and why, what came of it, and why an entry cannot be dealt with now."""

from dataclasses import dataclass

from shared.messaging.parking import Released


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, an opaque id (never a name), and why."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class GroupReleased:
    """One page of a group's release: what came of each customer and record, and where the next page begins ("": nowhere)."""

    released: list[Released]
    next: str


class NotThere(LookupError):
    """There is no such entry."""


class NotNext(RuntimeError):
    """The entry was dealt with already, or something of its customer's queue comes before it; the message says which."""


BEFORE = "something of its customer's queue comes before it: release the customer"
NOT_PARKED = "its customer is not parked any more"
DONE = "it was dealt with already"
TICK = "it is a tick that failed, and will be due again: mend it and release the customer"
