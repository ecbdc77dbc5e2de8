"""Who shares a number with whom: how many files it stands in, and which place each has among them. Pure.

The live count (holders.py) and the replay's (shared/replay/sharing.py) both come to their answer here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from shared.events.envelope import Event
from shared.events.notifier import ContactPointCounted
from shared.events.registry import TYPE_OF
from shared.ids import derive

Number = TypeVar("Number", str, bytes)
Place = tuple[str, str]
"""(customer_id, point_id)."""
Share = tuple[int, int]
"""(k, rank): in how many customers' files the number stands, and the place of this one's, 0 for the oldest."""

ALONE: Share = (1, 0)
MOST = 100
"""More files than this are counted as so many: no cap leaves anything for a later one, and nobody need be told of each."""
NOT_SHARED = frozenset({"postal"})
"""Kinds of points that are no number: of a household each is written to by name."""
SOURCE = "/vault"


@dataclass(frozen=True, slots=True)
class Holding:
    """A number that stands in a customer's file without interruption since (the time of) this record."""

    customer_id: str
    point_id: str
    since: datetime

    @property
    def place(self) -> Place:
        """Whose point it is."""
        return (self.customer_id, self.point_id)


def shares(holdings: Iterable[Holding]) -> dict[Place, Share]:
    """Answer each point's share of one number; a customer who gave it twice is one file, as old as the older."""
    held = list(holdings)
    since: dict[str, datetime] = {}
    for each in held:
        since[each.customer_id] = min(each.since, since.get(each.customer_id, each.since))
    order = sorted(since, key=lambda customer_id: (since[customer_id], customer_id))
    k = min(len(order), MOST)
    ranks = {customer_id: min(rank, k - 1) for rank, customer_id in enumerate(order)}
    return {each.place: (k, ranks[each.customer_id]) for each in held}


def changes(told: Mapping[Place, Share], now: Mapping[Place, Share]) -> list[tuple[Place, Share]]:
    """Answer who must be told what, sorted; who was never told is alone, and who does not hold the number any more is, too."""
    return [
        (place, share)
        for place in sorted({*told, *now})
        if (share := now.get(place, ALONE)) != told.get(place, ALONE)
    ]


def counted(place: Place, share: Share, cause: tuple[str, datetime, str]) -> Event:
    """Make the fact for the case of one who shares: *cause* is the record (customer, time, id) that changed the count."""
    (customer_id, point_id), (k, rank) = place, share
    whose, time, event_id = cause
    data = ContactPointCounted(customer_id=customer_id, point_id=point_id, k=k, rank=rank)
    name = TYPE_OF[ContactPointCounted]
    return Event(
        id=derive("vault", customer_id, point_id, name, whose, time.isoformat(), event_id),
        source=SOURCE,
        type=name,
        subject=customer_id,
        time=time,
        data=data,
    )
