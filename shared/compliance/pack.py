"""A rule pack: rules of one jurisdiction or of the bank itself, with their sources and clocks."""

from datetime import date
from typing import Literal

import msgspec

from shared.compliance.rules import AnyRule, Evidence, Match, Mode, Validity

Day = date
"""A class with a field `date` cannot name the type so."""


class Source(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """Where rules come from: when it was issued (`date`), when it is in force, and which articles count."""

    title: str
    issuer: str = ""
    date: Day | None = None
    from_: Day | None = None
    to: Day | None = None
    force: str = ""
    articles: str = ""
    note: str = ""


class PointInvalid(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="point_invalid",
):
    """A derived fact holds while all mobile points of the person are known to be invalid."""

    all_mobile_points: Literal[True]


class Streak(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="streak",
    rename={"from_": "from"},
):
    """A derived fact holds after `length` consecutive contacts that match `event`, from the next local day on."""

    event: Match
    length: int
    from_: Literal["next_local_day"] = "next_local_day"


class Cleared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact that matches ends a derived fact."""

    event: Match


class Derived(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A fact that follows from the log: `any` of these began it, and nothing has `cleared_by` it since."""

    any: tuple[PointInvalid | Streak, ...]
    cleared_by: Cleared | None = None


class Retention(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """How long records stay: at least `min`, or so long after an event; ISO 8601 periods such as P3Y."""

    min: str = ""
    after_last_activity: str = ""
    after_call: str = ""
    source: str = ""
    cite: str = ""


class Clock(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A derived deadline: a period of `years`, `months` or `days`, counted by `period`."""

    source: tuple[str, ...] = ()
    cite: str = ""
    years: int | None = None
    months: int | None = None
    days: int | None = None
    period: Mode | None = None
    min_gap_days: int | None = None
    evidence: Evidence = "memory"
    not_extendable: bool = False
    use: str = ""


class Zones(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Which zone counts where a proposal has none (`default`); every candidate zone must allow."""

    default: str = ""
    policy: Literal["all_candidates"] = "all_candidates"
    candidates: tuple[str, ...] = ()


class Pack(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A rule pack; `digest` (of its canonical content, filled by the loader) is stored in every decision."""

    pack: str
    version: str
    title: str = ""
    production: bool = False
    select: dict[str, tuple[str, ...]] = {}
    effective: Validity | None = None
    zones: Zones = Zones()
    calendar: str = ""
    sources: dict[str, Source] = {}
    derive: dict[str, Derived] = {}
    rules: tuple[AnyRule, ...] = ()
    clocks: dict[str, Clock] = {}
    retain: dict[str, Retention] = {}
    digest: str = ""

    @property
    def name(self) -> str:
        """How decisions refer to it: name@version:the first 12 digits of the digest."""
        return f"{self.pack}@{self.version}:{self.digest[:12]}"
