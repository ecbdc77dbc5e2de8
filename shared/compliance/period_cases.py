"""
Worked periods in a file: what a pack's clocks and retention periods must come to.

    - {id: L1, pack: cn-bank-consumer, clock: limitation, began: 2023-11-20, last: 2026-11-20}
    - {id: L10, pack: cn-bank-consumer, clock: effective_demand_pair, began: 2026-09-01, second: 2026-09-30, pair: false}
    - {id: K1, pack: cn-bank-consumer, retain: call_recording, began: 2026-11-20, last: 2028-11-20}
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from shared.compliance.calendars import WorkCalendar
from shared.compliance.pack import Pack
from shared.compliance.periods import clock_ending, effective_pair, kept_until
from shared.yaml_lines import YamlError, read

_EXPECTED = "a list of periods, each with `id`, `pack`, `clock` or `retain`, `began` and `last`"


class PeriodCaseError(ValueError):
    """The file cannot be used; the message holds file, line, field and what to write instead."""


class PeriodCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A period that began on a local date: its last day; or whether two demands, `began` and `second`, are a `pair`."""

    id: str
    pack: str
    clock: str = ""
    retain: str = ""
    began: date
    last: date | None = None
    second: date | None = None
    pair: bool | None = None
    note: str = ""

    def holds(self, pack: Pack, calendars: Mapping[str, WorkCalendar]) -> bool:
        """Tell whether *pack* comes to what the case says; a clock that the pack lost does not."""
        if self.retain:
            retention = pack.retain.get(self.retain)
            if retention is None:
                return False
            period = retention.min or retention.after_last_activity or retention.after_call
            return kept_until(period, self.began) == self.last
        clock = pack.clocks.get(self.clock)
        if clock is None:
            return False
        if self.second is not None:
            return effective_pair(self.began, self.second, clock) == self.pair
        calendar = calendars.get(pack.calendar) or WorkCalendar(pack.calendar, {})
        return clock_ending(clock, self.began, calendar).day == self.last


def read_periods(path: Path) -> tuple[PeriodCase, ...]:
    """Read a file of periods; raises PeriodCaseError, or OSError when it cannot be read."""
    try:
        document = read(path, list[PeriodCase], _EXPECTED)
        for index, case in enumerate(document.value):
            if bool(case.clock) == bool(case.retain):
                raise document.error("needs either `clock` or `retain`", index)
            if (case.second is None) != (case.pair is None) or (
                case.last is None and case.second is None
            ):
                raise document.error("needs `last`, or `second` and `pair`", index)
    except YamlError as error:
        raise PeriodCaseError(str(error)) from None
    return tuple(document.value)
