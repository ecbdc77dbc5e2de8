"""A rule pack: rules of one jurisdiction or of the bank itself, with their sources and clocks."""

from typing import Any, Literal

import msgspec

from shared.compliance.rules import AnyRule, Evidence, Mode, Validity


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
    sources: dict[str, dict[str, Any]] = {}
    derive: dict[str, dict[str, Any]] = {}
    rules: tuple[AnyRule, ...] = ()
    clocks: dict[str, Clock] = {}
    retain: dict[str, dict[str, Any]] = {}
    digest: str = ""

    @property
    def name(self) -> str:
        """How decisions refer to it: name@version:the first 12 digits of the digest."""
        return f"{self.pack}@{self.version}:{self.digest[:12]}"
