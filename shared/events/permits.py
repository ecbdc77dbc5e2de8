"""Permission to contact: what is asked, what the scheduler's gate grants, and what it refuses and why."""

from typing import Any, Literal

import msgspec

from shared.events.envelope import Fact, Instant, Name

PermitChannel = Literal["sms", "call", "email", "wechat", "letter", "visit"]


class Permit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Leave to make one contact: by this channel, at this point, from `not_before` on and before `not_after`.

    It reserves a place under every cap until its outcome is told or `not_after` has passed. `packs` are the
    rule packs it rests on (name@version:digest), `facts` the digest of what was known. `accounts` are the debts that
    may be spoken of, where whoever asked left that open.
    """

    permit_id: Name
    channel: PermitChannel
    point_id: Name
    not_before: Instant
    not_after: Instant
    packs: tuple[str, ...] = ()
    facts: str = ""
    accounts: tuple[Name, ...] = ()


class InTheWay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule that refuses: the earliest instant at which it alone would allow (none: never by time), a missing fact."""

    rule: str
    pack: str = ""
    next_at: Instant | None = None
    needs_fact: str = ""


class PermitRequested(Fact, frozen=True, kw_only=True):
    """
    A service asks leave for a contact that it plans itself, within [`not_before`, `not_after`).

    `purpose` is one of the gate's (RULES.md section 4); none: what the ladder pursues. `template` is
    the registered text, `tags` what is said beside it.
    """

    permit_id: Name
    follow_up_id: Name
    channel: PermitChannel
    point_id: Name
    not_before: Instant
    not_after: Instant
    conduct: dict[str, bool | int | str] = {}
    purpose: str = ""
    template: str = ""
    tags: tuple[Name, ...] = ()


class PermitGranted(Fact, frozen=True, kw_only=True):
    """Leave is given: for a fallback of a follow-up, for what a service asked, or for what a person (`by`) does."""

    permit: Permit
    follow_up_id: str = ""
    by: str = ""


class PermitRefused(Fact, frozen=True, kw_only=True):
    """
    No leave: the rules in the way, what was judged (`inputs`), and the earliest instant at which all allow.

    Without `earliest_next` only an event can help. `step` names the step of the ladder that has to wait, or the purpose of
    the follow-up (legal.file) whose act has to: that has neither channel nor point.
    """

    permit_id: Name
    channel: PermitChannel | None = None
    point_id: str = ""
    follow_up_id: str = ""
    step: str = ""
    by: str = ""
    reasons: tuple[InTheWay, ...]
    earliest_next: Instant | None = None
    inputs: dict[str, Any] = {}
    packs: tuple[str, ...] = ()
    facts: str = ""


GRANTED: dict[str, type[Fact]] = {"permit.granted": PermitGranted, "permit.refused": PermitRefused}
REQUESTED: dict[str, type[Fact]] = {"permit.requested": PermitRequested}
