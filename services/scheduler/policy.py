"""What the bank chooses for the scheduler: the ladder, the hours of contact, buckets, promises. Pure."""

from bisect import bisect_left
from datetime import date, time, timedelta
from typing import Any, Literal

import msgspec

from shared.compliance.calendars import CalendarFile
from shared.compliance.pack import Pack
from shared.content.registry import Registered
from shared.events.envelope import Name
from shared.events.scheduler import CaseStage, Channel

StepKind = Literal["contact", "visit", "legal"]
STAGES: tuple[CaseStage, ...] = ("reminder", "contact", "letter", "visit", "legal")


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel, and the text that goes by it (the name of a template of the notifier)."""

    channel: Channel
    template: str


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One step of the ladder.

    `day` counts days past due (1 = the first day late; negative: days before the due date), `at` is
    the customer's local time (None: the strategy's). A contact is tried by `ways` in that order.
    """

    name: str
    day: int
    stage: CaseStage
    kind: StepKind = "contact"
    ways: tuple[Way, ...] = ()
    at: time | None = None


class Strategy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How cases are pursued.

    `business_zone` is the creditor's zone, in which dates are counted. `bucket_bounds` are the
    last DPD of M0, M1, ...; what is above the last bound is the last bucket. A promise is broken
    `promise_grace_days` after its date. `forget_days` is how long ids that are spent are remembered.
    Who says that they paid is left alone for `says_paid_hours`, who declares hardship for `hardship_days`.

    What the ladder's contacts are before the rules: `collector` makes them, calls have this `voice`, calls and
    messages are `autodialled`, and `conduct` holds the facts of it (`recording`: the dialler records). Whether a contact is
    allowed, and when, is said by `packs` alone, with the tags of the texts in `content`, and by
    `calendars` where a rule counts working days; they are loaded beside the strategy's own file (services/scheduler/loading.py).
    """

    name: str = "standard"
    segment: str = "standard"
    business_zone: str = "Asia/Shanghai"
    at: time = time(9, 30)
    bucket_bounds: tuple[int, ...] = (0, 30, 60, 90, 120, 150, 180)
    promise_grace_days: int = 2
    max_attempts: int = 3
    forget_days: int = 90
    says_paid_hours: int = 72
    hardship_days: int = 30
    ladder: tuple[Step, ...] = ()
    collector: Name = "bank"
    voice: Literal["human", "ai", "prerecorded"] = "human"
    autodialled: bool = True
    conduct: dict[str, Any] = {}
    packs: tuple[Pack, ...] = ()
    calendars: tuple[CalendarFile, ...] = ()
    content: Registered | None = None

    def bucket(self, dpd: int) -> str:
        """Name the bucket of *dpd*: M0 up to 0, M1 from 1 on, and so on."""
        return f"M{bisect_left(self.bucket_bounds, dpd)}"

    def next_bucket_on(self, oldest_due_on: date, dpd: int) -> date | None:
        """Answer the date on which the bucket changes by the passing of time alone, if any."""
        index = bisect_left(self.bucket_bounds, dpd)
        if index >= len(self.bucket_bounds):
            return None
        return oldest_due_on + timedelta(days=self.bucket_bounds[index] + 1)
