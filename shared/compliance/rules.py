"""Rule packs as values: twelve kinds of rules, each with its source, strength, evidence and validity."""

from datetime import date
from typing import Literal

import msgspec

Strength = Literal["must", "should", "presumption", "safe_harbor", "firm"]
Evidence = Literal["primary", "secondary", "memory"]
Mode = Literal[
    "local_dates",
    "inclusive_first_day",
    "exclude_first_day",
    "cn_civil_code",
    "business_days",
    "uk_not_before",
    "after_end",
]


class Validity(
    msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}, forbid_unknown_fields=True
):
    """Local dates, both included, on which a rule or pack is in force; none: always."""

    from_: date | None = None
    to: date | None = None


class When(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """To which proposals a rule applies: all that is given must hold (`or_autodialed` is an alternative to `voice_in`)."""

    channel_in: tuple[str, ...] = ()
    purpose_in: tuple[str, ...] = ()
    party_in: tuple[str, ...] = ()
    role_in: tuple[str, ...] = ()
    voice_in: tuple[str, ...] = ()
    action_in: tuple[str, ...] = ()
    product_in: tuple[str, ...] = ()
    creditor_kind_in: tuple[str, ...] = ()
    or_autodialed: bool = False
    limitation: str = ""


class Match(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Which contacts of the log a rule counts or follows."""

    channel: str = ""
    channel_in: tuple[str, ...] = ()
    direction: str = ""
    party: str = ""
    purpose: str = ""
    result_in: tuple[str, ...] = ()
    result_not_in: tuple[str, ...] = ()


class Span(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A number of days, and how they are counted (RULES.md section 3); `calendar` for business days."""

    days: int
    mode: Mode
    calendar: str = ""


class Rule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
):
    """
    What all rules have. `source` names keys of the pack's sources, or `cite` the provision itself.

    `effect`: what it means when the rule is in the way: a block, or only a flag for review.
    """

    id: str
    strength: Strength
    evidence: Evidence
    source: tuple[str, ...] = ()
    cite: str = ""
    force: str = ""
    applicability: str = ""
    note: str = ""
    effective: Validity | None = None
    when: When = When()
    unless_consent: str = ""
    unless_purpose: tuple[str, ...] = ()
    effect: Literal["block", "review"] = "block"


class Guard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minutes to stay away from the edges of what a window allows (ringing lasts)."""

    after_opening: int = 0
    before_closing: int = 0


class Window(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="window"
):
    """Local times "HH:MM-HH:MM", half-open, that are denied, or the only ones allowed, in every zone (`zones` replaces the proposal's)."""

    deny_local: tuple[str, ...] = ()
    allow_local: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    guard: Guard | None = None


class DeclaredWindow(
    Rule,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="declared_window",
):
    """The person's own inconvenient times (`inconvenient.declared`)."""


class Cap(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="cap"
):
    """At most `max` contacts that `count` matches, `per` equal keys, within a span."""

    count: Match
    per: tuple[str, ...]
    within: Span
    max: int
    exclude_consent: str = ""


class Cooldown(
    Rule,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="cooldown",
    rename={"for_": "for"},
):
    """No contact for a span after a contact that `after` matches."""

    after: Match
    per: tuple[str, ...]
    for_: Span


class Allowed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"if_": "if"},
):
    """A party that may be contacted: for these purposes, while a derived fact, or a clock, is live."""

    party: str
    purpose_in: tuple[str, ...] = ()
    if_: str = ""
    if_clock_live: str = ""


class Party(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="party"
):
    """Who may be contacted, for what."""

    allow: tuple[Allowed, ...]


class Hold(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="hold"
):
    """From the event `starts` to the event `ends` (or `never`) nothing but `permits` is allowed within `scope`."""

    starts: str
    ends: str = "never"
    scope: Literal["debt", "person", "point", "place_work", "contacted_person"]
    permits: tuple[str, ...] = ()
    correlate: str = ""
    duration_days: int | None = None
    except_party: tuple[str, ...] = ()


class OptOut(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="optout"
):
    """The person does not want this point, channel, topic, or caller."""

    level: Literal["point", "channel", "consent_topic", "caller"]
    permits: tuple[str, ...] = ()


class Fresh(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="fresh"
):
    """One of the events must have happened within `max_age_days` (times 24 hours)."""

    any_event: tuple[str, ...]
    max_age_days: int
    per_point: bool = False


class Precondition(
    Rule,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="precondition",
):
    """The event `needs` must have happened, and a span run since; `calendar` for business days (none: the pack's)."""

    needs: str
    min_days: int
    mode: Mode
    calendar: str = ""


class Content(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="content"
):
    """Tags that the text must, and must not, bear."""

    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()


class Conduct(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="conduct"
):
    """Facts about the act or the actor that must be so; a name that ends in `_min` is a least number."""

    require: dict[str, bool | int | str]


class ClockRule(
    Rule, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="clock"
):
    """Only while the clock of the pack is live (or, `while_expired`, only after it has run)."""

    clock: str
    while_expired: bool = False


AnyRule = (
    Window
    | DeclaredWindow
    | Cap
    | Cooldown
    | Party
    | Hold
    | OptOut
    | Fresh
    | Precondition
    | Content
    | Conduct
    | ClockRule
)


def named_types(rule: AnyRule) -> tuple[str, ...]:
    """Answer the types of facts that *rule* names: what begins or ends a hold, what is fresh evidence, what must have happened."""
    match rule:
        case Hold():
            return (rule.starts, rule.ends)
        case Fresh():
            return rule.any_event
        case Precondition():
            return (rule.needs,)
        case _:
            return ()
