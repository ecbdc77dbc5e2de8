"""What the gate answers."""

from datetime import datetime
from typing import Literal

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule in the way: `next_at` is the earliest instant from which it alone allows (none: never by time)."""

    rule: str
    pack: str
    next_at: datetime | None = None
    needs_fact: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Whether the contact is allowed at the proposal's instant, and the proof.

    `earliest_next` is the least instant from the proposal's on at which every rule allows it, none where
    only an event can help ("event"), the instant itself where it is allowed. `until` is the end of the
    stretch of time, from `earliest_next` on, in which it stays allowed if nothing new is known (at most
    24 hours; a permit's not_after). `obligations` are what the contact must carry or do, `review_flags` what
    a person should look at; `packs` are the packs that applied, as name@version:digest; `facts` is the digest of the log as
    known at `known_at`: the same for any order and any repeats.
    """

    outcome: Literal["allow", "block"]
    reasons: tuple[Reason, ...] = ()
    earliest_next: datetime | None = None
    until: datetime | None = None
    obligations: tuple[str, ...] = ()
    review_flags: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    facts: str = ""
    known_at: datetime | None = None

    @property
    def allowed(self) -> bool:
        """Whether the contact may be made at the instant that was asked for."""
        return self.outcome == "allow"

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The ids of the rules in the way, sorted."""
        return tuple(sorted({reason.rule for reason in self.reasons}))
